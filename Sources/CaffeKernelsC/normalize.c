#include <math.h>
#include <stddef.h>

#include "normalize_internal.h"

bool normalization_settle(
    const struct ck_normalization *n, long channel, float pivot, double total, double square) {
  double population = (double)normalization_population(n);
  double offset = total / population;
  double variance = square / population - offset * offset;
  n->mean[channel] = (float)((double)pivot + offset);
  n->variance[channel] = (float)(variance < 0 ? 0 : variance);
  return offset * offset <= 4 * variance;
}

static float inverse_deviation(const struct ck_normalization *n, long channel) {
  return (float)(1 / sqrt((double)n->variance[channel] + (double)n->eps));
}

struct normalization_line normalization_line(const struct ck_normalization *n, long channel) {
  float factor = inverse_deviation(n, channel) * (n->scale ? n->scale[channel] : 1);
  return (struct normalization_line){
      factor, (n->shift ? n->shift[channel] : 0) - n->mean[channel] * factor};
}

struct normalization_slope normalization_slope(
    const struct normalization_pass *p, long channel, double total, double product) {
  const struct ck_normalization *n = p->n;
  double inverse = (double)inverse_deviation(n, channel);
  if (p->dscale) p->dscale[channel] += (float)(product * inverse);
  if (p->dshift) p->dshift[channel] += (float)total;
  if (n->given) return (struct normalization_slope){0, 0};
  double factor = (double)normalization_line(n, channel).factor;
  double population = (double)normalization_population(n);
  double slope = -factor * inverse * inverse * product / population;
  double constant = -factor * total / population;
  return (struct normalization_slope){
      (float)slope, (float)(constant - slope * (double)n->mean[channel])};
}

bool normalization_sums_gradient(const struct normalization_pass *p) {
  return !p->n->given || p->dscale || p->dshift || p->joined;
}

/// Where the stretch begins in a blob; NULL in none.
static void *begin_of(const struct normalization_stretch *s, const void *values) {
  return values ? (char *)values + ck_bytes(s->offset, s->rows.rounded) : NULL;
}

void normalization_moments(
    const struct normalization_pass *p, const struct normalization_stretch *s, const float *pivot,
    float *totals, float *squares) {
  ck_loops()->lane_moments(begin_of(s, p->x), pivot, &s->rows, totals, squares);
}

void normalization_write(
    const struct normalization_pass *p, const struct normalization_stretch *s, const float *factor,
    const float *shift) {
  const void *x = begin_of(s, p->x);
  void *y = begin_of(s, p->y);
  if (p->residual)
    ck_loops()->lane_normalize_add(
        x, begin_of(s, p->residual), factor, shift, p->n->floor, &s->rows, y);
  else
    ck_loops()->lane_normalize(x, factor, shift, p->n->floor, &s->rows, y);
}

void normalization_gradient_sums(
    const struct normalization_pass *p, const struct normalization_stretch *s, const float *factor,
    const float *shift, const float *mean, float *totals, float *products) {
  const struct ck_joined_gradient *g = p->joined;
  const void *x = begin_of(s, p->x);
  if (g)
    ck_loops()->lane_join_gradients(
        begin_of(s, g->sum), begin_of(s, g->other), begin_of(s, g->y), x, mean, &s->rows, totals,
        products);
  else
    ck_loops()->lane_gradient_sums(
        begin_of(s, p->dy), x, factor, shift, p->n->floor, mean, &s->rows, totals, products);
}

void normalization_write_gradient(
    const struct normalization_pass *p, const struct normalization_stretch *s, const float *factor,
    const float *shift, const float *slope, const float *constant) {
  // The floor of a joined gradient is that of the sum and has been minded there.
  float floor = p->joined ? -INFINITY : p->n->floor;
  ck_loops()->lane_normalize_backward(
      begin_of(s, p->dy), begin_of(s, p->x), factor, shift, floor, factor, slope, constant,
      &s->rows, begin_of(s, p->dx));
}

long ck_normalize_workspace(const struct ck_normalization *n) {
  return n->inner == 1 ? normalize_rows_workspace(n) : 0;
}

static void backward(const struct normalization_pass *p, float *workspace) {
  if (p->n->inner == 1)
    normalize_rows_backward(p, workspace);
  else
    normalize_channels_backward(p);
}

void ck_normalize(
    const struct ck_normalization *n, const void *x, const void *residual, float *workspace,
    void *y) {
  struct normalization_pass p = {.n = n, .x = x, .residual = residual, .y = y};
  if (n->inner == 1)
    normalize_rows(&p, workspace);
  else
    normalize_channels(&p);
}

void ck_normalize_backward(
    const struct ck_normalization *n, const void *dy, const void *x, float *workspace, void *dx,
    float *dscale, float *dshift) {
  struct normalization_pass p = {
      .n = n, .x = x, .dy = dy, .dx = dx, .dscale = dscale, .dshift = dshift};
  backward(&p, workspace);
}

void ck_normalize_joined_backward(
    const struct ck_normalization *n, const struct ck_joined_gradient *joined, const void *x,
    float *workspace, void *dx, float *dscale, float *dshift) {
  struct normalization_pass p = {.n = n, .joined = joined, .x = x, .dy = joined->sum, .dx = dx,
                                 .dscale = dscale, .dshift = dshift};
  backward(&p, workspace);
}
