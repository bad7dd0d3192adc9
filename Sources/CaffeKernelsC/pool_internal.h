/// What the two pooling files share.
#pragma once
#include "ck_pool.h"

struct pool_context {
  const struct ck_pooling *pooling;
  const float *source, *random;
  const int32_t *mask;
  int32_t *new_mask;
  float *workspace, *out;
};

static inline long pool_input_size(const struct ck_pooling *p) {
  return p->input[0] * p->input[1] * p->input[2];
}

static inline long pool_output_size(const struct ck_pooling *p) {
  return p->output[0] * p->output[1] * p->output[2];
}

/// Planes that are worth a thread.
long pool_grain(const struct ck_pooling *pooling);
/// A part's own workspace: one row of values and one of indices.
float *pool_row(const struct pool_context *context, long part);
