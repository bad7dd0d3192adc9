#include "ck_eltwise.h"

#include <stddef.h>

#include "ck_parallel.h"
#include "dispatch.h"

struct maximum_context {
  const float *a, *b;
  const int32_t *mask;
  int32_t number;
  int32_t *new_mask;
  float *out;
};

static void start_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct maximum_context *x = context;
  ck_loops()->maximum_start(
      x->a + begin, x->b + begin, end - begin, x->new_mask + begin, x->out + begin);
}

static void continue_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct maximum_context *x = context;
  ck_loops()->maximum_continue(
      x->a + begin, x->number, end - begin, x->new_mask + begin, x->out + begin);
}

static void backward_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct maximum_context *x = context;
  ck_loops()->maximum_backward(
      x->a + begin, x->mask + begin, x->number, end - begin, x->out + begin);
}

void ck_maximum_start(
    const float *first, const float *second, long count, int32_t *mask, float *best) {
  struct maximum_context x = {.a = first, .b = second, .new_mask = mask, .out = best};
  ck_parallel_for(count, CK_LIGHT_GRAIN, start_part, &x);
}

void ck_maximum_continue(
    const float *next, int32_t number, long count, int32_t *mask, float *best) {
  struct maximum_context x = {.a = next, .number = number, .new_mask = mask, .out = best};
  ck_parallel_for(count, CK_LIGHT_GRAIN, continue_part, &x);
}

void ck_maximum_backward(
    const float *gradient, const int32_t *mask, int32_t number, long count, float *out) {
  struct maximum_context x = {.a = gradient, .mask = mask, .number = number, .out = out};
  ck_parallel_for(count, CK_LIGHT_GRAIN, backward_part, &x);
}
