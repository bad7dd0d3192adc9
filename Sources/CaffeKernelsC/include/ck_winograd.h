/// Convolutions of 3x3 and 5x5 windows with stride 1 on transformed tiles of 4x4 outputs: Winograd's
/// F(4x4, 3x3), with 36 multiplications for 144, and F(4x4, 5x5), with 64 for 400 (Lavin and Gray 2016,
/// "Fast Algorithms for Convolutional Neural Networks").
///
/// Transformed, tile and filter have 36 or 64 places; at each place the tiles, a row of channels each, are
/// multiplied by a matrix. The transforms interpolate at 0, ±5/8, ±3/2 and infinity, for 5x5 at 0, ±1/2,
/// ±1, ±2 and infinity: all are binary fractions. Rounding errors are 1.6 times those of a direct
/// convolution for 3x3 (3.6 times with ±1 and ±2), and 4 times for 5x5.
#pragma once

/// Outputs along an edge of a tile.
#define CK_WINOGRAD_TOP 4
/// Inputs along an edge, for windows of `kernel` by `kernel` cells, and the most of them.
#define CK_WINOGRAD_EDGE(kernel) ((kernel) + CK_WINOGRAD_TOP - 1)
#define CK_WINOGRAD_MOST_EDGE 8
#define CK_WINOGRAD_MOST_PLACES (CK_WINOGRAD_MOST_EDGE * CK_WINOGRAD_MOST_EDGE)

/// Where a blob's values lie: floats from one item, one group, one block of `ck_winograd_lanes` channels
/// and one cell to the next. Rows of cells follow one another.
struct ck_cell_order {
  long item, group, block, cell;
  /// The last block of a group is filled up with zeros, rather than followed by other cells.
  int is_padded;
};

/// `[items, groups · inputs, height, width]` to `[items, groups · outputs, top_height, top_width]`.
struct ck_winograd {
  long items, groups;
  /// The edge of a window: 3 or 5.
  long kernel;
  /// Channels of one group.
  long inputs, outputs;
  long height, width, top_height, top_width, pad_y, pad_x;
  struct ck_cell_order bottom, top;
  /// Among how many threads work is shared at most, each with working memory of its own.
  long parts;
};

/// Channels that are worked on at once: 8 or 16, by the instruction set.
long ck_winograd_lanes(void);

/// Tiles of all items.
long ck_winograd_tiles(const struct ck_winograd *w);
/// As many parts as there are threads for.
long ck_winograd_parts(const struct ck_winograd *w);

/// top ← convolved bottom + bias, negative values times `slope` (1 for none of that).
///
/// `filters` are `[groups · outputs, inputs, kernel, kernel]`. If `turned`, `w` describes the way from a
/// convolution's top's gradient (its bottom) to its bottom's (its top), and they are that
/// convolution's: `[groups · inputs, outputs, kernel, kernel]` in the words of `w`. `bias` has a value
/// for each output, or is NULL.
void ck_winograd_convolve(
    const struct ck_winograd *w, const float *bottom, const float *filters, int turned,
    const float *bias, float slope, float *scratch, float *top);

/// Floats of all transformed filters.
long ck_winograd_filter_count(const struct ck_winograd *w);
/// Transforms filters, for more than one run.
void ck_winograd_filters(const struct ck_winograd *w, const float *filters, float *transformed);
/// As `ck_winograd_convolve`, of transformed filters.
void ck_winograd_run(
    const struct ck_winograd *w, const float *bottom, const float *transformed, const float *bias,
    float slope, float *scratch, float *top);

/// Floats of working memory of `ck_winograd_convolve`, `ck_winograd_run` and `ck_winograd_gradient`.
long ck_winograd_convolve_scratch(const struct ck_winograd *w);
long ck_winograd_run_scratch(const struct ck_winograd *w);
long ck_winograd_gradient_scratch(const struct ck_winograd *w);

/// Gradients of filters `[groups · outputs, inputs, kernel, kernel]` and, unless NULL, bias; either is
/// added to or overwritten.
void ck_winograd_gradient(
    const struct ck_winograd *w, const float *bottom, const float *top_gradient, float *scratch,
    int adds_filters, float *filters, int adds_bias, float *bias);
