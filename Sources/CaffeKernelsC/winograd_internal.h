/// What the two files of convolutions on tiles share.
#pragma once
#include <string.h>

#include "ck_winograd.h"
#include "dispatch.h"

/// Floats that keep the places of a tile off the same lines of the cache.
enum { SPACING = 16 };

/// Of a transformed tile.
static inline long places(const struct ck_winograd *w) {
  return CK_WINOGRAD_EDGE(w->kernel) * CK_WINOGRAD_EDGE(w->kernel);
}

/// Channels in whole vectors.
static inline long filled(long channels) {
  long lanes = ck_winograd_lanes();
  return ck_quotient(channels, lanes) * lanes;
}

/// Channels of a panel: two vectors.
static inline long panel_width(void) { return 2 * ck_winograd_lanes(); }
static inline long panels(long channels) { return ck_quotient(channels, panel_width()); }

/// Floats from one place to the next: of tiles by channels, of channels in panels.
static inline long rows_place(long tiles, long channels) {
  return tiles * filled(channels) + SPACING;
}
static inline long panels_place(long rows, long channels) {
  return rows * panels(channels) * panel_width() + SPACING;
}

static inline long filters_place(const struct ck_winograd *w) {
  return panels_place(w->inputs, w->outputs);
}

/// Among how many threads, each with working memory of its own, so many tasks are shared.
static inline long parts(const struct ck_winograd *w, long tasks) { return least(w->parts, tasks); }

/// The tiles of an image.
struct tiling {
  long rows, columns;
};

static inline struct tiling tiling(const struct ck_winograd *w) {
  return (struct tiling){
      ck_quotient(w->top_height, CK_WINOGRAD_TOP), ck_quotient(w->top_width, CK_WINOGRAD_TOP)};
}

/// Channels of a block that begins with the one of that number.
static inline long block_lanes(const struct ck_cell_order *order, long channels, long first) {
  long lanes = ck_winograd_lanes();
  return order->is_padded ? lanes : least(lanes, channels - first);
}

/// A tile of the bottom or, without the cells around, of the top.
static inline struct ck_tile tile_at(
    const struct ck_winograd *w, int is_bottom, long index, long *item) {
  struct tiling t = tiling(w);
  *item = index / (t.rows * t.columns);
  long y = index / t.columns % t.rows * CK_WINOGRAD_TOP, x = index % t.columns * CK_WINOGRAD_TOP;
  if (!is_bottom)
    return (struct ck_tile){
        .height = w->top_height, .width = w->top_width, .cell = w->top.cell, .y = y, .x = x};
  return (struct ck_tile){
      .height = w->height, .width = w->width, .cell = w->bottom.cell, .y = y - w->pad_y,
      .x = x - w->pad_x};
}

/// The bias of each group in whole vectors; zeros without one.
static inline void fill_bias(const struct ck_winograd *w, const float *bias, float *out) {
  long room = filled(w->outputs);
  memset(out, 0, sizeof(float) * (size_t)(w->groups * room));
  for (long k = 0; bias && k < w->groups * w->outputs; k++)
    out[k / w->outputs * room + k % w->outputs] = bias[k];
}

/// Plain filters and the way from them to transformed ones.
struct winograd_filters {
  const float *values;
  /// Of the convolution whose bottom's gradient is computed.
  int turned;
};

/// Transforms the filters from an input of a group to the outputs of a panel; a row of the panel at
/// each place.
static inline void transform_filters_row(
    const struct ck_winograd *w, struct winograd_filters filters, long group, long panel,
    long input, long place, float *out) {
  long lanes = ck_winograd_lanes(), width = panel_width(), taps = w->kernel * w->kernel;
  for (long first = 0; first < least(width, w->outputs - panel * width); first += lanes) {
    long output = panel * width + first;
    long index = filters.turned ? (group * w->inputs + input) * w->outputs + output
                                : (group * w->outputs + output) * w->inputs + input;
    ck_loops()->winograd_filter(
        w->kernel, filters.values + index * taps, least(lanes, w->outputs - output),
        filters.turned ? taps : w->inputs * taps, filters.turned, place, out + first);
  }
}

/// Transforms `tiles` tiles of the block of a group's inputs that begins with `input`, `row` floats
/// apart at each place.
static inline void transform_bottom(
    const struct ck_winograd *w, const float *bottom, long group, long input, long first,
    long tiles, long place, long row, float *out) {
  const float *block =
      bottom + group * w->bottom.group + input / ck_winograd_lanes() * w->bottom.block;
  for (long i = 0; i < tiles; i++) {
    long item;
    struct ck_tile tile = tile_at(w, 1, first + i, &item);
    tile.lanes = block_lanes(&w->bottom, w->inputs, input);
    ck_loops()->winograd_bottom(
        w->kernel, &tile, block + item * w->bottom.item, place, out + i * row);
  }
}

/// Makes the outputs of a block, which begins with `output`, of products in rows of a panel.
static inline void write_top(
    const struct ck_winograd *w, const float *products, long group, long output, long first,
    long tiles, long place, const float *bias, float slope, float *top) {
  float *block = top + group * w->top.group + output / ck_winograd_lanes() * w->top.block;
  for (long i = 0; i < tiles; i++) {
    long item;
    struct ck_tile tile = tile_at(w, 0, first + i, &item);
    tile.lanes = block_lanes(&w->top, w->outputs, output);
    ck_loops()->winograd_top(
        w->kernel, &tile, products + i * panel_width() + output % panel_width(), place,
        bias + group * filled(w->outputs) + output, slope, block + item * w->top.item);
  }
}

/// Whether there are so few tiles and so many filters that `winograd_run_outputs` is faster.
int winograd_shares_outputs(const struct ck_winograd *w);
/// Floats of its working memory.
long winograd_outputs_scratch(const struct ck_winograd *w);
/// `ck_winograd_convolve` by threads that share the outputs rather than the tiles, and transform the
/// filters that they need.
void winograd_run_outputs(
    const struct ck_winograd *w, const float *bottom, struct winograd_filters filters,
    const float *bias, float slope, float *scratch, float *top);
