/// One time step of an LSTM: gates `[batch, 4, hidden]` in the order input, forget, output, new, cell
/// and hidden states `[batch, hidden]`, `continuing[batch]` 0 where a sequence starts.
#pragma once
#include "ck_columns.h"

/// With i, f, o the sigmoids and g the tanh of the gates' inputs, f multiplied by continuing:
/// cell = f·previous + i·g; hidden = o·tanh(cell), of some columns of `[batch, hidden]`.
void ck_lstm_unit(
    const struct ck_columns *units, const float *previous, const float *gates,
    const float *continuing, float *cell, float *hidden);

/// The gradients of the gates' inputs and of the previous cell.
void ck_lstm_unit_backward(
    const struct ck_columns *units, const float *cell_gradient, const float *hidden_gradient,
    const float *previous, const float *gates, const float *continuing, const float *cell,
    float *previous_gradient, float *gates_gradient);
