#include "ck_window.h"

#include <string.h>

#include "ck_parallel.h"

static long product(const long *values, long count) {
  long result = 1;
  for (long i = 0; i < count; i++) result *= values[i];
  return result;
}

/// Positions `low..<high` along one output axis whose tap lies inside the input; `first` is the
/// input position that output position 0 would read.
struct reach {
  long first, low, high;
};

static struct reach reach_of(const struct ck_windows *w, long axis, long tap) {
  long first = tap * w->dilation[axis] - w->pad[axis], stride = w->stride[axis];
  long low = first >= 0 ? 0 : (-first + stride - 1) / stride;
  long beyond = w->input[axis] - first;  // output positions below beyond/stride are inside
  long high = beyond <= 0 ? 0 : (beyond + stride - 1) / stride;
  if (high > w->output[axis]) high = w->output[axis];
  if (low > high) low = high;
  return (struct reach){first, low, high};
}

struct unfold {
  const struct ck_windows *windows;
  const float *source;
  float *target;
  long channels, image_stride, row_stride, taps, input_size, output_size;
};

static void unfold_row(const struct ck_windows *w, const float *input, struct reach x, float *out) {
  long last = w->axes - 1, stride = w->stride[last];
  memset(out, 0, (size_t)x.low * sizeof(float));
  if (stride == 1) {
    memcpy(out + x.low, input + (x.first + x.low), (size_t)(x.high - x.low) * sizeof(float));
  } else {
    for (long o = x.low; o < x.high; o++) out[o] = input[x.first + o * stride];
  }
  memset(out + x.high, 0, (size_t)(w->output[last] - x.high) * sizeof(float));
}

static void fold_row(const struct ck_windows *w, const float *column, struct reach x, float *input) {
  long stride = w->stride[w->axes - 1];
  if (stride == 1) {
    for (long o = x.low; o < x.high; o++) input[x.first + o] += column[o];
  } else {
    for (long o = x.low; o < x.high; o++) input[x.first + o * stride] += column[o];
  }
}

/// Walks one row of the column matrix: one tap of one channel of one image. `input` is the
/// channel's plane, `column` the row's part for the image.
static void walk(
    const struct ck_windows *w, long tap, const float *source, float *target, int folding) {
  long last = w->axes - 1, position[CK_MAX_AXES] = {0};
  struct reach reach[CK_MAX_AXES];
  for (long axis = last; axis >= 0; axis--) {
    reach[axis] = reach_of(w, axis, tap % w->kernel[axis]);
    tap /= w->kernel[axis];
  }
  long rows = product(w->output, last), width = w->output[last];
  for (long row = 0; row < rows; row++) {
    long offset = 0;
    int inside = 1;
    for (long axis = 0; axis < last; axis++) {
      long o = position[axis];
      inside &= o >= reach[axis].low && o < reach[axis].high;
      offset = (offset + reach[axis].first + o * w->stride[axis]) * w->input[axis + 1];
    }
    if (folding) {
      if (inside) fold_row(w, source + row * width, reach[last], target + offset);
    } else if (inside) {
      unfold_row(w, source + offset, reach[last], target + row * width);
    } else {
      memset(target + row * width, 0, (size_t)width * sizeof(float));
    }
    for (long axis = last - 1; axis >= 0 && ++position[axis] == w->output[axis]; axis--)
      position[axis] = 0;
  }
}

static void im2col_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct unfold *u = context;
  long rows = u->channels * u->taps;
  for (long task = begin; task < end; task++) {
    long image = task / rows, row = task % rows;
    walk(u->windows, row % u->taps,
         u->source + image * u->image_stride + row / u->taps * u->input_size,
         u->target + row * u->row_stride + image * u->output_size, 0);
  }
}

static void col2im_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct unfold *u = context;
  for (long task = begin; task < end; task++) {
    long image = task / u->channels, channel = task % u->channels;
    float *plane = u->target + image * u->image_stride + channel * u->input_size;
    memset(plane, 0, (size_t)u->input_size * sizeof(float));
    for (long tap = 0; tap < u->taps; tap++)
      walk(u->windows, tap,
           u->source + (channel * u->taps + tap) * u->row_stride + image * u->output_size, plane,
           1);
  }
}

static struct unfold unfold_of(const struct ck_windows *w, long channels) {
  return (struct unfold){.windows = w,
                         .channels = channels,
                         .taps = product(w->kernel, w->axes),
                         .input_size = product(w->input, w->axes),
                         .output_size = product(w->output, w->axes)};
}

void ck_im2col(
    const struct ck_windows *windows, const float *input, long images, long channels,
    long image_stride, long row_stride, float *columns) {
  struct unfold u = unfold_of(windows, channels);
  u.source = input, u.target = columns, u.image_stride = image_stride, u.row_stride = row_stride;
  long grain = CK_LIGHT_GRAIN / (u.output_size > 0 ? u.output_size : 1) + 1;
  ck_parallel_for(images * channels * u.taps, grain, im2col_part, &u);
}

void ck_col2im(
    const struct ck_windows *windows, const float *columns, long images, long channels,
    long image_stride, long row_stride, float *input) {
  struct unfold u = unfold_of(windows, channels);
  u.source = columns, u.target = input, u.image_stride = image_stride, u.row_stride = row_stride;
  long work = u.taps * u.output_size;
  ck_parallel_for(images * channels, CK_LIGHT_GRAIN / (work > 0 ? work : 1) + 1, col2im_part, &u);
}
