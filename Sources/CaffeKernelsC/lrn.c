#include "ck_lrn.h"

#include "ck_parallel.h"
#include "dispatch.h"

/// Positions handled at a time: a tile of all channels stays in the second-level cache.
enum { TILE = 256 };

struct lrn_context {
  const float *input, *gradient, *output, *old_scale;
  long channels, size, n;
  float alpha, beta, k;
  float *scale, *workspace, *out;
};

static long tiles(long size) { return ck_quotient(size, TILE); }
/// There may be no channels.
static long grain(long channels) { return CK_HEAVY_GRAIN / (channels * TILE + 1) + 1; }

/// The channels around `channel`: `*first` and how many.
static long neighbours(const struct lrn_context *x, long channel, long *first) {
  long half = (x->n - 1) / 2, end = channel + x->n - half;
  *first = channel < half ? 0 : channel - half;
  return (end < x->channels ? end : x->channels) - *first;
}

static long tile(const struct lrn_context *x, long task, long *count) {
  long position = task % tiles(x->size) * TILE;
  *count = x->size - position < TILE ? x->size - position : TILE;
  return task / tiles(x->size) * x->channels * x->size + position;
}

static void forward_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct lrn_context *x = context;
  float squares[TILE];
  for (long task = begin; task < end; task++) {
    long count, origin = tile(x, task, &count);
    for (long c = 0; c < x->channels; c++) {
      long first, rows = neighbours(x, c, &first), at = origin + c * x->size;
      ck_loops()->lrn_sums(
          x->input + origin + first * x->size, rows, x->size, count, 1, squares);
      ck_loops()->lrn_row(
          x->input + at, squares, count, x->alpha / (float)x->n, x->beta, x->k, x->scale + at,
          x->out + at);
    }
  }
}

static void backward_part(void *context, long part, long begin, long end) {
  const struct lrn_context *x = context;
  float *ratio = x->workspace + part * x->channels * TILE, sums[TILE];
  float factor = 2.0f * x->alpha * x->beta / (float)x->n;
  for (long task = begin; task < end; task++) {
    long count, origin = tile(x, task, &count);
    for (long c = 0; c < x->channels; c++) {
      long at = origin + c * x->size;
      ck_loops()->lrn_ratio(
          x->gradient + at, x->output + at, x->old_scale + at, count, ratio + c * TILE);
    }
    for (long c = 0; c < x->channels; c++) {
      long first, rows = neighbours(x, c, &first), at = origin + c * x->size;
      ck_loops()->lrn_sums(ratio + first * TILE, rows, TILE, count, 0, sums);
      ck_loops()->lrn_row_backward(
          x->gradient + at, x->input + at, x->old_scale + at, sums, count, factor, x->beta,
          x->out + at);
    }
  }
}

void ck_lrn(
    const float *input, long batch, long channels, long size, long n, float alpha, float beta,
    float k, float *scale, float *output) {
  struct lrn_context x = {.input = input, .channels = channels, .size = size, .n = n,
                          .alpha = alpha, .beta = beta, .k = k, .scale = scale, .out = output};
  ck_parallel_for(batch * tiles(size), grain(channels), forward_part, &x);
}

long ck_lrn_parts(long batch, long channels, long size) {
  return ck_parts(batch * tiles(size), grain(channels));
}

long ck_lrn_workspace(long channels) { return channels * TILE; }

void ck_lrn_backward(
    const float *gradient, const float *input, const float *output, const float *scale, long batch,
    long channels, long size, long n, float alpha, float beta, long parts,
    float *workspace, float *input_gradient) {
  struct lrn_context x = {.input = input, .gradient = gradient, .output = output,
                          .old_scale = scale, .channels = channels, .size = size, .n = n,
                          .alpha = alpha, .beta = beta, .workspace = workspace,
                          .out = input_gradient};
  ck_parallel_parts(batch * tiles(size), parts, backward_part, &x);
}
