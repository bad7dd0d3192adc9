#include "ck_random.h"

#include <stddef.h>
#include <string.h>

#include "ck_parallel.h"
#include "dispatch.h"

/// Values that one call of the loop makes.
enum { BATCH = 64 };

void ck_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t key0 = key[0], key1 = key[1];
  memcpy(out, counter, 4 * sizeof(uint32_t));
  for (int round = 0; round < 10; round++) {
    uint64_t left = (uint64_t)out[0] * 0xD2511F53u, right = (uint64_t)out[2] * 0xCD9E8D57u;
    uint32_t next0 = (uint32_t)(right >> 32) ^ out[1] ^ key0;
    uint32_t next2 = (uint32_t)(left >> 32) ^ out[3] ^ key1;
    out[0] = next0, out[1] = (uint32_t)right, out[2] = next2, out[3] = (uint32_t)left;
    key0 += 0x9E3779B9u, key1 += 0xBB67AE85u;
  }
}

struct random_context {
  uint64_t key, pass;
  enum ck_distribution distribution;
  float a, b;
  long first;
  float *out;
  uint8_t *mask;
};

static void store(const struct random_context *x, const float *values, long count, long place) {
  if (x->out) {
    memcpy(x->out + place, values, (size_t)count * sizeof(float));
  } else {
    for (long i = 0; i < count; i++) x->mask[place + i] = values[i] != 0.0f;
  }
}

// Batches begin at multiples of 64 values, whatever part of them is wanted.
static void random_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct random_context *x = context;
  float values[BATCH];
  for (long place = begin; place < end;) {
    long index = x->first + place, skip = index % BATCH;
    long count = BATCH - skip < end - place ? BATCH - skip : end - place;
    ck_loops()->random_values(
        x->key, x->pass, (uint64_t)(index / BATCH) * (BATCH / 4), (int)x->distribution, x->a, x->b,
        values);
    store(x, values + skip, count, place);
    place += count;
  }
}

void ck_random_fill(
    uint64_t key, uint64_t pass, enum ck_distribution distribution, float a, float b, long first,
    long count, float *out) {
  struct random_context x = {key, pass, distribution, a, b, first, out, NULL};
  ck_parallel_for(count, CK_HEAVY_GRAIN, random_part, &x);
}

void ck_random_mask(uint64_t key, uint64_t pass, float probability, long count, uint8_t *mask) {
  struct random_context x = {key, pass, CK_BERNOULLI, probability, 0, 0, NULL, mask};
  ck_parallel_for(count, CK_HEAVY_GRAIN, random_part, &x);
}

struct mask_context {
  const float *a;
  const uint8_t *mask;
  float factor;
  float *out;
};

static void mask_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct mask_context *x = context;
  ck_loops()->apply_mask(x->a + begin, x->mask + begin, x->factor, end - begin, x->out + begin);
}

void ck_apply_mask(const float *a, const uint8_t *mask, float factor, long count, float *out) {
  struct mask_context x = {a, mask, factor, out};
  ck_parallel_for(count, CK_LIGHT_GRAIN, mask_part, &x);
}
