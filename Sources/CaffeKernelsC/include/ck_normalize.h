/// Batch normalisation with a scale, a shift and a ReLU behind it.
#pragma once
#include <stdbool.h>

/// y = max(factor·(x − mean) + shift, floor) for each channel of `[outer, channels / block, inner,
/// block]`, where factor = scale / √(variance + eps). `block` divides `channels` and 64; it may be 1 where
/// `inner` is 1.
struct ck_normalization {
  long outer, channels, inner, block;
  /// Per channel; the variance is the biased one.
  float *mean, *variance;
  /// The statistics are given, not those of x.
  bool given;
  float eps;
  /// Per channel; NULL means 1 and 0.
  const float *scale, *shift;
  /// 0 for a ReLU behind it, −infinity for none.
  float floor;
  /// All values of blobs are bfloat16 (uint16_t), not float: x, y, residual and their gradients.
  bool rounded;
};

/// Floats that each pass needs to work with, for the number of threads that the calling thread has.
long ck_normalize_workspace(const struct ck_normalization *n);

/// Writes `y`, which may be `x`, and unless they are given, mean and variance.
///
/// - residual: added before the floor; NULL for none.
/// - workspace: aligned to 8 bytes.
void ck_normalize(
    const struct ck_normalization *n, const void *x, const void *residual, float *workspace,
    void *y);

/// The gradient of a blob that two layers read: the sum of theirs.
struct ck_joined_gradient {
  /// That of one, to which the other is added.
  void *sum;
  /// NULL for none.
  const void *other;
  /// The sum counts only where these values are positive, else it becomes 0; NULL for everywhere.
  const void *y;
};

/// Writes `dx`, which may be `dy`, and adds to the gradients of scale and shift; NULL drops one.
void ck_normalize_backward(
    const struct ck_normalization *n, const void *dy, const void *x, float *workspace, void *dx,
    float *dscale, float *dshift);

/// As `ck_normalize_backward` for the `sum` of `joined`, which it works out; the floor is that of
/// `joined`. `dx` may be `x`.
void ck_normalize_joined_backward(
    const struct ck_normalization *n, const struct ck_joined_gradient *joined, const void *x,
    float *workspace, void *dx, float *dscale, float *dshift);
