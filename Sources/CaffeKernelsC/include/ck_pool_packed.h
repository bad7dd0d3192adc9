/// Pooling of values that lie in runs: all cells of a plane have `run` channels side by side, as
/// channels-last (one plane an image) and blocks of channels (one plane a block) have them.
#pragma once
#include <stdint.h>

#include "ck_pool.h"

/// Most cells of a window whose maximum `ck_pool_packed_maximum` can remember.
#define CK_MAX_PACKED_TAPS 256

/// `[planes, input…, run]` to `[planes, output…, run]`.
struct ck_packed_pooling {
  struct ck_pooling pooling;
  long run;
  /// The largest extent of a window along each axis.
  long kernel[3];
  /// `covering[axis]` holds for each input position the outputs `start..<end` whose windows cover it.
  const struct ck_window *covering[3];
};

/// The largest value of each window. `taps` receives which cell of the window it is: cell
/// (z, y, x), counted from the window's first, is number (z·kernel[1] + y)·kernel[2] + x. The first
/// cell wins a tie; a NaN is passed over, unless the window holds nothing else.
void ck_pool_packed_maximum(
    const struct ck_packed_pooling *pooling, const float *input, uint8_t *taps, float *output);
/// The window's sum over the product of its spans.
void ck_pool_packed_average(
    const struct ck_packed_pooling *pooling, const float *input, float *output);

/// Sends each output's gradient to the cell that `taps` names. Overwrites `input_gradient`.
void ck_pool_packed_maximum_backward(
    const struct ck_packed_pooling *pooling, const float *gradient, const uint8_t *taps,
    float *input_gradient);
/// Shares each output's gradient among its window. Overwrites `input_gradient`.
void ck_pool_packed_average_backward(
    const struct ck_packed_pooling *pooling, const float *gradient, float *input_gradient);
