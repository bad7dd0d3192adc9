#include "ck_update.h"

#include <stddef.h>

#include "ck_parallel.h"
#include "dispatch.h"

struct update_context {
  const struct ck_update *update;
  const struct ck_segment *segments;
  long segment_count;
  float *weights, *gradient, *history, *history2;
};

static void update_segment(
    const struct update_context *x, const struct ck_segment *segment, long begin, long end) {
  struct ck_update update = *x->update;
  update.rate *= segment->rate;
  update.l2 *= segment->decay;
  update.l1 *= segment->decay;
  ck_loops()->update[update.method](
      &update, end - begin, x->weights + begin, x->gradient + begin, x->history + begin,
      x->history2 ? x->history2 + begin : NULL);
}

static void update_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct update_context *x = context;
  for (long s = 0; s < x->segment_count; s++) {
    long first = x->segments[s].offset, last = first + x->segments[s].count;
    if (first < begin) first = begin;
    if (last > end) last = end;
    if (first < last) update_segment(x, &x->segments[s], first, last);
  }
}

void ck_update_parameters(
    const struct ck_update *update, const struct ck_segment *segments, long segment_count,
    float *weights, float *gradient, float *history, float *history2) {
  if (segment_count == 0) return;
  struct update_context x = {update, segments, segment_count, weights, gradient, history, history2};
  const struct ck_segment *last = segments + segment_count - 1;
  ck_parallel_for(last->offset + last->count, CK_LIGHT_GRAIN / 2, update_part, &x);
}
