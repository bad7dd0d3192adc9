/// Pooling over up to three spatial axes.
#pragma once
#include <stdint.h>

/// The cells a window takes along one axis, `start..<end`, and its extent for an average's divisor.
struct ck_window {
  int32_t start, end, span;
};

/// Planes `[planes, input[0], input[1], input[2]]` to `[planes, output[0], output[1], output[2]]`;
/// `windows[axis]` holds one non-empty window per output position.
struct ck_pooling {
  long planes;
  long input[3], output[3];
  const struct ck_window *windows[3];
};

/// Parts in which to do the work. Where a function asks for `parts` it shares the work among so many,
/// and needs a workspace of `2·input[2]` floats for each.
long ck_pool_parts(const struct ck_pooling *pooling);

/// The largest value of each window, and its index within the plane. The first cell wins a tie; a
/// NaN is passed over, unless the window holds nothing else.
void ck_pool_maximum(
    const struct ck_pooling *pooling, const float *input, long parts, float *workspace,
    int32_t *mask, float *output);
/// The window's sum over the product of its spans.
void ck_pool_average(
    const struct ck_pooling *pooling, const float *input, long parts, float *workspace,
    float *output);
/// One value of each window, the i-th cell with probability x_i / Σx; `random` holds a uniform
/// number of [0, 1) for each output. Inputs are not negative.
void ck_pool_sample(
    const struct ck_pooling *pooling, const float *input, const float *random, int32_t *mask,
    float *output);
/// The expectation of `ck_pool_sample`: Σx² / Σx, or 0 where the sum is not positive.
void ck_pool_expectation(const struct ck_pooling *pooling, const float *input, float *output);

/// Sends each output's gradient to the cell `mask` names. Overwrites `input_gradient`.
void ck_pool_masked_backward(
    const struct ck_pooling *pooling, const float *gradient, const int32_t *mask,
    float *input_gradient);
/// Shares each output's gradient among its window. Overwrites `input_gradient`.
void ck_pool_average_backward(
    const struct ck_pooling *pooling, const float *gradient, long parts, float *workspace,
    float *input_gradient);
