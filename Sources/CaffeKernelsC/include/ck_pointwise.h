/// What a convolution whose windows are single cells needs to be a product of matrices of bfloat16
/// values: one row for each cell it reads. Blobs are channels-last.
#pragma once
#include <stdbool.h>
#include <stdint.h>

/// The cells of `[items, height, width, channels]` that lie in every `step_y`-th row and every
/// `step_x`-th column, beginning with the first.
struct ck_cells {
  long items, height, width, channels, step_y, step_x;
};

/// Rounds the values of the cells, row by row; where they are `rounded` already, copies them.
void ck_round_cells(
    const struct ck_cells *cells, const void *values, bool rounded, uint16_t *rows);
/// Fills `values`: with `rows` in the cells, with zeros elsewhere; all are bfloat16 if they are `rounded`,
/// else float.
void ck_spread_cells(const struct ck_cells *cells, const void *rows, bool rounded, void *values);
/// sums[c] ← sums[c] + Σ values[r][c] over the rows.
void ck_add_bfloat16_rows(const uint16_t *values, long rows, long columns, float *sums);
