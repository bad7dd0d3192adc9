#include "ck_pool.h"

#include <stddef.h>
#include <string.h>

#include "ck_parallel.h"
#include "dispatch.h"
#include "pool_internal.h"

long ck_pool_parts(const struct ck_pooling *pooling) {
  return ck_parts(pooling->planes, pool_grain(pooling));
}

long pool_grain(const struct ck_pooling *pooling) {
  long work = pool_input_size(pooling) + 4 * pool_output_size(pooling);
  return CK_LIGHT_GRAIN / (work > 0 ? work : 1) + 1;
}

float *pool_row(const struct pool_context *context, long part) {
  return context->workspace + part * 2 * context->pooling->input[2];
}

/// Outputs `low..<high` of the last axis are full windows, `stride` apart.
struct run {
  long low, high, stride, kernel;
};

static struct run full_windows(const struct ck_pooling *p) {
  const struct ck_window *w = p->windows[2];
  long outputs = p->output[2], middle = outputs / 2;
  long stride = outputs > 1 ? w[middle].start - w[middle - 1].start : 1;
  if (outputs > 2 && w[2].start - w[1].start > stride) stride = w[2].start - w[1].start;
  struct run run = {middle, middle, stride, w[middle].end - w[middle].start};
  while (run.high < outputs && w[run.high].end - w[run.high].start == run.kernel &&
         w[run.high].start == w[middle].start + (run.high - middle) * stride)
    run.high++;
  while (run.low > 0 && w[run.low - 1].end - w[run.low - 1].start == run.kernel &&
         w[run.low - 1].start == w[middle].start - (middle - run.low + 1) * stride)
    run.low--;
  return run;
}

static void maximum_of_window(
    const float *best, const int32_t *index, struct ck_window w, int32_t *mask, float *out) {
  *out = best[w.start], *mask = index[w.start];
  for (long tap = w.start + 1; tap < w.end; tap++) {
    int better = best[tap] > *out || *out != *out || (best[tap] == *out && index[tap] < *mask);
    if (better) *out = best[tap], *mask = index[tap];
  }
}

static void maximum_row(
    const struct ck_pooling *p, struct run run, const float *best, const int32_t *index,
    int32_t *mask, float *out) {
  const struct ck_window *w = p->windows[2];
  long full = run.high - run.low;
  for (long o = 0; o < run.low; o++) maximum_of_window(best, index, w[o], mask + o, out + o);
  for (long o = run.high; o < p->output[2]; o++)
    maximum_of_window(best, index, w[o], mask + o, out + o);
  if (full == 0) return;
  for (long o = run.low; o < run.high; o++)
    out[o] = best[w[o].start], mask[o] = index[w[o].start];
  for (long tap = 1; tap < run.kernel; tap++) {
    long start = w[run.low].start + tap;
    ck_loops()->pool_maximum_taps(
        best + start, index + start, run.stride, full, mask + run.low, out + run.low);
  }
}

static void sum_row(const struct ck_pooling *p, struct run run, const float *sums, float *out) {
  const struct ck_window *w = p->windows[2];
  for (long o = 0; o < p->output[2]; o++) {
    out[o] = 0;
    if (o < run.low || o >= run.high)
      for (long tap = w[o].start; tap < w[o].end; tap++) out[o] += sums[tap];
  }
  for (long tap = 0; tap < run.kernel && run.high > run.low; tap++)
    ck_loops()->pool_sum_taps(
        sums + w[run.low].start + tap, run.stride, run.high - run.low, out + run.low);
}

/// Calls `take` for each row of cells under the windows at depth z and height y, in memory order.
#define FOR_EACH_ROW(p, z, y, row)                                                             \
  for (long depth = (p)->windows[0][z].start; depth < (p)->windows[0][z].end; depth++)         \
    for (long row = depth * (p)->input[1] + (p)->windows[1][y].start,                          \
              row##_end = depth * (p)->input[1] + (p)->windows[1][y].end;                      \
         row < row##_end; row++)

static void maximum_part(void *context, long part, long begin, long end) {
  const struct pool_context *x = context;
  const struct ck_pooling *p = x->pooling;
  long width = p->input[2], rows = p->output[0] * p->output[1];
  float *best = pool_row(x, part);
  int32_t *index = (int32_t *)(best + width);
  struct run run = full_windows(p);
  for (long task = begin * rows; task < end * rows; task++) {
    const float *plane = x->source + task / rows * pool_input_size(p);
    long z = task % rows / p->output[1], y = task % p->output[1], first = 1;
    FOR_EACH_ROW(p, z, y, row) {
      if (first) {
        memcpy(best, plane + row * width, (size_t)width * sizeof(float));
        for (long i = 0; i < width; i++) index[i] = (int32_t)(row * width + i);
      } else {
        ck_loops()->pool_columns(plane + row * width, (int32_t)(row * width), width, best, index);
      }
      first = 0;
    }
    long offset = task * p->output[2];
    maximum_row(p, run, best, index, x->new_mask + offset, x->out + offset);
  }
}

static void average_part(void *context, long part, long begin, long end) {
  const struct pool_context *x = context;
  const struct ck_pooling *p = x->pooling;
  long width = p->input[2], rows = p->output[0] * p->output[1];
  float *sums = pool_row(x, part);
  struct run run = full_windows(p);
  static const float k[4];
  for (long task = begin * rows; task < end * rows; task++) {
    const float *plane = x->source + task / rows * pool_input_size(p);
    long z = task % rows / p->output[1], y = task % p->output[1];
    memset(sums, 0, (size_t)width * sizeof(float));
    FOR_EACH_ROW(p, z, y, row) {
      ck_loops()->map[CK_ADD](sums, plane + row * width, NULL, k, width, sums);
    }
    float *out = x->out + task * p->output[2];
    sum_row(p, run, sums, out);
    float area = (float)p->windows[0][z].span * (float)p->windows[1][y].span;
    for (long o = 0; o < p->output[2]; o++) out[o] /= area * (float)p->windows[2][o].span;
  }
}

static void average_backward_part(void *context, long part, long begin, long end) {
  const struct pool_context *x = context;
  const struct ck_pooling *p = x->pooling;
  long width = p->input[2], rows = p->output[0] * p->output[1];
  float *shares = pool_row(x, part);
  static const float k[4];
  for (long task = begin * rows; task < end * rows; task++) {
    float *plane = x->out + task / rows * pool_input_size(p);
    long z = task % rows / p->output[1], y = task % p->output[1];
    if (task % rows == 0) memset(plane, 0, (size_t)pool_input_size(p) * sizeof(float));
    memset(shares, 0, (size_t)width * sizeof(float));
    float area = (float)p->windows[0][z].span * (float)p->windows[1][y].span;
    for (long o = 0; o < p->output[2]; o++) {
      struct ck_window w = p->windows[2][o];
      float share = x->source[task * p->output[2] + o] / (area * (float)w.span);
      for (long tap = w.start; tap < w.end; tap++) shares[tap] += share;
    }
    FOR_EACH_ROW(p, z, y, row) {
      float *cells = plane + row * width;
      ck_loops()->map[CK_ADD](cells, shares, NULL, k, width, cells);
    }
  }
}

void ck_pool_maximum(
    const struct ck_pooling *pooling, const float *input, long parts, float *workspace,
    int32_t *mask, float *output) {
  struct pool_context x = {.pooling = pooling, .source = input, .new_mask = mask,
                           .workspace = workspace, .out = output};
  ck_parallel_parts(pooling->planes, parts, maximum_part, &x);
}

void ck_pool_average(
    const struct ck_pooling *pooling, const float *input, long parts, float *workspace,
    float *output) {
  struct pool_context x = {
      .pooling = pooling, .source = input, .workspace = workspace, .out = output};
  ck_parallel_parts(pooling->planes, parts, average_part, &x);
}

void ck_pool_average_backward(
    const struct ck_pooling *pooling, const float *gradient, long parts, float *workspace,
    float *input_gradient) {
  struct pool_context x = {
      .pooling = pooling, .source = gradient, .workspace = workspace, .out = input_gradient};
  ck_parallel_parts(pooling->planes, parts, average_backward_part, &x);
}
