/// The table of loops, one per instruction set; only this module's own files see it.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "ck_lrn_packed.h"
#include "ck_map.h"
#include "ck_pool_packed.h"
#include "ck_random.h"
#include "ck_reduce.h"
#include "ck_update.h"
#include "ck_winograd.h"

/// Elements after which the constants of a loop over lanes repeat.
#define CK_LANES 64

/// Rows of floats that a cell has while its channels are normalised.
#define CK_LRN_ROWS 3

static inline long least(long a, long b) { return a < b ? a : b; }

/// The quotient, rounded up.
static inline long ck_quotient(long a, long b) { return (a + b - 1) / b; }

/// Rows of `count` elements that lie next to one another, the rows `stride` elements apart.
struct ck_rows {
  long rows, stride, count;
  /// The elements are bfloat16 (uint16_t), not float.
  bool rounded;
};

/// Bytes of `count` elements.
static inline long ck_bytes(long count, bool rounded) {
  return count * (long)(rounded ? sizeof(uint16_t) : sizeof(float));
}

/// Asks for the row 8 rows after that at element `at`: the processor does not foresee short rows that
/// lie apart.
static inline void ck_prefetch_row(const void *values, long at, const struct ck_rows *rows) {
  if (rows->rows == 1) return;
  const char *row = (const char *)values + ck_bytes(at + 8 * rows->stride, rows->rounded);
  for (long i = 0; i < ck_bytes(rows->count, rows->rounded); i += 64) __builtin_prefetch(row + i);
}

/// A tile of a plane of `height` by `width` cells, which are `cell` floats apart: it begins at (y, x) and
/// may reach beyond the plane. Of each cell there are `lanes` channels.
struct ck_tile {
  long height, width, cell, y, x, lanes;
};

/// Rows that lie `row` floats apart or, with indices, are picked from those; `first` is NULL for zeros.
struct ck_start {
  const float *first;
  long row;
  const float *index;
};

static inline const float *ck_start_at(const struct ck_start *start, long r) {
  return start->first + (start->index ? (long)start->index[r] : r) * start->row;
}

/// A product of a matrix's rows by a panel of weights: `rows` of `a`, which lie `a_row` floats apart, their
/// `inner` values `a_step`, by the first `vectors` vectors of rows that lie `b_step` floats apart.
/// It overwrites rows that lie `out_row` floats apart with sums that begin with `start`.
struct ck_product {
  long rows, inner, vectors, a_row, a_step, b_step, out_row;
  struct ck_start start;
};

/// Loops whose bodies are compiled once per instruction set. All are serial: the callers, compiled
/// once, split the work among threads.
struct ck_loops {
  void (*map[CK_MAP_COUNT])(
      const float *a, const float *b, const float *c, const float *k, long count, float *out);
  double (*reduce[CK_REDUCE_COUNT])(const float *a, const float *b, float k, long count);
  void (*accumulate[CK_REDUCE_COUNT])(
      const float *a, const float *b, const float *k, long count, float *sums);
  void (*update[CK_UPDATE_COUNT])(
      const struct ck_update *update, long count, float *weights, float *gradient, float *history,
      float *history2);
  /// Floats of a vector in the loops that hold channels in vectors, and the most vectors in a row of a
  /// product.
  long vector, product_vectors;
#define LOOP(result, name, ...) result (*name)(__VA_ARGS__);
#include "loops/signatures.inc"
#undef LOOP
};

/// The table that the calling thread uses.
const struct ck_loops *ck_loops(void);
/// Makes the calling thread use `loops` (NULL: the process's own) and returns what it had chosen.
const struct ck_loops *ck_use_loops(const struct ck_loops *loops);

extern const struct ck_loops ck_loops_base, ck_loops_v3, ck_loops_v4;
