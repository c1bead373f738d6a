/* Sizes of images, which are arrays [height][width][channels], and what of an input image a pixel of the output comes from. */
#ifndef NETWORK_IMAGE_H
#define NETWORK_IMAGE_H

#include "words.h"

typedef struct {
  int32_t height, width, channels;
} image_size;

/* Output pixel (y, x) comes from the input's rows y * stride_y - pad_top + dilation_y * (0 .. height - 1), likewise columns. */
typedef struct {
  int32_t height, width;
  int32_t stride_y, stride_x;
  int32_t dilation_y, dilation_x;
  int32_t pad_top, pad_left;
} window;

/* Of the rows (or columns) begin, begin + dilation, ..., `length` in all, those inside 0 .. size - 1. */
typedef struct {
  int32_t first;   /* the first one inside */
  int32_t skipped; /* before it */
  int32_t count;
} window_span;

KERNEL window_span inside_span(int32_t begin, int32_t length, int32_t dilation, int32_t size) {
  window_span span = {begin, 0, 0};
  if (begin < 0) {
    span.skipped = (dilation - 1 - begin) / dilation;
    span.first = begin + span.skipped * dilation;
  }
  if (span.first < size) {
    const int32_t fitting = (size - span.first + dilation - 1) / dilation;
    const int32_t left = length - span.skipped;
    span.count = left < fitting ? left : fitting;
    if (span.count < 0) span.count = 0;
  }
  return span;
}

#endif
