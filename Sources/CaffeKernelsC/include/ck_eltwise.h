/// The element-wise maximum of several buffers, and which of them it came from.
#pragma once
#include <stdint.h>

/// Starts a maximum with two buffers; `mask` receives 0 or 1. On a tie the second wins, as in Caffe.
void ck_maximum_start(
    const float *first, const float *second, long count, int32_t *mask, float *best);
/// Takes one more buffer into the maximum: where it is larger, `mask` becomes `number`.
void ck_maximum_continue(
    const float *next, int32_t number, long count, int32_t *mask, float *best);
/// out = gradient where mask = number, else 0. `out` may be `gradient`.
void ck_maximum_backward(
    const float *gradient, const int32_t *mask, int32_t number, long count, float *out);
