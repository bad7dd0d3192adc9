#include "ck_pairs.h"

#include <string.h>

#include "ck_parallel.h"
#include "dispatch.h"

/// Columns of a row that are read at a time, and the most rows of a block.
enum { CHUNK = 256, MOST_ROWS = 64 };

struct pairs_context {
  const struct ck_pairs *order;
  const float *matrix;
  uint16_t *packed;
};

/// Blocks along a row, and those of them that lie in a chunk.
static long blocks(const struct ck_pairs *o) { return ck_quotient(o->columns, 2 * o->pairs); }
static long blocks_of_chunk(const struct ck_pairs *o) { return CHUNK / (2 * o->pairs); }

/// One block of the chunk, whose rows lie `CHUNK` values apart: pairs of a row become a column of pairs.
static void turn(const struct ck_pairs *o, const uint16_t *chunk, uint16_t *out) {
  for (long pair = 0; pair < o->pairs; pair++)
    for (long row = 0; row < o->block_rows; row++)
      memcpy(
          out + 2 * (pair * o->block_rows + row), chunk + row * CHUNK + 2 * pair,
          2 * sizeof *out);
}

static void pairs_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct pairs_context *c = context;
  const struct ck_pairs *o = c->order;
  long chunks = ck_quotient(blocks(o), blocks_of_chunk(o));
  long size = 2 * o->pairs * o->block_rows;
  uint16_t chunk[MOST_ROWS * CHUNK];
  for (long task = begin; task < end; task++) {
    long block = task % chunks * blocks_of_chunk(o), first = task / chunks * o->block_rows;
    long column = block * 2 * o->pairs, count = least(CHUNK, o->columns - column);
    long rows = least(o->block_rows, o->rows - first);
    if (rows < o->block_rows || count < CHUNK) memset(chunk, 0, sizeof chunk);
    for (long row = 0; row < rows; row++)
      ck_loops()->round_bfloat16(
          c->matrix + (first + row) * o->columns + column, count, chunk + row * CHUNK);
    uint16_t *out = c->packed + (task / chunks * blocks(o) + block) * size;
    long present = least(blocks_of_chunk(o), blocks(o) - block);
    for (long i = 0; i < present; i++) turn(o, chunk + i * 2 * o->pairs, out + i * size);
  }
}

void ck_round_pairs(const struct ck_pairs *order, const float *matrix, uint16_t *packed) {
  struct pairs_context context = {order, matrix, packed};
  long chunks = ck_quotient(blocks(order), blocks_of_chunk(order));
  ck_parallel_for(
      ck_quotient(order->rows, order->block_rows) * chunks,
      CK_LIGHT_GRAIN / (order->block_rows * CHUNK) + 1, pairs_part, &context);
}
