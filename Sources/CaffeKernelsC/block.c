#include "ck_block.h"

#include <string.h>

#include "ck_parallel.h"
#include "dispatch.h"

struct copy_context {
  const float *source;
  const long *extents, *source_strides, *out_strides;
  long axes;
  int adding;
  float *out;
};

static void copy_row(const struct copy_context *x, const float *source, float *out) {
  long last = x->axes - 1, count = x->extents[last];
  long from = x->source_strides[last], to = x->out_strides[last];
  static const float k[4];
  if (from == 1 && to == 1) {
    if (x->adding)
      ck_loops()->map[CK_ADD](source, out, NULL, k, count, out);
    else
      memcpy(out, source, (size_t)count * sizeof(float));
  } else if (x->adding) {
    for (long i = 0; i < count; i++) out[i * to] += source[i * from];
  } else {
    for (long i = 0; i < count; i++) out[i * to] = source[i * from];
  }
}

static void copy_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct copy_context *x = context;
  for (long row = begin; row < end; row++) {
    long rest = row, from = 0, to = 0;
    for (long axis = x->axes - 2; axis >= 0; axis--) {
      long index = rest % x->extents[axis];
      rest /= x->extents[axis];
      from += index * x->source_strides[axis];
      to += index * x->out_strides[axis];
    }
    copy_row(x, x->source + from, x->out + to);
  }
}

void ck_copy_strided(
    const float *source, const long *source_strides, long axes, const long *extents, int adding,
    const long *out_strides, float *out) {
  struct copy_context x = {source, extents, source_strides, out_strides, axes, adding, out};
  long rows = 1, extent = extents[axes - 1];
  for (long axis = 0; axis < axes - 1; axis++) rows *= extents[axis];
  ck_parallel_for(rows, CK_LIGHT_GRAIN / (extent > 0 ? extent : 1) + 1, copy_part, &x);
}

struct sums_context {
  const float *const *sources;
  long count, stride, extent, chunks;
  const float *outputs;
  float k[4], *out;
};

/// Floats that stay in the first-level cache: each source is read once, the output written once.
enum { CHUNK = 1024 };

static void sums_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct sums_context *x = context;
  for (long task = begin; task < end; task++) {
    long row = task / x->chunks, first = task % x->chunks * CHUNK, from = row * x->stride + first;
    long count = x->extent - first < CHUNK ? x->extent - first : CHUNK;
    float *out = x->out + row * x->extent + first;
    const float *sum = x->sources[0] + from;
    for (long i = 1; i < x->count; i++) {
      ck_loops()->map[CK_ADD](sum, x->sources[i] + from, NULL, x->k, count, out);
      sum = out;
    }
    if (x->outputs)
      ck_loops()->map[CK_RELU_BACKWARD](sum, x->outputs + from, NULL, x->k, count, out);
    else if (sum != out)
      memcpy(out, sum, (size_t)count * sizeof(float));
  }
}

void ck_sum_rows(
    const float *const *sources, long count, long stride, long rows, long extent,
    const float *outputs, float slope, float *out) {
  struct sums_context x = {
      sources, count, stride, extent, ck_quotient(extent, CHUNK), outputs, {slope}, out};
  ck_parallel_for(rows * x.chunks, CK_LIGHT_GRAIN / CHUNK, sums_part, &x);
}
