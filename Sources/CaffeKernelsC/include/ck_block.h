/// Copies between buffers of different strides.
#pragma once

/// Most axes of a strided copy.
#define CK_MAX_COPY_AXES 32

/// out[Σ i·out_stride] = source[Σ i·source_stride], or += if `adding`, for all indices below
/// `extents`. Strides are floats; no two indices share an output element.
void ck_copy_strided(
    const float *source, const long *source_strides, long axes, const long *extents, int adding,
    const long *out_strides, float *out);

/// The rows of `extent` floats of `out`, one behind the other, are the sums of those of `count` sources, in
/// their order, where rows lie `stride` floats apart; `out` may be the first source if they are as close
/// there. Unless `outputs` is NULL, what belongs to one of them, which lie as the sources do, that is not
/// positive is multiplied by `slope`: the gradient of a ReLU.
void ck_sum_rows(
    const float *const *sources, long count, long stride, long rows, long extent,
    const float *outputs, float slope, float *out);
