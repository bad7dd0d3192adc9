#include "ck_winograd.h"

#include <string.h>

#include "ck_parallel.h"
#include "winograd_internal.h"

/// Bytes of transformed tiles that a thread works on between two products, and all threads together.
enum { RUN_BYTES = 1 << 19, GRADIENT_BYTES = 4 << 20 };
/// Bytes of filters that are read for each tile of a thread, and of their gradients for each tile.
enum { RUN_SHARE = 1 << 19, GRADIENT_SHARE = 1 << 18 };

long ck_winograd_lanes(void) { return ck_loops()->vector; }

long ck_winograd_tiles(const struct ck_winograd *w) {
  struct tiling t = tiling(w);
  return w->items * t.rows * t.columns;
}

/// Tiles that are worked on together: as many as `bytes` hold, but enough that a tile's share of
/// reading all filters (or of adding to their gradients) is no more than `share` bytes; all chunks
/// about as large, a multiple of a dozen where there are enough.
static long chunk(const struct ck_winograd *w, long bytes, long share, long tiles) {
  long each = places(w) * (w->inputs + w->outputs) * (long)sizeof(float);
  long filters = places(w) * w->inputs * w->outputs * (long)sizeof(float);
  long most = bytes / each > filters / share ? bytes / each : filters / share;
  long size = ck_quotient(tiles, ck_quotient(tiles, most > 24 ? most : 24));
  return least(ck_quotient(size, 12) * 12, tiles);
}

// Filters

struct filters_context {
  const struct ck_winograd *w;
  struct winograd_filters filters;
  float *transformed;
};

long ck_winograd_filter_count(const struct ck_winograd *w) {
  return w->groups * places(w) * filters_place(w);
}

static void filters_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct filters_context *x = context;
  const struct ck_winograd *w = x->w;
  long place = filters_place(w);
  for (long task = begin; task < end; task++) {
    long input = task % w->inputs, panel = task / w->inputs % panels(w->outputs);
    long group = task / w->inputs / panels(w->outputs);
    transform_filters_row(
        w, x->filters, group, panel, input, place,
        x->transformed + group * places(w) * place + (panel * w->inputs + input) * panel_width());
  }
}

static void transform_filters(
    const struct ck_winograd *w, struct winograd_filters filters, float *transformed) {
  struct filters_context context = {w, filters, transformed};
  ck_parallel_for(
      w->groups * panels(w->outputs) * w->inputs, CK_LIGHT_GRAIN / 1024, filters_part, &context);
}

void ck_winograd_filters(const struct ck_winograd *w, const float *filters, float *transformed) {
  transform_filters(w, (struct winograd_filters){filters, 0}, transformed);
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
  long lanes = ck_winograd_lanes(), width = panel_width();
  long bottom_place = rows_place(x->chunk, w->inputs);
  long top_place = panels_place(x->chunk, w->outputs);
  float *products = v + places(w) * bottom_place;
  for (long input = 0; input < w->inputs; input += lanes)
    transform_bottom(
        w, x->bottom, group, input, first, tiles, bottom_place, filled(w->inputs), v + input);
  const float *filters = x->transformed + group * places(w) * filters_place(w);
  for (long place = 0; place < places(w); place++)
    for (long panel = 0; panel < panels(w->outputs); panel++) {
      struct ck_product product = {
          .rows = tiles, .inner = w->inputs, .a_row = filled(w->inputs), .a_step = 1,
          .b_step = width, .out_row = width,
          .vectors = least(2, ck_quotient(w->outputs - panel * width, lanes))};
      ck_loops()->product(
          &product, v + place * bottom_place,
          filters + place * filters_place(w) + panel * w->inputs * width,
          products + place * top_place + panel * x->chunk * width);
    }
  for (long output = 0; output < w->outputs; output += lanes)
    write_top(
        w, products + output / width * x->chunk * width, group, output, first, tiles, top_place,
        x->bias, x->slope, x->top);
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
  long room = w->groups * filled(w->outputs);
  fill_bias(w, bias, scratch);
  struct run_context context = {
      .w = w, .chunk = run_chunk(w), .part_floats = run_floats(w, run_chunk(w)), .bottom = bottom,
      .transformed = transformed, .bias = scratch, .slope = slope,
      .scratch = scratch + room, .top = top};
  ck_parallel_parts(ck_winograd_tiles(w), w->parts, run_part, &context);
}

long ck_winograd_convolve_scratch(const struct ck_winograd *w) {
  if (winograd_shares_outputs(w)) return winograd_outputs_scratch(w);
  return ck_winograd_filter_count(w) + ck_winograd_run_scratch(w);
}

void ck_winograd_convolve(
    const struct ck_winograd *w, const float *bottom, const float *filters, int turned,
    const float *bias, float slope, float *scratch, float *top) {
  struct winograd_filters plain = {filters, turned};
  if (winograd_shares_outputs(w)) {
    winograd_run_outputs(w, bottom, plain, bias, slope, scratch, top);
    return;
  }
  transform_filters(w, plain, scratch);
  ck_winograd_run(
      w, bottom, scratch, bias, slope, scratch + ck_winograd_filter_count(w), top);
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

/// Panels of inputs whose products with one of outputs are finished at once.
enum { INPUT_PANELS = 4 };

static long gradient_chunk(const struct ck_winograd *w) {
  return chunk(w, GRADIENT_BYTES, GRADIENT_SHARE, ck_winograd_tiles(w));
}

/// Panels of outputs, with some inputs each.
static long gradient_tasks(const struct ck_winograd *w) {
  return panels(w->outputs) * ck_quotient(panels(w->inputs), INPUT_PANELS);
}

static long some_products_place(void) {
  return INPUT_PANELS * panel_width() * panel_width() + SPACING;
}

static long products_floats(const struct ck_winograd *w) {
  if (gradient_chunk(w) < ck_winograd_tiles(w)) return places(w) * filters_place(w);
  return parts(w, gradient_tasks(w)) * places(w) * some_products_place();
}

long ck_winograd_gradient_scratch(const struct ck_winograd *w) {
  long tiles = gradient_chunk(w);
  return places(w) * (panels_place(tiles, w->inputs) + panels_place(tiles, w->outputs)) +
         products_floats(w) + TILE_PARTS * filled(w->outputs);
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

/// Multiplies a panel of the inputs by one of the outputs, at one place: a row of outputs for each
/// input.
static void multiply_panels(
    const struct gradient_context *x, long place, long input, long output, float *out) {
  const struct ck_winograd *w = x->w;
  long width = panel_width();
  struct ck_product product = {
      .rows = least(width, w->inputs - input * width), .inner = x->tiles, .a_row = 1,
      .a_step = width, .b_step = width, .out_row = width,
      .vectors = least(2, ck_quotient(w->outputs - output * width, ck_winograd_lanes())),
      .start = {x->first > 0 ? out : NULL, width, NULL}};
  ck_loops()->product(
      &product, x->v + place * panels_place(x->chunk, w->inputs) + input * x->chunk * width,
      x->z + place * panels_place(x->chunk, w->outputs) + output * x->chunk * width, out);
}

/// Turns the products of an input with a panel of outputs into gradients of their filters.
static void finish_filters(
    const struct gradient_context *x, long input, long panel, const float *products, long place) {
  const struct ck_winograd *w = x->w;
  long lanes = ck_winograd_lanes(), width = panel_width(), taps = w->kernel * w->kernel;
  for (long first = 0; first < least(width, w->outputs - panel * width); first += lanes) {
    long output = panel * width + first;
    ck_loops()->winograd_filter_gradient(
        w->kernel, products + first, place, x->adds_filters, least(lanes, w->outputs - output),
        w->inputs * taps,
        x->filters + ((x->group * w->outputs + output) * w->inputs + input) * taps);
  }
}

static void gradient_products_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct gradient_context *x = context;
  const struct ck_winograd *w = x->w;
  long width = panel_width();
  for (long task = begin; task < end; task++) {
    long place = task / panels(w->outputs), panel = task % panels(w->outputs);
    float *out = x->products + place * filters_place(w) + panel * w->inputs * width;
    for (long input = 0; input < panels(w->inputs); input++)
      multiply_panels(x, place, input, panel, out + input * width * width);
  }
}

static void gradient_filters_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct gradient_context *x = context;
  const struct ck_winograd *w = x->w;
  for (long task = begin; task < end; task++)
    finish_filters(
        x, task % w->inputs, task / w->inputs, x->products + task * panel_width(),
        filters_place(w));
}

/// Where all tiles are transformed at once: multiplies some inputs and outputs at all places, and has
/// done with them.
static void gradient_panels_part(void *context, long part, long begin, long end) {
  const struct gradient_context *x = context;
  const struct ck_winograd *w = x->w;
  long width = panel_width(), place_floats = some_products_place();
  float *products = x->products + part * places(w) * place_floats;
  for (long task = begin; task < end; task++) {
    long panel = task % panels(w->outputs), first = task / panels(w->outputs) * INPUT_PANELS;
    long inputs = least(INPUT_PANELS, panels(w->inputs) - first);
    for (long place = 0; place < places(w); place++)
      for (long i = 0; i < inputs; i++)
        multiply_panels(
            x, place, first + i, panel, products + place * place_floats + i * width * width);
    for (long input = first * width; input < least((first + inputs) * width, w->inputs); input++)
      finish_filters(x, input, panel, products + (input - first * width) * width, place_floats);
  }
}

void ck_winograd_gradient(
    const struct ck_winograd *w, const float *bottom, const float *top_gradient, float *scratch,
    int adds_filters, float *filters, int adds_bias, float *bias) {
  long tiles = ck_winograd_tiles(w), chunk = gradient_chunk(w);
  struct gradient_context x = {
      .w = w, .bottom = bottom, .top = top_gradient, .chunk = chunk, .filters = filters,
      .adds_filters = adds_filters};
  x.v = scratch;
  x.z = x.v + places(w) * panels_place(chunk, w->inputs);
  x.products = x.z + places(w) * panels_place(chunk, w->outputs);
  x.sums = x.products + products_floats(w);
  for (x.group = 0; x.group < w->groups; x.group++) {
    memset(x.sums, 0, sizeof(float) * (size_t)(TILE_PARTS * filled(w->outputs)));
    for (x.first = 0; x.first < tiles; x.first += chunk) {
      x.tiles = least(chunk, tiles - x.first);
      ck_parallel_for(
          TILE_PARTS * (panels(w->inputs) + panels(w->outputs)), 1, gradient_tiles_part, &x);
      if (chunk < tiles)
        ck_parallel_for(places(w) * panels(w->outputs), 1, gradient_products_part, &x);
      else
        ck_parallel_parts(
            gradient_tasks(w), parts(w, gradient_tasks(w)), gradient_panels_part, &x);
    }
    if (chunk < tiles)
      ck_parallel_for(
          panels(w->outputs) * w->inputs, CK_LIGHT_GRAIN / 1024, gradient_filters_part, &x);
    for (long k = 0; bias && k < w->outputs; k++) {
      float *sum = bias + x.group * w->outputs + k;
      if (!adds_bias) *sum = 0;
      for (long i = 0; i < TILE_PARTS; i++) *sum += x.sums[i * filled(w->outputs) + k];
    }
  }
}
