/// Matrices of bfloat16 values in the order in which processors multiply them by pairs.
#pragma once
#include <stdint.h>

/// `[rows, columns]` as `[rows / block_rows][columns / (2·pairs)][pairs][block_rows][2]`, filled up with
/// zeros where the blocks do not divide the matrix.
struct ck_pairs {
  long rows, columns, block_rows, pairs;
};

/// Rounds a matrix in row-major order into that order.
void ck_round_pairs(const struct ck_pairs *order, const float *matrix, uint16_t *packed);
