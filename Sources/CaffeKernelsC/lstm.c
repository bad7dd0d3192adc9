#include "ck_lstm.h"

#include "ck_parallel.h"
#include "dispatch.h"

struct lstm_context {
  const struct ck_columns *units;
  const float *cell_gradient, *hidden_gradient, *previous, *gates, *continuing, *cell;
  float *first, *second;
};

static void forward_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct lstm_context *x = context;
  const struct ck_columns *u = x->units;
  for (long n = begin; n < end; n++) {
    long at = n * u->stride + u->first;
    ck_loops()->lstm_row(
        x->previous + at, x->gates + 3 * n * u->stride + at, x->continuing[n], u->stride, u->count,
        x->first + at, x->second + at);
  }
}

static void backward_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct lstm_context *x = context;
  const struct ck_columns *u = x->units;
  for (long n = begin; n < end; n++) {
    long at = n * u->stride + u->first, gates = 3 * n * u->stride + at;
    ck_loops()->lstm_row_backward(
        x->cell_gradient + at, x->hidden_gradient + at, x->previous + at, x->gates + gates,
        x->continuing[n], x->cell + at, u->stride, u->count, x->first + at, x->second + gates);
  }
}

static long grain(const struct ck_columns *u) {
  return CK_HEAVY_GRAIN / (4 * (u->count > 0 ? u->count : 1)) + 1;
}

void ck_lstm_unit(
    const struct ck_columns *units, const float *previous, const float *gates,
    const float *continuing, float *cell, float *hidden) {
  struct lstm_context x = {.units = units, .previous = previous, .gates = gates,
                           .continuing = continuing, .first = cell, .second = hidden};
  ck_parallel_for(units->rows, grain(units), forward_part, &x);
}

void ck_lstm_unit_backward(
    const struct ck_columns *units, const float *cell_gradient, const float *hidden_gradient,
    const float *previous, const float *gates, const float *continuing, const float *cell,
    float *previous_gradient, float *gates_gradient) {
  struct lstm_context x = {
      .units = units, .cell_gradient = cell_gradient, .hidden_gradient = hidden_gradient,
      .previous = previous, .gates = gates, .continuing = continuing, .cell = cell,
      .first = previous_gradient, .second = gates_gradient};
  ck_parallel_for(units->rows, grain(units), backward_part, &x);
}
