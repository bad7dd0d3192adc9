// Few tiles and large filters: all tiles are transformed first, then each thread makes some of the
// outputs and transforms the filters that it needs as it goes. Transformed filters are never in memory
// as a whole, where writing and reading them would take longer than the products.

#include "ck_parallel.h"
#include "winograd_internal.h"

/// The least filters, transformed, in bytes, and the most tiles: all tiles are read for each panel.
enum { LEAST_FILTERS = 16 << 20, MOST_TILES = 160 };
/// Inputs whose tiles lie together, and whose filters to a panel are transformed at once.
enum { INPUTS = 128 };

struct outputs_context {
  const struct ck_winograd *w;
  struct winograd_filters filters;
  long group, part_floats;
  const float *bottom, *bias;
  float slope;
  float *v, *rooms, *top;
};

/// Floats from one place to the next: of all tiles, of some filters to a panel, of a panel's
/// products.
static long bottom_place(const struct ck_winograd *w) {
  return ck_winograd_tiles(w) * ck_quotient(w->inputs, INPUTS) * INPUTS + SPACING;
}
static long some_filters_place(void) { return INPUTS * panel_width() + SPACING; }
static long products_place(const struct ck_winograd *w) {
  return ck_winograd_tiles(w) * panel_width() + SPACING;
}

/// Floats of a thread's filters and products.
static long part_floats(const struct ck_winograd *w) {
  return places(w) * (some_filters_place() + products_place(w));
}

static long bottom_floats(const struct ck_winograd *w) { return places(w) * bottom_place(w); }

int winograd_shares_outputs(const struct ck_winograd *w) {
  long bytes = places(w) * filters_place(w) * (long)sizeof(float);
  return bytes >= LEAST_FILTERS && ck_winograd_tiles(w) <= MOST_TILES;
}

long winograd_outputs_scratch(const struct ck_winograd *w) {
  return w->groups * filled(w->outputs) + bottom_floats(w) +
         parts(w, panels(w->outputs)) * part_floats(w);
}

static void bottoms_part(void *context, long part, long begin, long end) {
  (void)part;
  const struct outputs_context *x = context;
  const struct ck_winograd *w = x->w;
  long lanes = ck_winograd_lanes(), tiles = ck_winograd_tiles(w);
  for (long input = begin * lanes; input < end * lanes; input += lanes)
    transform_bottom(
        w, x->bottom, x->group, input, 0, tiles, bottom_place(w), INPUTS,
        x->v + input / INPUTS * INPUTS * tiles + input % INPUTS);
}

/// products ← products + tiles · filters, for the inputs from `first` on.
static void multiply_inputs(
    const struct outputs_context *x, long panel, long first, float *filters, float *products) {
  const struct ck_winograd *w = x->w;
  long width = panel_width(), tiles = ck_winograd_tiles(w);
  long count = least(INPUTS, w->inputs - first);
  for (long i = 0; i < count; i++)
    transform_filters_row(
        w, x->filters, x->group, panel, first + i, some_filters_place(), filters + i * width);
  struct ck_product product = {
      .rows = tiles, .inner = count, .a_row = INPUTS, .a_step = 1, .b_step = width, .out_row = width,
      .vectors = least(2, ck_quotient(w->outputs - panel * width, ck_winograd_lanes()))};
  for (long place = 0; place < places(w); place++) {
    float *out = products + place * products_place(w);
    product.start = (struct ck_start){first > 0 ? out : NULL, width, NULL};
    ck_loops()->product(
        &product, x->v + place * bottom_place(w) + first * tiles,
        filters + place * some_filters_place(), out);
  }
}

static void panels_part(void *context, long part, long begin, long end) {
  const struct outputs_context *x = context;
  const struct ck_winograd *w = x->w;
  long width = panel_width();
  float *filters = x->rooms + part * x->part_floats;
  float *products = filters + places(w) * some_filters_place();
  for (long panel = begin; panel < end; panel++) {
    for (long first = 0; first < w->inputs; first += INPUTS)
      multiply_inputs(x, panel, first, filters, products);
    for (long output = panel * width; output < least((panel + 1) * width, w->outputs);
         output += ck_winograd_lanes())
      write_top(
          w, products, x->group, output, 0, ck_winograd_tiles(w), products_place(w), x->bias,
          x->slope, x->top);
  }
}

void winograd_run_outputs(
    const struct ck_winograd *w, const float *bottom, struct winograd_filters filters,
    const float *bias, float slope, float *scratch, float *top) {
  long room = w->groups * filled(w->outputs);
  struct outputs_context x = {
      .w = w, .filters = filters, .part_floats = part_floats(w), .bottom = bottom,
      .bias = scratch, .slope = slope, .v = scratch + room,
      .rooms = scratch + room + bottom_floats(w), .top = top};
  fill_bias(w, bias, scratch);
  for (x.group = 0; x.group < w->groups; x.group++) {
    ck_parallel_for(ck_quotient(w->inputs, ck_winograd_lanes()), 1, bottoms_part, &x);
    ck_parallel_parts(panels(w->outputs), parts(w, panels(w->outputs)), panels_part, &x);
  }
}
