#include "ck_lrn_packed.h"

#include <string.h>

#include "ck_parallel.h"
#include "dispatch.h"

/// Floats of a thread's rows, which stay in the second-level cache: fewer cells at a time, and the processor
/// does not foresee what comes next.
enum { MOST_FLOATS = 32768 };

struct lrn_context {
  const struct ck_packed_lrn *lrn;
  const float *dy, *x;
  float *workspace, *out;
};

/// Floats of a row: all channels, and what a window reaches beyond them.
static long stride_of(const struct ck_packed_lrn *l) {
  return ck_quotient(l->runs * l->run + l->n - 1, 16) * 16;
}

/// Cells that are taken at a time.
static long cells_of(const struct ck_packed_lrn *l) {
  long cells = MOST_FLOATS / (CK_LRN_ROWS * stride_of(l));
  return cells < 4 ? 4 : cells;
}

static long tiles(const struct ck_packed_lrn *l) { return ck_quotient(l->cells, cells_of(l)); }

static void lrn_part(void *context, long part, long begin, long end) {
  const struct lrn_context *c = context;
  const struct ck_packed_lrn *l = c->lrn;
  long floats = ck_lrn_packed_workspace(l);
  float *rows = c->workspace + part * floats;
  memset(rows, 0, (size_t)floats * sizeof(float));
  for (long task = begin; task < end; task++) {
    long first = task % tiles(l) * cells_of(l);
    long cells = l->cells - first < cells_of(l) ? l->cells - first : cells_of(l);
    long at = (task / tiles(l) * l->runs * l->cells + first) * l->run;
    if (c->dy)
      ck_loops()->lrn_packed_backward(
          l, c->dy + at, c->x + at, cells, stride_of(l), rows, c->out + at);
    else
      ck_loops()->lrn_packed(l, c->x + at, cells, stride_of(l), rows, c->out + at);
  }
}

long ck_lrn_packed_parts(const struct ck_packed_lrn *l) {
  return ck_parts(l->items * tiles(l), CK_HEAVY_GRAIN / (stride_of(l) * cells_of(l)) + 1);
}

long ck_lrn_packed_workspace(const struct ck_packed_lrn *l) {
  return CK_LRN_ROWS * cells_of(l) * stride_of(l);
}

void ck_lrn_packed(
    const struct ck_packed_lrn *lrn, const float *x, long parts, float *workspace, float *y) {
  struct lrn_context context = {.lrn = lrn, .x = x, .workspace = workspace, .out = y};
  ck_parallel_parts(lrn->items * tiles(lrn), parts, lrn_part, &context);
}

void ck_lrn_packed_backward(
    const struct ck_packed_lrn *lrn, const float *dy, const float *x, long parts,
    float *workspace, float *dx) {
  struct lrn_context context = {lrn, dy, x, workspace, dx};
  ck_parallel_parts(lrn->items * tiles(lrn), parts, lrn_part, &context);
}
