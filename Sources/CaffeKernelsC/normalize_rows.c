#include <stddef.h>
#include <string.h>

#include "ck_parallel.h"
#include "lanes.h"
#include "normalize_internal.h"

// A thread takes rows of all channels through each step: it reads and writes memory straight on, where
// channels of their own would lie in pieces. Within a tile of rows it goes from one group of CK_LANES
// channels to the next. The last step goes from the end to the start, for the cache's sake.

/// Rows of a tile: as many as are summed in float before they go into a double; fewer to write, for what
/// is read and written to stay at hand.
enum { SUMMED = 32, WRITTEN = 16 };

struct rows_pass {
  const struct normalization_pass *p;
  /// For each channel.
  float *factor, *shift, *slope, *constant, *pivot;
  /// For each part, two for each channel.
  double *sums;
};

static long parts(const struct ck_normalization *n) {
  return ck_parts(n->outer, CK_LIGHT_GRAIN / (n->channels > 0 ? n->channels : 1) + 1);
}

long normalize_rows_workspace(const struct ck_normalization *n) {
  return n->channels * (5 + 2 * parts(n) * (long)(sizeof(double) / sizeof(float)));
}

static struct rows_pass rows_pass(const struct normalization_pass *p, float *workspace) {
  long channels = p->n->channels;
  double *sums = (double *)workspace;
  float *constants = (float *)(sums + 2 * channels * parts(p->n));
  return (struct rows_pass){
      p, constants, constants + channels, constants + 2 * channels, constants + 3 * channels,
      constants + 4 * channels, sums};
}

static struct normalization_stretch tile(
    const struct ck_normalization *n, long row, long rows, long first) {
  return (struct normalization_stretch){
      row * n->channels + first,
      {rows, n->channels, least(n->channels - first, CK_LANES), n->rounded}};
}

/// Adds two sums over a tile for each of its channels, which begin with `first`.
typedef void add_sums(
    const struct rows_pass *r, const struct normalization_stretch *s, long first, float *one,
    float *other);

static void add_moments(
    const struct rows_pass *r, const struct normalization_stretch *s, long first, float *totals,
    float *squares) {
  normalization_moments(r->p, s, r->pivot + first, totals, squares);
}

static void add_gradient(
    const struct rows_pass *r, const struct normalization_stretch *s, long first, float *totals,
    float *products) {
  normalization_gradient_sums(
      r->p, s, r->factor + first, r->shift + first, r->p->n->mean + first, totals, products);
}

/// Sets the sums of a part to those of its rows.
static void sum_rows(
    const struct rows_pass *r, add_sums *add, long part, long begin, long end) {
  const struct ck_normalization *n = r->p->n;
  double *one = r->sums + 2 * part * n->channels, *other = one + n->channels;
  memset(one, 0, 2 * (size_t)n->channels * sizeof *one);
  for (long row = begin; row < end; row += SUMMED)
    for (long first = 0; first < n->channels; first += CK_LANES) {
      struct normalization_stretch s = tile(n, row, least(end - row, SUMMED), first);
      float ones[CK_LANES] = {0}, others[CK_LANES] = {0};
      add(r, &s, first, ones, others);
      for (long i = 0; i < s.rows.count; i++) {
        one[first + i] += (double)ones[i];
        other[first + i] += (double)others[i];
      }
    }
}

static void moments_part(void *context, long part, long begin, long end) {
  sum_rows(context, add_moments, part, begin, end);
}

static void gradient_part(void *context, long part, long begin, long end) {
  sum_rows(context, add_gradient, part, begin, end);
}

/// The sums of all rows, in place of those of the first part.
static void sum_all(const struct rows_pass *r, ck_body body) {
  const struct ck_normalization *n = r->p->n;
  ck_parallel_parts(n->outer, parts(n), body, (void *)r);
  for (long part = 1; part < parts(n); part++)
    for (long i = 0; i < 2 * n->channels; i++) r->sums[i] += r->sums[2 * part * n->channels + i];
}

/// One pass, around the mean of the first rows; a second one only where that pivot lies far off.
static void find_statistics(const struct rows_pass *r) {
  const struct ck_normalization *n = r->p->n;
  long channels = n->channels, first_rows = least(n->outer, SUMMED);
  memset(r->pivot, 0, (size_t)channels * sizeof *r->pivot);
  sum_rows(r, add_moments, 0, 0, first_rows);
  for (long i = 0; i < channels; i++) r->pivot[i] = (float)(r->sums[i] / (double)first_rows);
  bool is_near = false;
  for (int pass = 0; pass < 2 && !is_near; pass++) {
    sum_all(r, moments_part);
    is_near = true;
    for (long i = 0; i < channels; i++)
      is_near &= normalization_settle(n, i, r->pivot[i], r->sums[i], r->sums[channels + i]);
    memcpy(r->pivot, n->mean, (size_t)channels * sizeof *r->pivot);
  }
}

static void find_constants(const struct rows_pass *r) {
  for (long i = 0; i < r->p->n->channels; i++) {
    struct normalization_line line = normalization_line(r->p->n, i);
    r->factor[i] = line.factor;
    r->shift[i] = line.shift;
  }
}

/// Writes a tile of channels that begin with `first`.
typedef void write_tile(const struct rows_pass *r, const struct normalization_stretch *s, long first);

static void write_output(
    const struct rows_pass *r, const struct normalization_stretch *s, long first) {
  normalization_write(r->p, s, r->factor + first, r->shift + first);
}

static void write_gradient(
    const struct rows_pass *r, const struct normalization_stretch *s, long first) {
  normalization_write_gradient(
      r->p, s, r->factor + first, r->shift + first, r->slope + first, r->constant + first);
}

static void write_rows(const struct rows_pass *r, write_tile *write, long begin, long end) {
  for (; end > begin; end -= WRITTEN) {
    long row = end - WRITTEN > begin ? end - WRITTEN : begin;
    for (long first = 0; first < r->p->n->channels; first += CK_LANES) {
      struct normalization_stretch s = tile(r->p->n, row, end - row, first);
      write(r, &s, first);
    }
  }
}

static void output_part(void *context, long part, long begin, long end) {
  (void)part;
  write_rows(context, write_output, begin, end);
}

static void input_gradient_part(void *context, long part, long begin, long end) {
  (void)part;
  write_rows(context, write_gradient, begin, end);
}

void normalize_rows(const struct normalization_pass *p, float *workspace) {
  struct rows_pass r = rows_pass(p, workspace);
  if (!p->n->given) find_statistics(&r);
  find_constants(&r);
  ck_parallel_parts(p->n->outer, parts(p->n), output_part, &r);
}

void normalize_rows_backward(const struct normalization_pass *p, float *workspace) {
  struct rows_pass r = rows_pass(p, workspace);
  long channels = p->n->channels;
  find_constants(&r);
  if (normalization_sums_gradient(p)) {
    sum_all(&r, gradient_part);
    for (long i = 0; i < channels; i++) {
      struct normalization_slope found =
          normalization_slope(p, i, r.sums[i], r.sums[channels + i]);
      r.slope[i] = found.slope;
      r.constant[i] = found.constant;
    }
  } else {
    memset(r.slope, 0, (size_t)channels * sizeof *r.slope);
    memset(r.constant, 0, (size_t)channels * sizeof *r.constant);
  }
  ck_parallel_parts(p->n->outer, parts(p->n), input_gradient_part, &r);
}
