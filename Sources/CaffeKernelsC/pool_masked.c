// Poolings that pick one cell by chance, and the way back through a mask.
#include <stddef.h>
#include <string.h>

#include "ck_parallel.h"
#include "ck_pool.h"
#include "pool_internal.h"

/// The cells under one window, walked in memory order.
struct cells {
  struct ck_window window[3];
  long height, width;
};

static struct cells cells_of(const struct ck_pooling *p, long output) {
  long x = output % p->output[2], row = output / p->output[2];
  return (struct cells){{p->windows[0][row / p->output[1]], p->windows[1][row % p->output[1]],
                         p->windows[2][x]},
                        p->input[1],
                        p->input[2]};
}

#define FOR_EACH_CELL(c, cell)                                               \
  for (long z = (c).window[0].start; z < (c).window[0].end; z++)             \
    for (long y = (c).window[1].start; y < (c).window[1].end; y++)           \
      for (long cell = (z * (c).height + y) * (c).width + (c).window[2].start, \
                cell##_end = cell + (c).window[2].end - (c).window[2].start; \
           cell < cell##_end; cell++)

/// The first cell whose running sum exceeds the drawn share of the sum; the first of all if none.
static long sampled_cell(const float *plane, struct cells c, float random) {
  float sum = 0, running = 0;
  FOR_EACH_CELL(c, cell) sum += plane[cell];
  float threshold = random * sum;
  FOR_EACH_CELL(c, cell) {
    running += plane[cell];
    if (running > threshold) return cell;
  }
  return (c.window[0].start * c.height + c.window[1].start) * c.width + c.window[2].start;
}

static void sample_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct pool_context *x = context;
  long outputs = pool_output_size(x->pooling);
  for (long i = begin * outputs; i < end * outputs; i++) {
    const float *plane = x->source + i / outputs * pool_input_size(x->pooling);
    long cell = sampled_cell(plane, cells_of(x->pooling, i % outputs), x->random[i]);
    x->new_mask[i] = (int32_t)cell;
    x->out[i] = plane[cell];
  }
}

static void expectation_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct pool_context *x = context;
  long outputs = pool_output_size(x->pooling);
  for (long i = begin * outputs; i < end * outputs; i++) {
    const float *plane = x->source + i / outputs * pool_input_size(x->pooling);
    struct cells c = cells_of(x->pooling, i % outputs);
    float sum = 0, squares = 0;
    FOR_EACH_CELL(c, cell) sum += plane[cell], squares += plane[cell] * plane[cell];
    x->out[i] = sum <= 0 ? 0 : squares / sum;
  }
}

static void masked_backward_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct pool_context *x = context;
  long cells = pool_input_size(x->pooling), outputs = pool_output_size(x->pooling);
  for (long plane = begin; plane < end; plane++) {
    float *target = x->out + plane * cells;
    memset(target, 0, (size_t)cells * sizeof(float));
    for (long i = plane * outputs; i < (plane + 1) * outputs; i++)
      target[x->mask[i]] += x->source[i];
  }
}

void ck_pool_sample(
    const struct ck_pooling *pooling, const float *input, const float *random, int32_t *mask,
    float *output) {
  struct pool_context x = {
      .pooling = pooling, .source = input, .random = random, .new_mask = mask, .out = output};
  ck_parallel_for(pooling->planes, pool_grain(pooling), sample_part, &x);
}

void ck_pool_expectation(const struct ck_pooling *pooling, const float *input, float *output) {
  struct pool_context x = {.pooling = pooling, .source = input, .out = output};
  ck_parallel_for(pooling->planes, pool_grain(pooling), expectation_part, &x);
}

void ck_pool_masked_backward(
    const struct ck_pooling *pooling, const float *gradient, const int32_t *mask,
    float *input_gradient) {
  struct pool_context x = {
      .pooling = pooling, .source = gradient, .mask = mask, .out = input_gradient};
  ck_parallel_for(pooling->planes, pool_grain(pooling), masked_backward_part, &x);
}
