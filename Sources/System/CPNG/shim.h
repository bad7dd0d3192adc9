#pragma once
#include <png.h>
#include <string.h>

// libpng leaves a failed call by longjmp, which must not cross Swift frames; so the one sequence of
// calls that can fail is here. Everything else about images is in Swift.

typedef struct {
  const unsigned char *rest;
  size_t count;
  char message[128];
} png_source;

static inline void png_source_read(png_structp png, png_bytep into, size_t count) {
  png_source *source = (png_source *)png_get_io_ptr(png);
  if (count > source->count) png_error(png, "the file is truncated");
  memcpy(into, source->rest, count);
  source->rest += count;
  source->count -= count;
}

static inline void png_source_fail(png_structp png, png_const_charp message) {
  png_source *source = (png_source *)png_get_error_ptr(png);
  strncpy(source->message, message, sizeof source->message - 1);
  png_longjmp(png, 1);
}

static inline void png_source_warn(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

typedef enum { png_as_stored, png_as_bgr, png_as_gray } png_colors;

// Decodes to 8 bits a channel, alpha dropped, palette expanded, colour in the order BGR. Gray is
// what libpng makes of it with OpenCV's weights. Returns 1, or 0 with a message.
// `pixels` has room for height rows of `stride` bytes as the header promises; `rows` for height
// pointers.
static inline int png_decode_rows(const unsigned char *bytes, size_t count, png_colors colors,
                                  unsigned char *pixels, size_t stride, unsigned char **rows,
                                  unsigned char *message, size_t message_size) {
  png_source source = {bytes, count, ""};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source, png_source_fail,
                                           png_source_warn);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info || setjmp(png_jmpbuf(png))) {
    if (!source.message[0]) strcpy(source.message, "out of memory");
    strncpy((char *)message, source.message, message_size - 1);
    png_destroy_read_struct(&png, &info, NULL);
    return 0;
  }
  png_set_read_fn(png, &source, png_source_read);
  png_read_info(png, info);
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  png_set_palette_to_rgb(png);
  png_set_expand_gray_1_2_4_to_8(png);
  if (colors == png_as_bgr) png_set_gray_to_rgb(png);
  if (colors == png_as_gray) png_set_rgb_to_gray(png, PNG_ERROR_ACTION_NONE, 0.299, 0.587);
  png_set_bgr(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  if (png_get_rowbytes(png, info) != stride) png_error(png, "the header contradicts itself");
  png_uint_32 height = png_get_image_height(png, info);
  for (png_uint_32 row = 0; row < height; row++) rows[row] = pixels + row * stride;
  png_read_image(png, rows);
  png_read_end(png, NULL);
  png_destroy_read_struct(&png, &info, NULL);
  return 1;
}
