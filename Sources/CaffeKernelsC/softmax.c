#include "ck_softmax.h"

#include <stddef.h>
#include <string.h>

#include "ck_parallel.h"
#include "dispatch.h"

/// Columns handled at a time, the width of the loops' buffers.
enum { TILE = 256 };

struct softmax_context {
  const float *a, *b, *labels;
  long outer, channels, inner;
  float factor;
  int has_ignored;
  long ignored;
  float *out;
};

static long tiles_per_row(const struct softmax_context *x) { return ck_quotient(x->inner, TILE); }

static void run(struct softmax_context *x, ck_body body) {
  long columns = x->inner == 1 ? 1 : TILE;
  long grain = CK_HEAVY_GRAIN / (x->channels * columns > 0 ? x->channels * columns : 1) + 1;
  ck_parallel_for(x->outer * tiles_per_row(x), grain, body, x);
}

/// A tile's first element and width.
static long tile(const struct softmax_context *x, long task, long *count) {
  long image = task / tiles_per_row(x), first = task % tiles_per_row(x) * TILE;
  *count = x->inner - first < TILE ? x->inner - first : TILE;
  return image * x->channels * x->inner + first;
}

static void forward_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct softmax_context *x = context;
  for (long task = begin; task < end; task++) {
    long count, at = tile(x, task, &count);
    if (x->inner == 1)
      ck_loops()->softmax_row(x->a + at, x->channels, x->out + at);
    else
      ck_loops()->softmax_columns(x->a + at, x->channels, x->inner, count, x->out + at);
  }
}

static void backward_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct softmax_context *x = context;
  for (long task = begin; task < end; task++) {
    long count, at = tile(x, task, &count);
    if (x->inner == 1)
      ck_loops()->softmax_row_backward(x->a + at, x->b + at, x->channels, x->out + at);
    else
      ck_loops()->softmax_columns_backward(
          x->a + at, x->b + at, x->channels, x->inner, count, x->out + at);
  }
}

void ck_softmax(const float *input, long outer, long channels, long inner, float *output) {
  struct softmax_context x = {
      .a = input, .outer = outer, .channels = channels, .inner = inner, .out = output};
  run(&x, forward_part);
}

void ck_softmax_backward(
    const float *gradient, const float *output, long outer, long channels, long inner,
    float *input_gradient) {
  struct softmax_context x = {.a = gradient, .b = output, .outer = outer, .channels = channels,
                              .inner = inner, .out = input_gradient};
  run(&x, backward_part);
}

static void loss_backward_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct softmax_context *x = context;
  for (long task = begin; task < end; task++) {
    long count, at = tile(x, task, &count);
    const float k[4] = {x->factor};
    for (long c = 0; c < x->channels && x->inner > 1; c++) {
      long row = at + c * x->inner;
      ck_loops()->map[CK_AFFINE](x->a + row, NULL, NULL, k, count, x->out + row);
    }
    if (x->inner == 1)
      ck_loops()->map[CK_AFFINE](x->a + at, NULL, NULL, k, x->channels, x->out + at);
    const float *labels = x->labels + task / tiles_per_row(x) * x->inner;
    labels += task % tiles_per_row(x) * TILE;
    for (long i = 0; i < count; i++) {
      long label = (long)labels[i];
      if (x->has_ignored && label == x->ignored)
        for (long c = 0; c < x->channels; c++) x->out[at + c * x->inner + i] = 0;
      else
        x->out[at + label * x->inner + i] -= x->factor;
    }
  }
}

void ck_softmax_loss_backward(
    const float *probability, const float *labels, long outer, long channels, long inner,
    float factor, int has_ignored, long ignored, float *gradient) {
  struct softmax_context x = {
      .a = probability, .labels = labels, .outer = outer, .channels = channels, .inner = inner,
      .factor = factor, .has_ignored = has_ignored, .ignored = ignored, .out = gradient};
  run(&x, loss_backward_part);
}
