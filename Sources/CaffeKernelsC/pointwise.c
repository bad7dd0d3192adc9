#include "ck_pointwise.h"

#include <string.h>

#include "ck_parallel.h"
#include "dispatch.h"
#include "lanes.h"

struct cells_context {
  const struct ck_cells *cells;
  const void *source;
  /// What `source` has is bfloat16.
  bool rounded;
  void *out;
};

/// Rows of `width` cells that are worth a thread.
static long grain(const struct ck_cells *c) {
  return CK_LIGHT_GRAIN / (c->width * c->channels > 0 ? c->width * c->channels : 1) + 1;
}

static void round_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct cells_context *b = context;
  const struct ck_cells *c = b->cells;
  long height = ck_quotient(c->height, c->step_y), width = ck_quotient(c->width, c->step_x);
  for (long row = begin; row < end; row++) {
    long y = row / height * c->height + row % height * c->step_y;
    uint16_t *out = (uint16_t *)b->out + row * width * c->channels;
    for (long x = 0; x < width; x++, out += c->channels) {
      const char *cell = (const char *)b->source +
                         ck_bytes((y * c->width + x * c->step_x) * c->channels, b->rounded);
      if (b->rounded)
        memcpy(out, cell, (size_t)ck_bytes(c->channels, true));
      else
        ck_loops()->round_bfloat16((const float *)cell, c->channels, out);
    }
  }
}

void ck_round_cells(
    const struct ck_cells *cells, const void *values, bool rounded, uint16_t *rows) {
  struct cells_context context = {cells, values, rounded, rows};
  ck_parallel_for(
      cells->items * ck_quotient(cells->height, cells->step_y), grain(cells), round_part, &context);
}

static void spread_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct cells_context *b = context;
  const struct ck_cells *c = b->cells;
  long height = ck_quotient(c->height, c->step_y), width = ck_quotient(c->width, c->step_x);
  size_t cell = (size_t)ck_bytes(c->channels, b->rounded);
  for (long row = begin; row < end; row++) {
    char *out = (char *)b->out + (size_t)(row * c->width) * cell;
    memset(out, 0, (size_t)c->width * cell);
    long y = row % c->height;
    if (y % c->step_y) continue;
    const char *source =
        (const char *)b->source +
        (size_t)((row / c->height * height + y / c->step_y) * width) * cell;
    for (long x = 0; x < width; x++)
      memcpy(out + (size_t)(x * c->step_x) * cell, source + (size_t)x * cell, cell);
  }
}

void ck_spread_cells(const struct ck_cells *cells, const void *rows, bool rounded, void *values) {
  struct cells_context context = {cells, rows, rounded, values};
  ck_parallel_for(cells->items * cells->height, grain(cells), spread_part, &context);
}

/// Rows that are summed in float before they go into a double.
enum { SUMMED = 16 };

struct rows_context {
  const uint16_t *values;
  long rows, columns;
  float *sums;
};

static void sums_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct rows_context *b = context;
  for (long first = begin * CK_LANES; first < end * CK_LANES; first += CK_LANES) {
    long count = b->columns - first < CK_LANES ? b->columns - first : CK_LANES;
    double total[CK_LANES] = {0};
    for (long row = 0; row < b->rows; row += SUMMED) {
      long rows = b->rows - row < SUMMED ? b->rows - row : SUMMED;
      float sums[CK_LANES] = {0};
      ck_loops()->add_bfloat16_rows(
          b->values + row * b->columns + first, rows, b->columns, count, sums);
      ck_add_lanes(sums, total);
    }
    for (long i = 0; i < count; i++) b->sums[first + i] += (float)total[i];
  }
}

void ck_add_bfloat16_rows(const uint16_t *values, long rows, long columns, float *sums) {
  struct rows_context context = {values, rows, columns, sums};
  long blocks = ck_quotient(columns, CK_LANES);
  ck_parallel_for(blocks, CK_LIGHT_GRAIN / (rows * CK_LANES + 1) + 1, sums_part, &context);
}
