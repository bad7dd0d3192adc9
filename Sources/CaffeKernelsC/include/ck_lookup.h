/// Rows picked by index, and the largest values of a row. Indices are whole numbers stored as floats,
/// already checked against `rows`.
#pragma once

/// out[i] = table[indices[i]], rows of `width` floats; plus `bias` (one row) if not NULL.
void ck_gather_rows(
    const float *table, const float *indices, long count, long width, const float *bias,
    float *out);
/// table[indices[i]] += gradient[i], in the order of i for each row. The table has `rows` rows.
void ck_scatter_add_rows(
    const float *gradient, const float *indices, long count, long rows, long width, float *table);

/// The `top` largest of the channels of `[outer, channels, inner]`, largest first; of equal values
/// the higher index comes first, as in Caffe, and NaN after all others. Entry j of position (o, i)
/// goes to [o·outer_stride + j·inner + i] of `indices` and of `values`; either may be NULL.
void ck_top(
    const float *input, long outer, long channels, long inner, long top, long outer_stride,
    float *indices, float *values);
