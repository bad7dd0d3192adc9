/// Copies between buffers of different strides.
#pragma once

/// Most axes of a strided copy.
#define CK_MAX_COPY_AXES 32

/// out[Σ i·out_stride] = source[Σ i·source_stride], or += if `adding`, for all indices below
/// `extents`. Strides are floats; no two indices share an output element.
void ck_copy_strided(
    const float *source, const long *source_strides, long axes, const long *extents, int adding,
    const long *out_strides, float *out);

/// out = the sum of `count` buffers of `extent` floats, in their order; `out` may be the first one.
void ck_sum_buffers(const float *const *sources, long count, long extent, float *out);
