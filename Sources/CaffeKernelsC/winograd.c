#include "ck_winograd.h"

#include <string.h>

#include "ck_parallel.h"
#include "dispatch.h"

/// Floats that keep the places of a tile off the same lines of the cache.
enum { SPACING = 16 };
/// Bytes of transformed tiles that a thread works on between two products, and all threads together.
enum { RUN_BYTES = 1 << 19, GRADIENT_BYTES = 4 << 20 };
/// Bytes of filters that are read for each tile of a thread, and of their gradients for each tile.
enum { RUN_SHARE = 1 << 19, GRADIENT_SHARE = 1 << 18 };

static long least(long a, long b) { return a < b ? a : b; }

long ck_winograd_lanes(void) { return ck_loops()->vector; }

/// Of a transformed tile.
static long places(const struct ck_winograd *w) {
  return CK_WINOGRAD_EDGE(w->kernel) * CK_WINOGRAD_EDGE(w->kernel);
}

/// Channels in whole vectors.
static long filled(long channels) {
  long lanes = ck_winograd_lanes();
  return ck_quotient(channels, lanes) * lanes;
}

/// Channels of a panel: two vectors.
static long panel_width(void) { return 2 * ck_winograd_lanes(); }
static long panels(long channels) { return ck_quotient(channels, panel_width()); }

/// Floats from one place to the next: of tiles by channels, of channels in panels.
static long rows_place(long tiles, long channels) { return tiles * filled(channels) + SPACING; }
static long panels_place(long rows, long channels) {
  return rows * panels(channels) * panel_width() + SPACING;
}

static long filters_place(const struct ck_winograd *w) { return panels_place(w->inputs, w->outputs); }

/// The tiles of an image.
struct tiling {
  long rows, columns;
};

static struct tiling tiling(const struct ck_winograd *w) {
  return (struct tiling){
      ck_quotient(w->top_height, CK_WINOGRAD_TOP), ck_quotient(w->top_width, CK_WINOGRAD_TOP)};
}

long ck_winograd_tiles(const struct ck_winograd *w) {
  struct tiling t = tiling(w);
  return w->items * t.rows * t.columns;
}

/// Tiles that are worked on together: as many as `bytes` hold, but enough that a tile's share of reading
/// all filters (or of adding to their gradients) is no more than `share` bytes; all chunks about as large,
/// a multiple of a dozen where there are enough.
static long chunk(const struct ck_winograd *w, long bytes, long share, long tiles) {
  long each = places(w) * (w->inputs + w->outputs) * (long)sizeof(float);
  long filters = places(w) * w->inputs * w->outputs * (long)sizeof(float);
  long most = bytes / each > filters / share ? bytes / each : filters / share;
  long size = ck_quotient(tiles, ck_quotient(tiles, most > 24 ? most : 24));
  return least(ck_quotient(size, 12) * 12, tiles);
}

/// Channels of a block that begins with the one of that number.
static long block_lanes(const struct ck_cell_order *order, long channels, long first) {
  long lanes = ck_winograd_lanes();
  return order->is_padded ? lanes : least(lanes, channels - first);
}

/// A tile of the bottom or, without the cells around, of the top.
static struct ck_tile tile_at(
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

// Filters

struct filters_context {
  const struct ck_winograd *w;
  const float *filters;
  float *transformed;
  int turned;
};

long ck_winograd_filter_count(const struct ck_winograd *w) {
  return w->groups * places(w) * filters_place(w);
}

/// The lanes of a panel for one input.
static void filters_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct filters_context *x = context;
  const struct ck_winograd *w = x->w;
  long lanes = ck_winograd_lanes(), width = panel_width(), place = filters_place(w);
  long taps = w->kernel * w->kernel;
  for (long task = begin; task < end; task++) {
    long input = task % w->inputs, panel = task / w->inputs % panels(w->outputs);
    long group = task / w->inputs / panels(w->outputs);
    float *out = x->transformed + group * places(w) * place +
                 (panel * w->inputs + input) * width;
    for (long first = 0; first < least(width, w->outputs - panel * width); first += lanes) {
      long output = panel * width + first;
      long index = x->turned ? (group * w->inputs + input) * w->outputs + output
                             : (group * w->outputs + output) * w->inputs + input;
      ck_loops()->winograd_filter(
          w->kernel, x->filters + index * taps, least(lanes, w->outputs - output),
          x->turned ? taps : w->inputs * taps, x->turned, place, out + first);
    }
  }
}

static void transform_filters(
    const struct ck_winograd *w, const float *filters, int turned, float *transformed) {
  struct filters_context context = {w, filters, transformed, turned};
  ck_parallel_for(
      w->groups * panels(w->outputs) * w->inputs, CK_LIGHT_GRAIN / 1024, filters_part, &context);
}

void ck_winograd_filters(const struct ck_winograd *w, const float *filters, float *transformed) {
  transform_filters(w, filters, 0, transformed);
}

void ck_winograd_turned_filters(
    const struct ck_winograd *w, const float *filters, float *transformed) {
  transform_filters(w, filters, 1, transformed);
}

// Forward: each thread has tiles of its own.

struct run_context {
  const struct ck_winograd *w;
  long chunk, part_floats;
  const float *bottom, *transformed, *bias;
  float slope;
  float *scratch, *top;
};

long ck_winograd_parts(const struct ck_winograd *w) { return ck_parts(ck_winograd_tiles(w), 1); }

static long run_chunk(const struct ck_winograd *w) {
  return chunk(w, RUN_BYTES, RUN_SHARE, ck_quotient(ck_winograd_tiles(w), w->parts));
}

/// Floats of one thread's tiles.
static long run_floats(const struct ck_winograd *w, long chunk) {
  return places(w) * (rows_place(chunk, w->inputs) + panels_place(chunk, w->outputs));
}

long ck_winograd_run_scratch(const struct ck_winograd *w) {
  return w->groups * filled(w->outputs) + w->parts * run_floats(w, run_chunk(w));
}

static void run_tiles(const struct run_context *x, long group, long first, long tiles, float *v) {
  const struct ck_winograd *w = x->w;
  const struct ck_loops *loops = ck_loops();
  long lanes = ck_winograd_lanes(), width = panel_width(), item;
  long bottom_place = rows_place(x->chunk, w->inputs);
  long top_place = panels_place(x->chunk, w->outputs);
  float *products = v + places(w) * bottom_place;
  for (long c = 0; c < w->inputs; c += lanes)
    for (long i = 0; i < tiles; i++) {
      struct ck_tile tile = tile_at(w, 1, first + i, &item);
      tile.lanes = block_lanes(&w->bottom, w->inputs, c);
      loops->winograd_bottom(
          w->kernel, &tile,
          x->bottom + item * w->bottom.item + group * w->bottom.group + c / lanes * w->bottom.block,
          bottom_place, v + i * filled(w->inputs) + c);
    }
  const float *filters = x->transformed + group * places(w) * filters_place(w);
  for (long place = 0; place < places(w); place++)
    for (long panel = 0; panel < panels(w->outputs); panel++) {
      struct ck_winograd_product product = {
          .rows = tiles, .inner = w->inputs, .a_row = filled(w->inputs), .a_step = 1,
          .out_row = width,
          .vectors = least(2, ck_quotient(w->outputs - panel * width, lanes))};
      loops->winograd_product(
          &product, v + place * bottom_place,
          filters + place * filters_place(w) + panel * w->inputs * width,
          products + place * top_place + panel * x->chunk * width);
    }
  for (long k = 0; k < w->outputs; k += lanes)
    for (long i = 0; i < tiles; i++) {
      struct ck_tile tile = tile_at(w, 0, first + i, &item);
      tile.lanes = block_lanes(&w->top, w->outputs, k);
      loops->winograd_top(
          w->kernel, &tile, products + (k / width * x->chunk + i) * width + k % width, top_place,
          x->bias + group * filled(w->outputs) + k, x->slope,
          x->top + item * w->top.item + group * w->top.group + k / lanes * w->top.block);
    }
}

static void run_part(void *context, long part, long begin, long end) {
  const struct run_context *x = context;
  for (long group = 0; group < x->w->groups; group++)
    for (long first = begin; first < end; first += x->chunk)
      run_tiles(
          x, group, first, least(x->chunk, end - first), x->scratch + part * x->part_floats);
}

void ck_winograd_run(
    const struct ck_winograd *w, const float *bottom, const float *transformed, const float *bias,
    float slope, float *scratch, float *top) {
  long room = filled(w->outputs);
  memset(scratch, 0, sizeof(float) * (size_t)(w->groups * room));
  for (long k = 0; bias && k < w->groups * w->outputs; k++)
    scratch[k / w->outputs * room + k % w->outputs] = bias[k];
  struct run_context context = {
      .w = w, .chunk = run_chunk(w), .part_floats = run_floats(w, run_chunk(w)), .bottom = bottom,
      .transformed = transformed, .bias = scratch, .slope = slope,
      .scratch = scratch + w->groups * room, .top = top};
  ck_parallel_parts(ck_winograd_tiles(w), w->parts, run_part, &context);
}

// Gradients of filters: all threads transform the same tiles, then each multiplies at places of its own.

struct gradient_context {
  const struct ck_winograd *w;
  const float *bottom, *top;
  long group, chunk, first, tiles;
  float *v, *z, *sums, *products, *filters;
  int adds_filters;
};

/// Parts of a chunk's tiles that are transformed by themselves, and whose sums are joined in order.
enum { TILE_PARTS = 4 };

static long gradient_chunk(const struct ck_winograd *w) {
  return chunk(w, GRADIENT_BYTES, GRADIENT_SHARE, ck_winograd_tiles(w));
}

long ck_winograd_gradient_scratch(const struct ck_winograd *w) {
  long tiles = gradient_chunk(w);
  return places(w) * (panels_place(tiles, w->inputs) + panels_place(tiles, w->outputs) +
                      filters_place(w)) +
         TILE_PARTS * filled(w->outputs);
}

/// A panel of the bottom's channels, or after those of the top's, and a part of the tiles.
static void gradient_tiles_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct gradient_context *x = context;
  const struct ck_winograd *w = x->w;
  const struct ck_loops *loops = ck_loops();
  long lanes = ck_winograd_lanes(), width = panel_width(), item;
  long bottom_place = panels_place(x->chunk, w->inputs);
  long top_place = panels_place(x->chunk, w->outputs);
  for (long task = begin; task < end; task++) {
    long panel = task / TILE_PARTS, which = task % TILE_PARTS;
    int is_bottom = panel < panels(w->inputs);
    if (!is_bottom) panel -= panels(w->inputs);
    const struct ck_cell_order *order = is_bottom ? &w->bottom : &w->top;
    long channels = is_bottom ? w->inputs : w->outputs, first = panel * width;
    long block = x->group * order->group + first / lanes * order->block;
    float *sums = x->sums + which * filled(w->outputs) + first;
    for (long i = x->tiles * which / TILE_PARTS; i < x->tiles * (which + 1) / TILE_PARTS; i++) {
      struct ck_tile tile = tile_at(w, is_bottom, x->first + i, &item);
      const float *plane = (is_bottom ? x->bottom : x->top) + item * order->item + block;
      long start = (panel * x->chunk + i) * width;
      for (long c = 0; c < least(width, channels - first); c += lanes, plane += order->block) {
        tile.lanes = block_lanes(order, channels, first + c);
        if (is_bottom)
          loops->winograd_bottom(w->kernel, &tile, plane, bottom_place, x->v + start + c);
        else
          loops->winograd_top_gradient(
              w->kernel, &tile, plane, top_place, x->z + start + c, sums + c);
      }
    }
  }
}

static void gradient_products_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct gradient_context *x = context;
  const struct ck_winograd *w = x->w;
  long lanes = ck_winograd_lanes(), width = panel_width(), size = x->chunk * width;
  for (long task = begin; task < end; task++) {
    long place = task / panels(w->outputs), panel = task % panels(w->outputs);
    const float *z = x->z + place * panels_place(x->chunk, w->outputs) + panel * size;
    const float *v = x->v + place * panels_place(x->chunk, w->inputs);
    float *out = x->products + place * filters_place(w) + panel * w->inputs * width;
    for (long c = 0; c < w->inputs; c += width, v += size, out += width * width) {
      struct ck_winograd_product product = {
          .rows = least(width, w->inputs - c), .inner = x->tiles, .a_row = 1, .a_step = width,
          .out_row = width, .vectors = least(2, ck_quotient(w->outputs - panel * width, lanes)),
          .adds = x->first > 0};
      ck_loops()->winograd_product(&product, v, z, out);
    }
  }
}

static void gradient_filters_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct gradient_context *x = context;
  const struct ck_winograd *w = x->w;
  long width = panel_width(), taps = w->kernel * w->kernel;
  for (long task = begin; task < end; task++) {
    long output = task / w->inputs * ck_winograd_lanes(), input = task % w->inputs;
    ck_loops()->winograd_filter_gradient(
        w->kernel, x->products + (output / width * w->inputs + input) * width + output % width,
        filters_place(w), x->adds_filters, least(ck_winograd_lanes(), w->outputs - output),
        w->inputs * taps,
        x->filters + ((x->group * w->outputs + output) * w->inputs + input) * taps);
  }
}

void ck_winograd_gradient(
    const struct ck_winograd *w, const float *bottom, const float *top_gradient, float *scratch,
    int adds_filters, float *filters, int adds_bias, float *bias) {
  long lanes = ck_winograd_lanes(), tiles = ck_winograd_tiles(w), chunk = gradient_chunk(w);
  struct gradient_context x = {
      .w = w, .bottom = bottom, .top = top_gradient, .chunk = chunk, .filters = filters,
      .adds_filters = adds_filters};
  x.v = scratch;
  x.z = x.v + places(w) * panels_place(chunk, w->inputs);
  x.products = x.z + places(w) * panels_place(chunk, w->outputs);
  x.sums = x.products + places(w) * filters_place(w);
  for (x.group = 0; x.group < w->groups; x.group++) {
    memset(x.sums, 0, sizeof(float) * (size_t)(TILE_PARTS * filled(w->outputs)));
    for (x.first = 0; x.first < tiles; x.first += chunk) {
      x.tiles = least(chunk, tiles - x.first);
      ck_parallel_for(
          TILE_PARTS * (panels(w->inputs) + panels(w->outputs)), 1, gradient_tiles_part, &x);
      ck_parallel_for(
          places(w) * panels(w->outputs), 1, gradient_products_part, &x);
    }
    ck_parallel_for(
        filled(w->outputs) / lanes * w->inputs, CK_LIGHT_GRAIN / 1024, gradient_filters_part, &x);
    for (long k = 0; bias && k < w->outputs; k++) {
      float *sum = bias + x.group * w->outputs + k;
      if (!adds_bias) *sum = 0;
      for (long i = 0; i < TILE_PARTS; i++) *sum += x.sums[i * filled(w->outputs) + k];
    }
  }
}
