#include "ck_panels.h"

#include <string.h>

#include "ck_parallel.h"
#include "dispatch.h"

/// Steps of a sum that are taken at a time, for all rows: their weights stay in the second-level cache.
enum { STEPS = 512 };
/// Rows of the last columns that are set apart, and the most floats of such a row.
enum { EDGE_ROWS = 6, MOST_WIDTH = 64 };

/// Columns of a set side by side, in whole vectors, and their arranged weights: a row for each step.
struct panel {
  long first, columns, vectors;
  long offset;
};

static long vectors_of(const struct ck_panels *p) {
  return ck_quotient(p->columns, ck_loops()->vector);
}

static long first_vector(const struct ck_panels *p, long part) {
  return vectors_of(p) * part / p->parts;
}

long ck_panels_first_column(const struct ck_panels *p, long part) {
  return least(first_vector(p, part) * ck_loops()->vector, p->columns);
}

long ck_panels_count(const struct ck_panels *p) {
  return p->sets * p->inner * vectors_of(p) * ck_loops()->vector;
}

/// Panels of a part in each set.
static long panels_of(const struct ck_panels *p, long part) {
  return ck_quotient(first_vector(p, part + 1) - first_vector(p, part), ck_loops()->product_vectors);
}

/// One of a part's panels, which are about as wide; those of all sets follow one another.
static struct panel panel_at(const struct ck_panels *p, long part, long index) {
  long lanes = ck_loops()->vector, panels = panels_of(p, part);
  long begin = first_vector(p, part), count = first_vector(p, part + 1) - begin;
  long place = index / p->sets, set = index % p->sets;
  long first = begin + count * place / panels, end = begin + count * (place + 1) / panels;
  return (struct panel){
      .first = set * p->columns + first * lanes,
      .columns = least((end - first) * lanes, p->columns - first * lanes), .vectors = end - first,
      .offset = p->inner * lanes * (p->sets * first + set * (end - first))};
}

struct arrange_context {
  const struct ck_panels *panels;
  const float *weights;
  long column, step;
  float *arranged;
};

static void arrange_panel(const struct arrange_context *x, const struct panel *panel) {
  const float *from = x->weights + panel->first * x->column;
  float *to = x->arranged + panel->offset;
  long width = panel->vectors * ck_loops()->vector;
  for (long i = 0; i < x->panels->inner; i++, from += x->step, to += width)
    for (long c = 0; c < panel->columns; c++) to[c] = from[c * x->column];
}

static void arrange_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct arrange_context *x = context;
  for (long i = begin; i < end; i++)
    for (long index = 0; index < panels_of(x->panels, i) * x->panels->sets; index++) {
      struct panel panel = panel_at(x->panels, i, index);
      arrange_panel(x, &panel);
    }
}

void ck_panels_arrange(
    const struct ck_panels *panels, const float *weights, long column, long step,
    float *arranged) {
  struct arrange_context context = {panels, weights, column, step, arranged};
  ck_parallel_for(panels->parts, 1, arrange_part, &context);
}

/// Asks for a panel's columns of rows that lie so far apart that the processor does not foresee them.
static void prefetch_start(const struct ck_start *start, long rows, long columns) {
  for (long r = 0; r < rows; r++)
    for (long i = 0; i < columns; i += 16) __builtin_prefetch(ck_start_at(start, r) + i, 0, 2);
}

/// Columns that do not fill their last vector, by way of rows that have room for it.
static void multiply_edge(
    const struct ck_product *product, long columns, const float *a, const float *panel,
    float *out) {
  float room[EDGE_ROWS * MOST_WIDTH];
  size_t bytes = (size_t)columns * sizeof(float);
  struct ck_product part = *product;
  part.out_row = MOST_WIDTH;
  if (product->start.first) part.start = (struct ck_start){room, MOST_WIDTH, NULL};
  for (long row = 0; row < product->rows; row += part.rows) {
    part.rows = least(EDGE_ROWS, product->rows - row);
    for (long r = 0; r < part.rows && product->start.first; r++)
      memcpy(room + r * MOST_WIDTH, ck_start_at(&product->start, row + r), bytes);
    ck_loops()->product(&part, a + row * part.a_row, panel, room);
    for (long r = 0; r < part.rows; r++)
      memcpy(out + (row + r) * product->out_row, room + r * MOST_WIDTH, bytes);
  }
}

void ck_panels_multiply(
    const struct ck_panels *p, const float *a, long rows, const float *arranged, long part,
    const float *start, const float *index, float *out) {
  long lanes = ck_loops()->vector, count = panels_of(p, part) * p->sets;
  struct ck_product product = {
      .rows = rows, .a_row = p->inner, .a_step = 1, .out_row = p->sets * p->columns};
  for (long i = 0; i < count; i++) {
    struct panel panel = panel_at(p, part, i);
    if (start && i + 1 < count) {
      struct panel next = panel_at(p, part, i + 1);
      prefetch_start(
          &(struct ck_start){start + next.first, product.out_row, index}, rows, next.columns);
    }
    product.vectors = panel.vectors;
    product.b_step = panel.vectors * lanes;
    product.start =
        (struct ck_start){start ? start + panel.first : NULL, product.out_row, index};
    for (long step = 0; step < p->inner; step += STEPS) {
      product.inner = least(STEPS, p->inner - step);
      const float *weights = arranged + panel.offset + step * product.b_step;
      if (panel.columns == product.b_step)
        ck_loops()->product(&product, a + step, weights, out + panel.first);
      else
        multiply_edge(&product, panel.columns, a + step, weights, out + panel.first);
      product.start = (struct ck_start){out + panel.first, product.out_row, NULL};
    }
  }
}
