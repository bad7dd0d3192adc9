#include "ck_channel.h"

#include <stddef.h>

#include "ck_parallel.h"
#include "ck_reduce.h"
#include "dispatch.h"
#include "lanes.h"

/// Channels handled at a time where each element has a channel of its own (inner = 1).
enum { TILE = 256 };

struct channel_context {
  const float *a, *b, *p, *q, *r;
  long outer, channels, inner, block;
  float *out;
  enum ck_reduction reduction;
  float factor;
  int adding;
};

static const float *at(const float *values, long offset) { return values ? values + offset : NULL; }

/// Elements `begin..<end` of rows of `inner` elements, one channel each.
static void affine_rows(const struct channel_context *x, long begin, long end) {
  for (long row = begin; row < end; row++) {
    long channel = row % x->channels, offset = row * x->inner;
    const float k[4] = {x->p ? x->p[channel] : 1, x->q ? x->q[channel] : 0,
                        x->r ? x->r[channel] : 0};
    const float plain[4] = {k[0], k[2]};
    if (x->b)
      ck_loops()->map[CK_AXPBY](x->a + offset, x->b + offset, NULL, k, x->inner, x->out + offset);
    else
      ck_loops()->map[CK_AFFINE](x->a + offset, NULL, NULL, plain, x->inner, x->out + offset);
  }
}

/// Rows of `inner` times `block` channels.
static void affine_blocks(const struct channel_context *x, long begin, long end) {
  static const float zeros[CK_LANES];
  float p[CK_LANES], q[CK_LANES], r[CK_LANES];
  long extent = x->inner * x->block, blocks = x->channels / x->block;
  for (long row = begin; row < end; row++) {
    long first = row % blocks * x->block;
    ck_spread(x->p, 1, first, x->block, p);
    ck_spread(x->q, 0, first, x->block, q);
    ck_spread(x->r, 0, first, x->block, r);
    for (long i = 0; i < extent; i += CK_LANES) {
      long offset = row * extent + i, count = extent - i < CK_LANES ? extent - i : CK_LANES;
      ck_loops()->channel_row(
          x->a + offset, x->b ? x->b + offset : zeros, p, q, r, count, x->out + offset);
    }
  }
}

static void affine_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct channel_context *x = context;
  if (x->block > 1) {
    affine_blocks(x, begin, end);
    return;
  }
  if (x->inner > 1) {
    affine_rows(x, begin, end);
    return;
  }
  static const float zeros[TILE];
  float ones[TILE];
  for (long i = 0; i < TILE; i++) ones[i] = 1;
  for (long element = begin; element < end;) {
    long channel = element % x->channels, count = x->channels - channel;
    if (count > TILE) count = TILE;
    if (count > end - element) count = end - element;
    ck_loops()->channel_row(
        x->a + element, x->b ? x->b + element : zeros, x->p ? x->p + channel : ones,
        x->q ? x->q + channel : zeros, x->r ? x->r + channel : zeros, count, x->out + element);
    element += count;
  }
}

static long row_grain(long inner) { return CK_LIGHT_GRAIN / (inner > 0 ? inner : 1) + 1; }

void ck_channel_affine(
    const float *a, const float *b, const float *p, const float *q, const float *r, long outer,
    long channels, long inner, long block, float *out) {
  struct channel_context x = {.a = a, .b = b, .p = p, .q = q, .r = r, .outer = outer,
                              .channels = channels, .inner = inner, .block = block, .out = out};
  ck_parallel_for(outer * channels / block, row_grain(inner * block), affine_part, &x);
}

static void prelu_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct channel_context *x = context;
  for (long row = begin; row < end;) {
    long channel = row % x->channels, offset = row * x->inner, rows = 1;
    if (x->inner > 1) {
      const float k[4] = {x->p[channel]};
      enum ck_map_operation operation = x->b ? CK_RELU_BACKWARD : CK_RELU;
      ck_loops()->map[operation](
          x->a + offset, at(x->b, offset), NULL, k, x->inner, x->out + offset);
    } else {
      static const float k[4];
      rows = x->channels - channel < end - row ? x->channels - channel : end - row;
      const float *slope = x->p + channel;
      if (x->b)
        ck_loops()->map[CK_PRELU_BACKWARD](
            x->a + offset, x->b + offset, slope, k, rows, x->out + offset);
      else
        ck_loops()->map[CK_PRELU](x->a + offset, slope, NULL, k, rows, x->out + offset);
    }
    row += rows;
  }
}

void ck_prelu(
    const float *a, const float *slope, long outer, long channels, long inner, float *out) {
  ck_prelu_backward(a, NULL, slope, outer, channels, inner, out);
}

void ck_prelu_backward(
    const float *gradient, const float *input, const float *slope, long outer, long channels,
    long inner, float *out) {
  struct channel_context x = {.a = gradient, .b = input, .p = slope, .channels = channels,
                              .inner = inner, .out = out};
  ck_parallel_for(outer * channels, row_grain(inner), prelu_part, &x);
}

struct rows_context {
  enum ck_map_operation operation;
  const float *a, *b, *constants;
  float factor;
  const struct ck_columns *columns;
  float *out;
};

static void rows_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct rows_context *x = context;
  for (long row = begin; row < end; row++) {
    const float k[4] = {x->constants ? x->factor * x->constants[row] : x->factor};
    long offset = row * x->columns->stride + x->columns->first;
    ck_loops()->map[x->operation](
        x->a + offset, at(x->b, offset), NULL, k, x->columns->count, x->out + offset);
  }
}

void ck_map_rows(
    enum ck_map_operation operation, const float *a, const float *b, const float *constants,
    float factor, const struct ck_columns *columns, float *out) {
  struct rows_context x = {operation, a, b, constants, factor, columns, out};
  ck_parallel_for(columns->rows, row_grain(columns->count), rows_part, &x);
}

static void store(const struct channel_context *x, long channel, double sum) {
  float value = (float)(sum * (double)x->factor);
  x->out[channel] = x->adding ? x->out[channel] + value : value;
}

/// Sums of a tile of channels whose elements lie side by side: float over 8 rows, then double.
static void sum_columns(const struct channel_context *x, long first, long count) {
  double total[TILE] = {0};
  for (long begin = 0; begin < x->outer; begin += 8) {
    float sums[TILE] = {0};
    long end = begin + 8 < x->outer ? begin + 8 : x->outer;
    for (long row = begin; row < end; row++) {
      long offset = row * x->channels + first;
      ck_loops()->accumulate[x->reduction](
          x->a + offset, at(x->b, offset), at(x->p, first), count, sums);
    }
    for (long i = 0; i < count; i++) total[i] += (double)sums[i];
  }
  for (long i = 0; i < count; i++) store(x, first + i, total[i]);
}

/// Sums of a block of channels that alternate: float over 8 stretches of lanes, then double.
static void sum_block(const struct channel_context *x, long first) {
  float constants[CK_LANES], sums[CK_LANES] = {0};
  double total[CK_LANES] = {0};
  ck_spread(x->p, 0, first, x->block, constants);
  long extent = x->inner * x->block, summed = 0;
  const struct ck_rows rows = {x->inner == 1 ? x->outer : 1, x->channels, extent, false};
  for (long row = 0; row < x->outer; row++) {
    long offset = (row * x->channels + first) * x->inner;
    ck_prefetch_row(x->a, offset, &rows);
    if (x->b) ck_prefetch_row(x->b, offset, &rows);
    for (long i = 0; i < extent; i += CK_LANES) {
      ck_loops()->accumulate[x->reduction](
          x->a + offset + i, at(x->b, offset + i), constants,
          extent - i < CK_LANES ? extent - i : CK_LANES, sums);
      if (++summed % 8) continue;
      ck_add_lanes(sums, total);
      for (long lane = 0; lane < CK_LANES; lane++) sums[lane] = 0;
    }
  }
  ck_add_lanes(sums, total);
  ck_fold_lanes(total, x->block);
  for (long i = 0; i < x->block; i++) store(x, first + i, total[i]);
}

static void sums_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct channel_context *x = context;
  if (x->block > 1) {
    for (long block = begin; block < end; block++) sum_block(x, block * x->block);
    return;
  }
  if (x->inner == 1) {
    for (long first = begin; first < end; first += TILE)
      sum_columns(x, first, end - first < TILE ? end - first : TILE);
    return;
  }
  for (long channel = begin; channel < end; channel++) {
    double sum = 0;
    for (long row = 0; row < x->outer; row++) {
      long offset = (row * x->channels + channel) * x->inner;
      sum += ck_loops()->reduce[x->reduction](
          x->a + offset, at(x->b, offset), x->p ? x->p[channel] : 0, x->inner);
    }
    store(x, channel, sum);
  }
}

void ck_reduce_channels(
    enum ck_reduction operation, const float *a, const float *b, const float *k, long outer,
    long channels, long inner, long block, float factor, int adding, float *out) {
  struct channel_context x = {
      .a = a, .b = b, .p = k, .outer = outer, .channels = channels, .inner = inner, .block = block,
      .out = out, .reduction = operation, .factor = factor, .adding = adding};
  ck_parallel_for(channels / block, row_grain(outer * inner * block), sums_part, &x);
}
