/// What both ways of batch normalisation over memory share. Only this module's own files see it.
#pragma once
#include "ck_normalize.h"
#include "dispatch.h"

/// Blobs of a pass, and what it adds to.
struct normalization_pass {
  const struct ck_normalization *n;
  const struct ck_joined_gradient *joined;
  const void *x, *dy, *residual;
  void *y, *dx;
  float *dscale, *dshift;
};

/// Values of a channel.
static inline long normalization_population(const struct ck_normalization *n) {
  return n->outer * n->inner;
}

/// Sets a channel's mean and variance from the sums of x − pivot and of its square. False if the pivot
/// lies so far off that squares have lost digits: then they are wanted around the mean.
bool normalization_settle(
    const struct ck_normalization *n, long channel, float pivot, double total, double square);

/// y = factor·x + shift.
struct normalization_line {
  float factor, shift;
};
struct normalization_line normalization_line(const struct ck_normalization *n, long channel);

/// dx = factor·dy + slope·x + constant.
struct normalization_slope {
  float slope, constant;
};
/// Of a channel with these sums of dy and of dy·(x − mean); adds to the gradients of scale and shift.
struct normalization_slope normalization_slope(
    const struct normalization_pass *p, long channel, double total, double product);

/// Whether the backward pass needs those sums, or a joined gradient, which is written beside them.
bool normalization_sums_gradient(const struct normalization_pass *p);

/// Part of a blob: rows that begin at element `offset`.
struct normalization_stretch {
  long offset;
  struct ck_rows rows;
};

/// Adds the sums that `normalization_settle` takes, by lane.
void normalization_moments(
    const struct normalization_pass *p, const struct normalization_stretch *s, const float *pivot,
    float *totals, float *squares);
/// Writes y.
void normalization_write(
    const struct normalization_pass *p, const struct normalization_stretch *s, const float *factor,
    const float *shift);
/// Adds the sums that `normalization_slope` takes, by lane, and writes a joined gradient.
void normalization_gradient_sums(
    const struct normalization_pass *p, const struct normalization_stretch *s, const float *factor,
    const float *shift, const float *mean, float *totals, float *products);
/// Writes dx.
void normalization_write_gradient(
    const struct normalization_pass *p, const struct normalization_stretch *s, const float *factor,
    const float *shift, const float *slope, const float *constant);

/// The two ways: a thread takes channels whose values lie next to one another through all steps, or, where
/// each channel has one value in a row, rows through each step.
void normalize_channels(const struct normalization_pass *p);
void normalize_channels_backward(const struct normalization_pass *p);
void normalize_rows(const struct normalization_pass *p, float *workspace);
void normalize_rows_backward(const struct normalization_pass *p, float *workspace);
long normalize_rows_workspace(const struct ck_normalization *n);
