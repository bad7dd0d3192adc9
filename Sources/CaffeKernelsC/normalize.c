#include "ck_normalize.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "ck_parallel.h"
#include "dispatch.h"
#include "lanes.h"

/// Values of a lane in a stretch: as many as are summed in float before they go into a double, and, where
/// nothing is summed, enough for the processor to foresee what comes next.
enum { SUMMED = 32, WRITTEN = 512 };

/// A thread takes a block of channels through all passes, the second one from its end to its start, so
/// that it finds in the cache what the first one read last.
struct block {
  const struct ck_normalization *n;
  const struct ck_joined_gradient *joined;
  const void *x, *dy, *residual;
  void *y, *dx;
  float *dscale, *dshift;
};

/// What the lanes of one block of channels are multiplied by and compared with.
struct lanes {
  float scale[CK_LANES], shift[CK_LANES], centre[CK_LANES];
};

/// Part of a long row or, where each channel has one value in a row, several of them.
struct stretch {
  long offset;
  struct ck_rows rows;
};

/// Where the stretch begins in a blob; NULL in none.
static void *begin_of(const struct stretch *s, const void *values) {
  return values ? (char *)values + ck_bytes(s->offset, s->rows.rounded) : NULL;
}

static long stretches_of_row(const struct ck_normalization *n, long values) {
  return ck_quotient(n->inner * n->block, values * CK_LANES);
}

/// Stretches of so many `values` of a lane.
static long stretches(const struct ck_normalization *n, long values) {
  return n->inner == 1 ? ck_quotient(n->outer, values) : n->outer * stretches_of_row(n, values);
}

/// Stretch number `index` of the block of channels that begins with `first`.
static struct stretch stretch(
    const struct ck_normalization *n, long values, long first, long index) {
  if (n->inner == 1) {
    long row = index * values;
    struct ck_rows rows = {least(n->outer - row, values), n->channels, n->block, n->rounded};
    return (struct stretch){row * n->channels + first, rows};
  }
  long row = index / stretches_of_row(n, values);
  long begin = index % stretches_of_row(n, values) * values * CK_LANES;
  long count = least(n->inner * n->block - begin, values * CK_LANES);
  return (struct stretch){
      (row * n->channels + first) * n->inner + begin, {1, count, count, n->rounded}};
}

static double population(const struct ck_normalization *n) { return (double)(n->outer * n->inner); }

/// Adds the sums of x − pivot and of its square over a stretch.
static void add_moments(
    const struct block *b, long first, long index, const float *pivot, double *total,
    double *square) {
  struct stretch s = stretch(b->n, SUMMED, first, index);
  float sums[CK_LANES] = {0}, squares[CK_LANES] = {0};
  ck_loops()->lane_moments(begin_of(&s, b->x), pivot, &s.rows, sums, squares);
  ck_add_lanes(sums, total);
  ck_add_lanes(squares, square);
}

/// One pass, around the mean of the first stretch; a second one, around the mean itself, only where
/// that pivot lies so far off that squares would lose digits.
static void find_statistics(const struct block *b, long first) {
  const struct ck_normalization *n = b->n;
  float pivot[CK_LANES] = {0};
  double total[CK_LANES] = {0}, square[CK_LANES] = {0};
  add_moments(b, first, 0, pivot, total, square);
  struct ck_rows rows = stretch(n, SUMMED, first, 0).rows;
  ck_fold_lanes(total, n->block);
  for (long i = 0; i < CK_LANES; i++)
    pivot[i] = (float)(total[i % n->block] * (double)n->block / (double)(rows.rows * rows.count));
  bool is_near = false;
  for (int pass = 0; pass < 2 && !is_near; pass++) {
    memset(total, 0, sizeof total);
    memset(square, 0, sizeof square);
    for (long i = 0; i < stretches(n, SUMMED); i++) add_moments(b, first, i, pivot, total, square);
    ck_fold_lanes(total, n->block);
    ck_fold_lanes(square, n->block);
    is_near = true;
    for (long i = 0; i < n->block; i++) {
      double offset = total[i] / population(n);
      double variance = square[i] / population(n) - offset * offset;
      is_near &= offset * offset <= 4 * variance;
      n->mean[first + i] = (float)((double)pivot[i] + offset);
      n->variance[first + i] = (float)(variance < 0 ? 0 : variance);
    }
    for (long i = 0; i < CK_LANES; i++) pivot[i] = n->mean[first + i % n->block];
  }
}

static float inverse_deviation(const struct ck_normalization *n, long channel) {
  return (float)(1 / sqrt((double)n->variance[channel] + (double)n->eps));
}

static struct lanes constants(const struct ck_normalization *n, long first) {
  struct lanes lanes;
  for (long i = 0; i < CK_LANES; i++) {
    long channel = first + i % n->block;
    lanes.centre[i] = n->mean[channel];
    lanes.scale[i] = inverse_deviation(n, channel) * (n->scale ? n->scale[channel] : 1);
    lanes.shift[i] = (n->shift ? n->shift[channel] : 0) - lanes.centre[i] * lanes.scale[i];
  }
  return lanes;
}

static void normalize_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct block *b = context;
  for (long first = begin * b->n->block; first < end * b->n->block; first += b->n->block) {
    if (!b->n->given) find_statistics(b, first);
    struct lanes k = constants(b->n, first);
    for (long i = stretches(b->n, WRITTEN) - 1; i >= 0; i--) {
      struct stretch s = stretch(b->n, WRITTEN, first, i);
      const void *x = begin_of(&s, b->x);
      void *y = begin_of(&s, b->y);
      if (b->residual)
        ck_loops()->lane_normalize_add(
            x, begin_of(&s, b->residual), k.scale, k.shift, b->n->floor, &s.rows, y);
      else
        ck_loops()->lane_normalize(x, k.scale, k.shift, b->n->floor, &s.rows, y);
    }
  }
}

/// Writes the joined gradient of a stretch and adds up its sums.
static void join(
    const struct block *b, const struct stretch *s, const float *centre, float *sums,
    float *products) {
  const struct ck_joined_gradient *g = b->joined;
  ck_loops()->lane_join_gradients(
      begin_of(s, g->sum), begin_of(s, g->other), begin_of(s, g->y), begin_of(s, b->x), centre,
      &s->rows, sums, products);
}

/// Where a gradient is joined, the floor is that of the sum and has been minded there.
static float gradient_floor(const struct block *b) { return b->joined ? -INFINITY : b->n->floor; }

/// Adds the gradients of scale and shift, and gives the lanes of `dx` = a·dy + p·x + q.
static void find_gradient(
    const struct block *b, long first, const struct lanes *k, float *p, float *q) {
  const struct ck_normalization *n = b->n;
  double total[CK_LANES] = {0}, product[CK_LANES] = {0};
  for (long i = 0; i < stretches(n, SUMMED); i++) {
    struct stretch s = stretch(n, SUMMED, first, i);
    float sums[CK_LANES] = {0}, products[CK_LANES] = {0};
    if (b->joined)
      join(b, &s, k->centre, sums, products);
    else
      ck_loops()->lane_gradient_sums(
          begin_of(&s, b->dy), begin_of(&s, b->x), k->scale, k->shift, n->floor, k->centre, &s.rows,
          sums, products);
    ck_add_lanes(sums, total);
    ck_add_lanes(products, product);
  }
  ck_fold_lanes(total, n->block);
  ck_fold_lanes(product, n->block);
  for (long i = 0; i < n->block; i++) {
    double inverse = (double)inverse_deviation(n, first + i), factor = (double)k->scale[i];
    if (b->dscale) b->dscale[first + i] += (float)(product[i] * inverse);
    if (b->dshift) b->dshift[first + i] += (float)total[i];
    double slope = n->given ? 0 : -factor * inverse * inverse * product[i] / population(n);
    double constant = n->given ? 0 : -factor * total[i] / population(n);
    for (long lane = i; lane < CK_LANES; lane += n->block) {
      p[lane] = (float)slope;
      q[lane] = (float)(constant - slope * (double)k->centre[i]);
    }
  }
}

static void backward_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct block *b = context;
  for (long first = begin * b->n->block; first < end * b->n->block; first += b->n->block) {
    struct lanes k = constants(b->n, first);
    float p[CK_LANES] = {0}, q[CK_LANES] = {0};
    if (!b->n->given || b->dscale || b->dshift || b->joined) find_gradient(b, first, &k, p, q);
    for (long i = stretches(b->n, WRITTEN) - 1; i >= 0; i--) {
      struct stretch s = stretch(b->n, WRITTEN, first, i);
      ck_loops()->lane_normalize_backward(
          begin_of(&s, b->dy), begin_of(&s, b->x), k.scale, k.shift, gradient_floor(b), k.scale, p, q,
          &s.rows, begin_of(&s, b->dx));
    }
  }
}

static void for_blocks(const struct ck_normalization *n, ck_body body, struct block *b) {
  long values = n->outer * n->inner * n->block;
  ck_parallel_for(n->channels / n->block, CK_LIGHT_GRAIN / (values > 0 ? values : 1) + 1, body, b);
}

void ck_normalize(
    const struct ck_normalization *n, const void *x, const void *residual, void *y) {
  struct block b = {.n = n, .x = x, .residual = residual, .y = y};
  for_blocks(n, normalize_part, &b);
}

void ck_normalize_backward(
    const struct ck_normalization *n, const void *dy, const void *x, void *dx, float *dscale,
    float *dshift) {
  struct block b = {.n = n, .x = x, .dy = dy, .dx = dx, .dscale = dscale, .dshift = dshift};
  for_blocks(n, backward_part, &b);
}

void ck_normalize_joined_backward(
    const struct ck_normalization *n, const struct ck_joined_gradient *joined, const void *x,
    void *dx, float *dscale, float *dshift) {
  struct block b = {.n = n, .joined = joined, .x = x, .dy = joined->sum, .dx = dx,
                    .dscale = dscale, .dshift = dshift};
  for_blocks(n, backward_part, &b);
}
