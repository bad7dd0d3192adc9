/// Sums over a buffer, in a fixed order for a given thread count.
#pragma once

/// What is summed; accumulated in double from short float blocks.
enum ck_reduction {
  CK_SUM,               ///< a
  CK_ASUM,              ///< |a|
  CK_SUMSQ,             ///< a²
  CK_CENTRED_SUMSQ,     ///< (a - k)²
  CK_DOT,               ///< a·b
  CK_NEGATIVE_DOT,      ///< a·b where b <= 0
  CK_SQUARED_DISTANCE,  ///< (a - b)²
  CK_SIGMOID_LOSS,      ///< cross entropy of sigmoid(a) and target b; 0 where whole b = k
  CK_DIFFERENT,         ///< 1 where whole a != k
  CK_NONFINITE,         ///< 1 where a is infinite or NaN
  CK_REDUCE_COUNT
};

/// The sum over all `count` elements; `b` may be NULL where it has no part.
double ck_reduce(enum ck_reduction operation, const float *a, const float *b, float k, long count);

/// out[r] = factor · Σ over row r of `a` (and `b`), rows of `extent` elements.
void ck_reduce_rows(
    enum ck_reduction operation, const float *a, const float *b, long rows, long extent,
    float factor, float *out);

/// out[c] = factor · Σ over outer and inner of `a` (and `b`), `[outer, channels, inner]`, plus the
/// old out[c] if `adding`. `k` is a constant per channel, or NULL; `block` as for ck_channel_affine.
void ck_reduce_channels(
    enum ck_reduction operation, const float *a, const float *b, const float *k, long outer,
    long channels, long inner, long block, float factor, int adding, float *out);

/// The largest element, NaNs passed over; -infinity when there is none.
float ck_maximum(const float *a, long count);
