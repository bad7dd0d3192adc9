/// Unfolding of windows into columns, for convolutions of any number of spatial axes.
#pragma once

/// Most spatial axes of a convolution.
#define CK_MAX_AXES 32

/// Extents of a convolution's windows: `axes` (at least 2; prepend axes of extent 1) values in each
/// array, outermost axis first.
struct ck_windows {
  long axes;
  const long *input, *kernel, *stride, *pad, *dilation, *output;
};

/// Unfolds `images` images `[channels, input…]` into a matrix of `channels·∏kernel` rows:
/// row (c, k…), column (image, o…) is input[image, c, o·stride − pad + k·dilation], 0 outside.
///
/// Images are `image_stride` floats apart; rows of `columns` are `row_stride` floats apart.
void ck_im2col(
    const struct ck_windows *windows, const float *input, long images, long channels,
    long image_stride, long row_stride, float *columns);

/// The transpose: every column's values, added up where they came from. Overwrites `input`.
void ck_col2im(
    const struct ck_windows *windows, const float *columns, long images, long channels,
    long image_stride, long row_stride, float *input);
