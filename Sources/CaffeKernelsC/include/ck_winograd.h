/// Convolutions of 3x3 windows with stride 1 on transformed tiles: Winograd's F(4x4, 3x3), a quarter of
/// the multiplications of a direct convolution (Lavin and Gray 2016, "Fast Algorithms for Convolutional
/// Neural Networks").
///
/// Each tile of 4x4 outputs reads 6x6 inputs. Transformed, tile and filter have 36 places; at each
/// place the tiles, a row of channels each, are multiplied by a matrix. The transforms interpolate at
/// 0, ±5/8, ±3/2 and infinity: all are binary fractions, and rounding errors are about 1.6 times those
/// of a direct convolution (3.6 times with ±1 and ±2).
#pragma once

/// Outputs and inputs along an edge of a tile, and places of a transformed tile.
#define CK_WINOGRAD_TOP 4
#define CK_WINOGRAD_BOTTOM 6
#define CK_WINOGRAD_PLACES 36

/// Where a blob's values lie: floats from one item, one block of `ck_winograd_lanes` channels and one
/// cell to the next. Rows of cells follow one another.
struct ck_cell_order {
  long item, block, cell;
};

/// `[items, groups · inputs, height, width]` to `[items, groups · outputs, top_height, top_width]`.
struct ck_winograd {
  long items, groups;
  /// Channels of one group, multiples of `ck_winograd_lanes`.
  long inputs, outputs;
  long height, width, top_height, top_width, pad_y, pad_x;
  struct ck_cell_order bottom, top;
  /// Among how many threads the tiles are shared, each with working memory of its own.
  long parts;
};

/// Channels that are worked on at once: 8 or 16, by the instruction set.
long ck_winograd_lanes(void);

/// As many parts as there are threads for.
long ck_winograd_parts(const struct ck_winograd *w);

/// Floats of all transformed filters.
long ck_winograd_filter_count(const struct ck_winograd *w);
/// Floats of working memory of `ck_winograd_run`, and of `ck_winograd_gradient`.
long ck_winograd_run_scratch(const struct ck_winograd *w);
long ck_winograd_gradient_scratch(const struct ck_winograd *w);

/// Transforms filters `[groups · outputs, inputs, 3, 3]`.
void ck_winograd_filters(const struct ck_winograd *w, const float *filters, float *transformed);
/// Transforms the filters of the convolution whose bottom's gradient `w` computes: `w` describes the
/// way from the top's gradient (its bottom) to the bottom's (its top), `filters` are
/// `[groups · inputs, outputs, 3, 3]` in its words.
void ck_winograd_turned_filters(
    const struct ck_winograd *w, const float *filters, float *transformed);

/// top ← convolved bottom + bias, negative values times `slope` (1 for none of that).
///
/// `bias` has a value for each output, or is NULL.
void ck_winograd_run(
    const struct ck_winograd *w, const float *bottom, const float *transformed, const float *bias,
    float slope, float *scratch, float *top);

/// Gradients of filters `[groups · outputs, inputs, 3, 3]` and, unless NULL, bias; either is added to
/// or overwritten.
void ck_winograd_gradient(
    const struct ck_winograd *w, const float *bottom, const float *top_gradient, float *scratch,
    int adds_filters, float *filters, int adds_bias, float *bias);
