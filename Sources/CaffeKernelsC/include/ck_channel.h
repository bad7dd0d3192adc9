/// Loops over `[outer, channels, inner]` with constants per channel.
#pragma once
#include "ck_columns.h"
#include "ck_map.h"

/// out = p[c]·a + q[c]·b + r[c]. NULL means: p 1, q·b 0, r 0. `out` may be `a` or `b`.
///
/// With a `block` above 1 (a divisor of `channels` and of 64), the buffers are
/// `[outer, channels / block, inner, block]`.
void ck_channel_affine(
    const float *a, const float *b, const float *p, const float *q, const float *r, long outer,
    long channels, long inner, long block, float *out);

/// out = a where it is positive, else slope[c]·a.
void ck_prelu(
    const float *a, const float *slope, long outer, long channels, long inner, float *out);
/// out = gradient where `input` is positive, else slope[c]·gradient.
void ck_prelu_backward(
    const float *gradient, const float *input, const float *slope, long outer, long channels,
    long inner, float *out);

/// Some columns of row r of `out` = the operation on those of row r of `a` and `b` (NULL where it takes
/// none) with k0 = factor·constants[r] (NULL: the factor alone) and no other constants.
void ck_map_rows(
    enum ck_map_operation operation, const float *a, const float *b, const float *constants,
    float factor, const struct ck_columns *columns, float *out);
