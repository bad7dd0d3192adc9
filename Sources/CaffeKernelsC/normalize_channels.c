#include <stddef.h>
#include <string.h>

#include "ck_parallel.h"
#include "lanes.h"
#include "normalize_internal.h"

// A thread takes a block of channels, whose values lie in long runs, through all steps, the last one from
// its end to its start, so that it finds in the cache what the one before read last.

/// Values of a lane in a stretch: as many as are summed in float before they go into a double, and, where
/// nothing is summed, enough for the processor to foresee what comes next.
enum { SUMMED = 32, WRITTEN = 512 };

/// What the lanes of one block of channels are multiplied by and compared with.
struct lanes {
  float factor[CK_LANES], shift[CK_LANES], mean[CK_LANES];
};

static long stretches_of_run(const struct ck_normalization *n, long values) {
  return ck_quotient(n->inner * n->block, values * CK_LANES);
}

/// Stretches of so many `values` of a lane.
static long stretches(const struct ck_normalization *n, long values) {
  return n->outer * stretches_of_run(n, values);
}

/// Stretch number `index` of the block of channels that begins with `first`.
static struct normalization_stretch stretch(
    const struct ck_normalization *n, long values, long first, long index) {
  long run = index / stretches_of_run(n, values);
  long begin = index % stretches_of_run(n, values) * values * CK_LANES;
  long count = least(n->inner * n->block - begin, values * CK_LANES);
  return (struct normalization_stretch){
      (run * n->channels + first) * n->inner + begin, {1, count, count, n->rounded}};
}

static void add_moments(
    const struct normalization_pass *p, long first, long index, const float *pivot, double *total,
    double *square) {
  struct normalization_stretch s = stretch(p->n, SUMMED, first, index);
  float totals[CK_LANES] = {0}, squares[CK_LANES] = {0};
  normalization_moments(p, &s, pivot, totals, squares);
  ck_add_lanes(totals, total);
  ck_add_lanes(squares, square);
}

/// One pass, around the mean of the first stretch; a second one only where that pivot lies far off.
static void find_statistics(const struct normalization_pass *p, long first) {
  const struct ck_normalization *n = p->n;
  float pivot[CK_LANES] = {0};
  double total[CK_LANES] = {0}, square[CK_LANES] = {0};
  add_moments(p, first, 0, pivot, total, square);
  long count = stretch(n, SUMMED, first, 0).rows.count;
  ck_fold_lanes(total, n->block);
  for (long i = 0; i < CK_LANES; i++)
    pivot[i] = (float)(total[i % n->block] * (double)n->block / (double)count);
  bool is_near = false;
  for (int pass = 0; pass < 2 && !is_near; pass++) {
    memset(total, 0, sizeof total);
    memset(square, 0, sizeof square);
    for (long i = 0; i < stretches(n, SUMMED); i++) add_moments(p, first, i, pivot, total, square);
    ck_fold_lanes(total, n->block);
    ck_fold_lanes(square, n->block);
    is_near = true;
    for (long i = 0; i < n->block; i++)
      is_near &= normalization_settle(n, first + i, pivot[i], total[i], square[i]);
    ck_spread(n->mean, 0, first, n->block, pivot);
  }
}

static struct lanes constants(const struct ck_normalization *n, long first) {
  struct lanes lanes;
  for (long i = 0; i < CK_LANES; i++) {
    struct normalization_line line = normalization_line(n, first + i % n->block);
    lanes.factor[i] = line.factor;
    lanes.shift[i] = line.shift;
    lanes.mean[i] = n->mean[first + i % n->block];
  }
  return lanes;
}

static void normalize_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct normalization_pass *p = context;
  for (long first = begin * p->n->block; first < end * p->n->block; first += p->n->block) {
    if (!p->n->given) find_statistics(p, first);
    struct lanes k = constants(p->n, first);
    for (long i = stretches(p->n, WRITTEN) - 1; i >= 0; i--) {
      struct normalization_stretch s = stretch(p->n, WRITTEN, first, i);
      normalization_write(p, &s, k.factor, k.shift);
    }
  }
}

/// The lanes of slope and constant.
static void find_gradient(
    const struct normalization_pass *p, long first, const struct lanes *k, float *slope,
    float *constant) {
  const struct ck_normalization *n = p->n;
  double total[CK_LANES] = {0}, product[CK_LANES] = {0};
  for (long i = 0; i < stretches(n, SUMMED); i++) {
    struct normalization_stretch s = stretch(n, SUMMED, first, i);
    float totals[CK_LANES] = {0}, products[CK_LANES] = {0};
    normalization_gradient_sums(p, &s, k->factor, k->shift, k->mean, totals, products);
    ck_add_lanes(totals, total);
    ck_add_lanes(products, product);
  }
  ck_fold_lanes(total, n->block);
  ck_fold_lanes(product, n->block);
  for (long i = 0; i < n->block; i++) {
    struct normalization_slope found = normalization_slope(p, first + i, total[i], product[i]);
    for (long lane = i; lane < CK_LANES; lane += n->block) {
      slope[lane] = found.slope;
      constant[lane] = found.constant;
    }
  }
}

static void backward_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct normalization_pass *p = context;
  for (long first = begin * p->n->block; first < end * p->n->block; first += p->n->block) {
    struct lanes k = constants(p->n, first);
    float slope[CK_LANES] = {0}, constant[CK_LANES] = {0};
    if (normalization_sums_gradient(p)) find_gradient(p, first, &k, slope, constant);
    for (long i = stretches(p->n, WRITTEN) - 1; i >= 0; i--) {
      struct normalization_stretch s = stretch(p->n, WRITTEN, first, i);
      normalization_write_gradient(p, &s, k.factor, k.shift, slope, constant);
    }
  }
}

static void for_blocks(const struct normalization_pass *p, ck_body body) {
  long values = normalization_population(p->n) * p->n->block;
  ck_parallel_for(
      p->n->channels / p->n->block, CK_LIGHT_GRAIN / (values > 0 ? values : 1) + 1, body, (void *)p);
}

void normalize_channels(const struct normalization_pass *p) { for_blocks(p, normalize_part); }

void normalize_channels_backward(const struct normalization_pass *p) { for_blocks(p, backward_part); }
