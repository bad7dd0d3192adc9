#include "ck_loss.h"

#include <math.h>
#include <stddef.h>

#include "ck_parallel.h"
#include "dispatch.h"

struct loss_context {
  const float *a, *labels, *infogain;
  long channels, inner;
  float floor, factor;
  int linear, has_ignored;
  long ignored;
  float *out;
  double loss[CK_MAX_PARTS];
  long counted[CK_MAX_PARTS];
};

static long grain(long row) { return CK_LIGHT_GRAIN / (row > 0 ? row : 1) + 1; }

static void margins_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct loss_context *x = context;
  for (long row = begin; row < end; row++) {
    long offset = row * x->channels, label = (long)x->labels[row];
    for (long c = 0; c < x->channels; c++) {
      float score = x->a[offset + c], margin = c == label ? 1.0f - score : 1.0f + score;
      x->out[offset + c] = margin < 0.0f ? 0.0f : margin;
    }
  }
}

static void hinge_backward_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct loss_context *x = context;
  for (long row = begin; row < end; row++) {
    long offset = row * x->channels, label = (long)x->labels[row];
    for (long c = 0; c < x->channels; c++) {
      float margin = x->a[offset + c], step = x->linear ? (margin > 0.0f) : margin;
      x->out[offset + c] = x->factor * step;
    }
    x->out[offset + label] = -x->out[offset + label];
  }
}

static void multinomial_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct loss_context *x = context;
  for (long row = begin; row < end; row++) {
    long offset = row * x->channels, at = offset + (long)x->labels[row];
    float p = x->a[at] < x->floor ? x->floor : x->a[at];
    for (long c = 0; c < x->channels; c++) x->out[offset + c] = 0.0f;
    x->out[at] = -x->factor / p;
  }
}

void ck_hinge_margins(
    const float *x, const float *labels, long rows, long classes, float *margins) {
  struct loss_context context = {.a = x, .labels = labels, .channels = classes, .out = margins};
  ck_parallel_for(rows, grain(classes), margins_part, &context);
}

void ck_hinge_backward(
    const float *margins, const float *labels, long rows, long classes, int linear, float factor,
    float *gradient) {
  struct loss_context context = {.a = margins, .labels = labels, .channels = classes,
                                 .linear = linear, .factor = factor, .out = gradient};
  ck_parallel_for(rows, grain(classes), hinge_backward_part, &context);
}

void ck_multinomial_backward(
    const float *probability, const float *labels, long rows, long classes, float floor,
    float factor, float *gradient) {
  struct loss_context context = {.a = probability, .labels = labels, .channels = classes,
                                 .floor = floor, .factor = factor, .out = gradient};
  ck_parallel_for(rows, grain(classes), multinomial_part, &context);
}

/// The position's label, and where its first channel lies; -1 when it is ignored.
static long label_at(const struct loss_context *x, long position, long *first) {
  *first = position / x->inner * x->channels * x->inner + position % x->inner;
  long label = (long)x->labels[position];
  return x->has_ignored && label == x->ignored ? -1 : label;
}

static void infogain_part(void *context, long part, long begin, long end) {
  struct loss_context *x = context;
  double loss = 0;
  long counted = 0;
  for (long position = begin; position < end; position++) {
    long first, label = label_at(x, position, &first);
    if (label < 0) continue;
    for (long c = 0; c < x->channels; c++) {
      float p = x->a[first + c * x->inner], gain = x->infogain[label * x->channels + c];
      if (gain != 0.0f) loss -= (double)gain * log((double)(p < x->floor ? x->floor : p));
    }
    counted++;
  }
  x->loss[part] = loss, x->counted[part] = counted;
}

double ck_infogain_loss(
    const float *probability, const float *labels, const float *infogain, long outer,
    long channels, long inner, float floor, int has_ignored, long ignored, long *counted) {
  struct loss_context x = {.a = probability, .labels = labels, .infogain = infogain,
                           .channels = channels, .inner = inner, .floor = floor,
                           .has_ignored = has_ignored, .ignored = ignored};
  long parts = ck_parallel_for(outer * inner, grain(channels), infogain_part, &x);
  double loss = 0;
  *counted = 0;
  for (long part = 0; part < parts; part++) loss += x.loss[part], *counted += x.counted[part];
  return loss;
}

static void infogain_backward_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct loss_context *x = context;
  for (long position = begin; position < end; position++) {
    long first, label = label_at(x, position, &first);
    const float *gains = x->infogain + (label < 0 ? 0 : label) * x->channels;
    float sum = 0;
    for (long c = 0; c < x->channels; c++) sum += gains[c];
    for (long c = 0; c < x->channels; c++) {
      float p = x->a[first + c * x->inner];
      x->out[first + c * x->inner] = label < 0 ? 0.0f : x->factor * (p * sum - gains[c]);
    }
  }
}

void ck_infogain_backward(
    const float *probability, const float *labels, const float *infogain, long outer,
    long channels, long inner, float factor, int has_ignored, long ignored, float *gradient) {
  struct loss_context x = {.a = probability, .labels = labels, .infogain = infogain,
                           .channels = channels, .inner = inner, .factor = factor,
                           .has_ignored = has_ignored, .ignored = ignored, .out = gradient};
  ck_parallel_for(outer * inner, grain(channels), infogain_backward_part, &x);
}
