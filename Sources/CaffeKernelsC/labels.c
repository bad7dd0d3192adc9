// Loops that look up one score per label: short, and bound by memory.
#include <math.h>
#include <string.h>

#include "ck_parallel.h"
#include "ck_softmax.h"

long ck_first_bad_label(
    const float *labels, long count, long classes, int has_ignored, long ignored) {
  for (long i = 0; i < count; i++) {
    float label = labels[i];
    if (has_ignored && label == (float)ignored) continue;
    if (!(label >= 0 && label < (float)classes && label == truncf(label))) return i;
  }
  return -1;
}

struct label_context {
  const float *scores, *labels;
  long channels, inner;
  float floor;
  long top;
  int has_ignored;
  long ignored;
  double loss[CK_MAX_PARTS];
  long counted[CK_MAX_PARTS];
};

static int is_ignored(const struct label_context *x, long label) {
  return x->has_ignored && label == x->ignored;
}

static void loss_part(void *context, long part, long begin, long end) {
  struct label_context *x = context;
  double loss = 0;
  long counted = 0;
  for (long i = begin; i < end; i++) {
    long label = (long)x->labels[i];
    if (is_ignored(x, label)) continue;
    float p = x->scores[(i / x->inner * x->channels + label) * x->inner + i % x->inner];
    loss -= log((double)(p < x->floor ? x->floor : p));
    counted++;
  }
  x->loss[part] = loss, x->counted[part] = counted;
}

double ck_label_loss(
    const float *probability, const float *labels, long outer, long channels, long inner,
    float floor, int has_ignored, long ignored, long *counted) {
  struct label_context x = {.scores = probability, .labels = labels, .channels = channels,
                            .inner = inner, .floor = floor, .has_ignored = has_ignored,
                            .ignored = ignored};
  long parts = ck_parallel_for(outer * inner, CK_HEAVY_GRAIN, loss_part, &x);
  double loss = 0;
  *counted = 0;
  for (long part = 0; part < parts; part++) loss += x.loss[part], *counted += x.counted[part];
  return loss;
}

/// Whether fewer than `top` other classes score at least as much as the label's.
static int is_right(const struct label_context *x, long i, long label) {
  const float *scores = x->scores + i / x->inner * x->channels * x->inner + i % x->inner;
  float own = scores[label * x->inner];
  if (own != own) return 0;
  long better = -1;  // the label's own score is not a rival
  for (long c = 0; c < x->channels; c++) {
    float rival = scores[c * x->inner];
    better += rival >= own || rival != rival;
  }
  return better < x->top;
}

long ck_accuracy(
    const float *scores, const float *labels, long outer, long channels, long inner, long top,
    int has_ignored, long ignored, long *counted, long *hits, long *seen) {
  struct label_context x = {.scores = scores, .labels = labels, .channels = channels,
                            .inner = inner, .top = top, .has_ignored = has_ignored,
                            .ignored = ignored};
  long right = 0;
  *counted = 0;
  if (hits) memset(hits, 0, (size_t)channels * sizeof(long));
  if (seen) memset(seen, 0, (size_t)channels * sizeof(long));
  for (long i = 0; i < outer * inner; i++) {
    long label = (long)labels[i];
    if (is_ignored(&x, label)) continue;
    int correct = is_right(&x, i, label);
    right += correct;
    ++*counted;
    if (hits) hits[label] += correct;
    if (seen) seen[label]++;
  }
  return right;
}
