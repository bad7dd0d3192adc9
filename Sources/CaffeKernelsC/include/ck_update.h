/// The solvers' update of one contiguous parameter store.
#pragma once

/// With g the scaled and decayed gradient and h, h2 the histories (Caffe's rules, in its order):
enum ck_update_method {
  CK_SGD,       ///< h = momentum·h + rate·g; step h
  CK_NESTEROV,  ///< h' = momentum·h + rate·g; step (1 + momentum)·h' - momentum·h
  CK_ADAGRAD,   ///< h += g²; step rate·g / (√h + delta)
  CK_RMSPROP,   ///< h = momentum2·h + (1 - momentum2)·g²; step rate·g / (√h + delta)
  CK_ADADELTA,  ///< h as RMSProp with momentum; u = g·√((h2 + delta) / (h + delta));
                ///< h2 = momentum·h2 + (1 - momentum)·u²; step rate·u
  CK_ADAM,      ///< h = momentum·h + (1 - momentum)·g; h2 = momentum2·h2 + (1 - momentum2)·g²;
                ///< step rate·correction·h / (√h2 + delta)
  CK_ADAMW,     ///< h, h2 as Adam, but of the gradient without decay;
                ///< step rate·(correction·h / (correction2·√h2 + delta) + decay)
  CK_UPDATE_COUNT
};

/// Constants of one update.
struct ck_update {
  enum ck_update_method method;
  float rate, momentum, momentum2, delta, correction, correction2;
  float gradient_scale;  ///< g starts as gradient_scale·gradient
  float l2, l1;          ///< and gets the decay, l2·w + l1·sign(w)
  int keep_step;         ///< the gradient buffer ends as the step, not as zeros
};

/// A run of parameters with its own multipliers of the rate and of the decay.
struct ck_segment {
  long offset, count;
  float rate, decay;
};

/// Updates w -= step and the histories over all segments, in one parallel pass. Segments lie in
/// ascending order and do not overlap; what lies between them is left alone. `history2` is used by
/// CK_ADADELTA, CK_ADAM and CK_ADAMW.
void ck_update_parameters(
    const struct ck_update *update, const struct ck_segment *segments, long segment_count,
    float *weights, float *gradient, float *history, float *history2);
