#include "ck_reduce.h"

#include <math.h>
#include <stddef.h>

#include "ck_parallel.h"
#include "dispatch.h"

struct reduce_context {
  enum ck_reduction operation;
  const float *a, *b;
  long extent;
  float k, factor;
  float *out;
  double partial[CK_MAX_PARTS];
};

static void reduce_part(void *context, long part, long begin, long end) {
  struct reduce_context *reduce = context;
  reduce->partial[part] = ck_loops()->reduce[reduce->operation](
      reduce->a + begin, reduce->b ? reduce->b + begin : NULL, reduce->k, end - begin);
}

double ck_reduce(enum ck_reduction operation, const float *a, const float *b, float k, long count) {
  struct reduce_context context = {.operation = operation, .a = a, .b = b, .k = k};
  long parts = ck_parallel_for(count, CK_LIGHT_GRAIN, reduce_part, &context);
  double total = 0;
  for (long part = 0; part < parts; part++)
    total += context.partial[part];
  return total;
}

static void rows_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct reduce_context *reduce = context;
  for (long row = begin; row < end; row++) {
    const float *b = reduce->b ? reduce->b + row * reduce->extent : NULL;
    double sum = ck_loops()->reduce[reduce->operation](
        reduce->a + row * reduce->extent, b, 0, reduce->extent);
    reduce->out[row] = (float)(sum * (double)reduce->factor);
  }
}

void ck_reduce_rows(
    enum ck_reduction operation, const float *a, const float *b, long rows, long extent,
    float factor, float *out) {
  if (rows < ck_thread_count()) {  // too few rows to share: share each row
    for (long row = 0; row < rows; row++) {
      const float *other = b ? b + row * extent : NULL;
      out[row] = (float)(ck_reduce(operation, a + row * extent, other, 0, extent) * (double)factor);
    }
    return;
  }
  struct reduce_context context = {
      .operation = operation, .a = a, .b = b, 
      .extent = extent, .factor = factor, .out = out};
  ck_parallel_for(rows, extent > 0 ? CK_LIGHT_GRAIN / extent + 1 : rows, rows_part, &context);
}

static void maximum_part(void *context, long part, long begin, long end) {
  struct reduce_context *reduce = context;
  reduce->partial[part] = (double)ck_loops()->maximum(reduce->a + begin, end - begin);
}

float ck_maximum(const float *a, long count) {
  struct reduce_context context = {.a = a};
  long parts = ck_parallel_for(count, CK_LIGHT_GRAIN, maximum_part, &context);
  double best = -INFINITY;
  for (long part = 0; part < parts; part++)
    best = context.partial[part] > best ? context.partial[part] : best;
  return (float)best;
}
