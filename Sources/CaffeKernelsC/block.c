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

struct sum_context {
  const float *const *sources;
  long count;
  float *out;
};

// Blocks that stay in the first-level cache: each source is read once, the output written once.
static void sum_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct sum_context *x = context;
  static const float k[4];
  for (long first = begin; first < end; first += 1024) {
    long count = end - first < 1024 ? end - first : 1024;
    if (x->out != x->sources[0])
      memcpy(x->out + first, x->sources[0] + first, (size_t)count * sizeof(float));
    for (long i = 1; i < x->count; i++)
      ck_loops()->map[CK_ADD](
          x->out + first, x->sources[i] + first, NULL, k, count, x->out + first);
  }
}

void ck_sum_buffers(const float *const *sources, long count, long extent, float *out) {
  struct sum_context x = {sources, count, out};
  ck_parallel_for(extent, CK_LIGHT_GRAIN, sum_part, &x);
}
