#include "ck_lstm.h"

#include "ck_parallel.h"
#include "dispatch.h"

struct lstm_context {
  const float *cell_gradient, *hidden_gradient, *previous, *gates, *continuing, *cell;
  long hidden;
  float *first, *second;
};

static void forward_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct lstm_context *x = context;
  for (long n = begin; n < end; n++) {
    long at = n * x->hidden;
    ck_loops()->lstm_row(
        x->previous + at, x->gates + 4 * at, x->continuing[n], x->hidden, x->first + at,
        x->second + at);
  }
}

static void backward_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct lstm_context *x = context;
  for (long n = begin; n < end; n++) {
    long at = n * x->hidden;
    ck_loops()->lstm_row_backward(
        x->cell_gradient + at, x->hidden_gradient + at, x->previous + at, x->gates + 4 * at,
        x->continuing[n], x->cell + at, x->hidden, x->first + at, x->second + 4 * at);
  }
}

static long grain(long hidden) { return CK_HEAVY_GRAIN / (4 * (hidden > 0 ? hidden : 1)) + 1; }

void ck_lstm_unit(
    const float *previous, const float *gates, const float *continuing, long batch, long hidden,
    float *cell, float *hidden_state) {
  struct lstm_context x = {.previous = previous, .gates = gates, .continuing = continuing,
                           .hidden = hidden, .first = cell, .second = hidden_state};
  ck_parallel_for(batch, grain(hidden), forward_part, &x);
}

void ck_lstm_unit_backward(
    const float *cell_gradient, const float *hidden_gradient, const float *previous,
    const float *gates, const float *continuing, const float *cell, long batch, long hidden,
    float *previous_gradient, float *gates_gradient) {
  struct lstm_context x = {
      .cell_gradient = cell_gradient, .hidden_gradient = hidden_gradient, .previous = previous,
      .gates = gates, .continuing = continuing, .cell = cell, .hidden = hidden,
      .first = previous_gradient, .second = gates_gradient};
  ck_parallel_for(batch, grain(hidden), backward_part, &x);
}
