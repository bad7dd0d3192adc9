#include "ck_map.h"

#include <string.h>

#include "ck_parallel.h"
#include "dispatch.h"

struct map_context {
  enum ck_map_operation operation;
  const float *a, *b, *c, *k;
  float *out;
};

static void map_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct map_context *map = context;
  ck_loops()->map[map->operation](
      map->a ? map->a + begin : NULL, map->b ? map->b + begin : NULL,
      map->c ? map->c + begin : NULL, map->k, end - begin, map->out + begin);
}

static long grain(enum ck_map_operation operation) {
  switch (operation) {
    case CK_SIGMOID:
    case CK_SIGMOID_LOSS_BACKWARD:
    case CK_TANH:
    case CK_ELU:
    case CK_BNLL:
    case CK_BNLL_BACKWARD:
    case CK_POWER:
    case CK_POWER_BACKWARD:
    case CK_EXP:
    case CK_LOG:
      return CK_HEAVY_GRAIN;
    default:
      return CK_LIGHT_GRAIN;
  }
}

void ck_map(
    enum ck_map_operation operation, const float *a, const float *b, const float *c, float k0,
    float k1, float k2, float k3, long count, float *out) {
  const float k[4] = {k0, k1, k2, k3};
  struct map_context context = {operation, a, b, c, k, out};
  ck_parallel_for(count, grain(operation), map_part, &context);
}

static void copy_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct map_context *map = context;
  memcpy(map->out + begin, map->a + begin, (size_t)(end - begin) * sizeof(float));
}

void ck_copy(const float *source, long count, float *out) {
  struct map_context context = {.a = source, .out = out};
  ck_parallel_for(count, CK_LIGHT_GRAIN, copy_part, &context);
}

struct rounding {
  const float *values;
  uint16_t *out;
};

static void round_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct rounding *rounding = context;
  ck_loops()->round_bfloat16(rounding->values + begin, end - begin, rounding->out + begin);
}

void ck_round_bfloat16(const float *values, long count, uint16_t *out) {
  struct rounding context = {values, out};
  ck_parallel_for(count, CK_LIGHT_GRAIN, round_part, &context);
}

struct widening {
  const uint16_t *values;
  float *out;
};

static void widen_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct widening *widening = context;
  ck_loops()->widen_bfloat16(widening->values + begin, end - begin, widening->out + begin);
}

void ck_widen_bfloat16(const uint16_t *values, long count, float *out) {
  struct widening context = {values, out};
  ck_parallel_for(count, CK_LIGHT_GRAIN, widen_part, &context);
}
