#include "ck_lookup.h"

#include <stddef.h>
#include <string.h>

#include "ck_parallel.h"
#include "dispatch.h"

struct lookup_context {
  const float *source, *indices, *bias;
  long count, channels, inner, width, top, outer_stride;
  float *out, *values;
};

static const float no_constants[4];

/// Columns of a table that are worth being a part of their own: some cache lines.
enum { LEAST_COLUMNS = 128 };

static void gather_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct lookup_context *x = context;
  for (long i = begin; i < end; i++) {
    const float *row = x->source + (long)x->indices[i] * x->width;
    float *out = x->out + i * x->width;
    if (x->bias)
      ck_loops()->map[CK_ADD](row, x->bias, NULL, no_constants, x->width, out);
    else
      memcpy(out, row, (size_t)x->width * sizeof(float));
  }
}

void ck_gather_rows(
    const float *table, const float *indices, long count, long width, const float *bias,
    float *out) {
  struct lookup_context x = {
      .source = table, .indices = indices, .bias = bias, .width = width, .out = out};
  ck_parallel_for(count, CK_LIGHT_GRAIN / (width > 0 ? width : 1) + 1, gather_part, &x);
}

// Each part owns some rows of the table and looks for them among all indices.
static void scatter_rows(void *context, long part, long begin, long end) {
  (void)part;
  const struct lookup_context *x = context;
  for (long i = 0; i < x->count; i++) {
    long row = (long)x->indices[i];
    if (row < begin || row >= end) continue;
    float *target = x->out + row * x->width;
    ck_loops()->map[CK_ADD](
        target, x->source + i * x->width, NULL, no_constants, x->width, target);
  }
}

// Each part owns some columns of the table, which stay equal parts if most indices are the same.
static void scatter_columns(void *context, long part, long begin, long end) {
  (void)part;
  const struct lookup_context *x = context;
  for (long i = 0; i < x->count; i++) {
    float *target = x->out + (long)x->indices[i] * x->width + begin;
    ck_loops()->map[CK_ADD](
        target, x->source + i * x->width + begin, NULL, no_constants, end - begin, target);
  }
}

void ck_scatter_add_rows(
    const float *gradient, const float *indices, long count, long rows, long width, float *table) {
  struct lookup_context x = {
      .source = gradient, .indices = indices, .count = count, .width = width, .out = table};
  int is_light = count * width < 2 * CK_LIGHT_GRAIN;
  if (width >= LEAST_COLUMNS * ck_thread_count())
    ck_parallel_for(width, is_light ? width : LEAST_COLUMNS, scatter_columns, &x);
  else
    ck_parallel_for(rows, is_light ? rows : 1, scatter_rows, &x);
}

/// Whether candidate (value, index) ranks before the other.
static int ranks_before(float value, long index, float other, long other_index) {
  if (value != value) return other != other && index > other_index;
  return other != other || value > other || (value == other && index > other_index);
}

static void top_of_position(const struct lookup_context *x, long outer, long i) {
  const float *input = x->source + outer * x->channels * x->inner + i;
  float *indices = x->out ? x->out + outer * x->outer_stride + i : NULL;
  float *values = x->values ? x->values + outer * x->outer_stride + i : NULL;
  long last = -1;
  for (long rank = 0; rank < x->top; rank++) {
    long best = -1;
    for (long c = 0; c < x->channels; c++) {
      float value = input[c * x->inner];
      int taken = last >= 0 && !ranks_before(input[last * x->inner], last, value, c);
      if (taken || c == last) continue;
      if (best < 0 || ranks_before(value, c, input[best * x->inner], best)) best = c;
    }
    if (indices) indices[rank * x->inner] = (float)best;
    if (values) values[rank * x->inner] = input[best * x->inner];
    last = best;
  }
}

static void top_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct lookup_context *x = context;
  for (long task = begin; task < end; task++)
    top_of_position(x, task / x->inner, task % x->inner);
}

void ck_top(
    const float *input, long outer, long channels, long inner, long top, long outer_stride,
    float *indices, float *values) {
  struct lookup_context x = {.source = input, .channels = channels, .inner = inner, .top = top,
                             .outer_stride = outer_stride, .out = indices, .values = values};
  long work = channels * top;
  ck_parallel_for(outer * inner, CK_LIGHT_GRAIN / (work > 0 ? work : 1) + 1, top_part, &x);
}
