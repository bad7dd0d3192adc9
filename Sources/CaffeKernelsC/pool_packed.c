#include "ck_pool_packed.h"

#include "ck_parallel.h"
#include "dispatch.h"
#include "pool_internal.h"

struct packed_context {
  const struct ck_packed_pooling *pooling;
  const float *source;
  const uint8_t *taps;
  uint8_t *new_taps;
  float *out;
};

/// Rows of a window's cells or of the windows over a cell, by their depth and height.
struct packed_row {
  long plane, depth, height;
};

static struct packed_row row_of(long task, const long extents[3]) {
  long row = task / extents[1];
  return (struct packed_row){row / extents[0], row % extents[0], task % extents[1]};
}

static void maximum_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct packed_context *x = context;
  const struct ck_packed_pooling *p = x->pooling;
  for (long task = begin; task < end; task++) {
    struct packed_row row = row_of(task, p->pooling.output);
    long offset = task * p->pooling.output[2] * p->run;
    ck_loops()->pool_packed_maximum(
        p, x->source + row.plane * pool_input_size(&p->pooling) * p->run, row.depth, row.height,
        x->new_taps + offset, x->out + offset);
  }
}

static void average_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct packed_context *x = context;
  const struct ck_packed_pooling *p = x->pooling;
  for (long task = begin; task < end; task++) {
    struct packed_row row = row_of(task, p->pooling.output);
    ck_loops()->pool_packed_average(
        p, x->source + row.plane * pool_input_size(&p->pooling) * p->run, row.depth, row.height,
        x->out + task * p->pooling.output[2] * p->run);
  }
}

static void maximum_backward_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct packed_context *x = context;
  const struct ck_packed_pooling *p = x->pooling;
  for (long task = begin; task < end; task++) {
    struct packed_row row = row_of(task, p->pooling.input);
    long plane = row.plane * pool_output_size(&p->pooling) * p->run;
    ck_loops()->pool_packed_maximum_backward(
        p, x->source + plane, x->taps + plane, row.depth, row.height,
        x->out + task * p->pooling.input[2] * p->run);
  }
}

static void average_backward_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct packed_context *x = context;
  const struct ck_packed_pooling *p = x->pooling;
  for (long task = begin; task < end; task++) {
    struct packed_row row = row_of(task, p->pooling.input);
    ck_loops()->pool_packed_average_backward(
        p, x->source + row.plane * pool_output_size(&p->pooling) * p->run, row.depth, row.height,
        x->out + task * p->pooling.input[2] * p->run);
  }
}

/// Shares the rows of all planes of `extents` among the threads.
static void each_row(struct packed_context *x, const long extents[3], ck_body body) {
  const struct ck_pooling *p = &x->pooling->pooling;
  long rows = p->planes * extents[0] * extents[1];
  long cells = p->planes * (pool_input_size(p) + 4 * pool_output_size(p)) * x->pooling->run;
  ck_parallel_for(rows, CK_LIGHT_GRAIN / (cells / (rows > 0 ? rows : 1) + 1) + 1, body, x);
}

void ck_pool_packed_maximum(
    const struct ck_packed_pooling *pooling, const float *input, uint8_t *taps, float *output) {
  struct packed_context x = {
      .pooling = pooling, .source = input, .new_taps = taps, .out = output};
  each_row(&x, pooling->pooling.output, maximum_part);
}

void ck_pool_packed_average(
    const struct ck_packed_pooling *pooling, const float *input, float *output) {
  struct packed_context x = {.pooling = pooling, .source = input, .out = output};
  each_row(&x, pooling->pooling.output, average_part);
}

void ck_pool_packed_maximum_backward(
    const struct ck_packed_pooling *pooling, const float *gradient, const uint8_t *taps,
    float *input_gradient) {
  struct packed_context x = {
      .pooling = pooling, .source = gradient, .taps = taps, .out = input_gradient};
  each_row(&x, pooling->pooling.input, maximum_backward_part);
}

void ck_pool_packed_average_backward(
    const struct ck_packed_pooling *pooling, const float *gradient, float *input_gradient) {
  struct packed_context x = {.pooling = pooling, .source = gradient, .out = input_gradient};
  each_row(&x, pooling->pooling.input, average_backward_part);
}
