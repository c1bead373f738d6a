/* Convolution of int8 images [height][width][channels], with groups; a dense layer is one of 1 x 1 images. */
#ifndef NETWORK_CONV_S8_H
#define NETWORK_CONV_S8_H

#include "dot_products.h"
#include "image.h"
#include "requantize.h"

/* For each group the weights of each two of its output channels, as dot_products.h wants them; bias and multipliers for each
 * two, too. A last channel without a second has zeros beside it. */
typedef struct {
  image_size input, output;
  window window;
  int32_t groups;
  int32_t input_zero_point; /* stands for what lies outside the input */
  requantization to;
  const uint32_t* weights;
  const int32_t* bias;
  const int32_t* multipliers;
} conv_s8;

/* Inputs as words of a patch, of which there are `patches`; `count` is a multiple of four. Returns where the next ones go. */
KERNEL uint32_t* widen(const int8_t* from, int32_t count, uint32_t* to, int32_t patches) {
  for (int32_t i = 0; i < count; i += 4, to += 2 * patches) {
    const uint32_t word = load_word(from + i);
    to[0] = even_bytes(word);
    to[patches] = odd_bytes(word);
  }
  return to;
}

KERNEL uint32_t* widen_same(int32_t value, int32_t count, uint32_t* to, int32_t patches) {
  const uint32_t pair = even_bytes(splat_byte(value));
  for (int32_t i = 0; i < count; i += 2, to += patches) *to = pair;
  return to;
}

/* The patch whose first row and column of the input are y and x. `input` begins at the group's first channel; the channels of
 * a group are a multiple of four. */
KERNEL void gather_words(const conv_s8* l, const int8_t* input, int32_t y, int32_t x, uint32_t* to,
                         int32_t patches) {
  const int32_t channels = l->input.channels / l->groups;
  const window* w = &l->window;
  const int inside = x >= 0 && x + w->width <= l->input.width;
  for (int32_t i = 0; i < w->height; i++, y += w->dilation_y) {
    const int8_t* row = input + y * l->input.width * l->input.channels;
    if (y < 0 || y >= l->input.height) {
      to = widen_same(l->input_zero_point, w->width * channels, to, patches);
    } else if (inside && l->groups == 1 && w->dilation_x == 1) {
      to = widen(row + x * channels, w->width * channels, to, patches);
    } else {
      for (int32_t j = 0, column = x; j < w->width; j++, column += w->dilation_x) {
        if (column < 0 || column >= l->input.width)
          to = widen_same(l->input_zero_point, channels, to, patches);
        else
          to = widen(row + column * l->input.channels, channels, to, patches);
      }
    }
  }
}

/* The same for any number of channels, by way of `bytes`. */
KERNEL void gather_bytes(const conv_s8* l, const int8_t* input, int32_t y, int32_t x, int8_t* bytes,
                         uint32_t* to, int32_t patches) {
  const int32_t channels = l->input.channels / l->groups;
  const window* w = &l->window;
  const int inside = x >= 0 && x + w->width <= l->input.width;
  int8_t* at = bytes;
  for (int32_t i = 0; i < w->height; i++, y += w->dilation_y) {
    const int8_t* row = input + y * l->input.width * l->input.channels;
    if (y < 0 || y >= l->input.height) {
      memset(at, l->input_zero_point, (size_t)(w->width * channels));
      at += w->width * channels;
    } else if (inside && l->groups == 1 && w->dilation_x == 1) {
      memcpy(at, row + x * channels, (size_t)(w->width * channels));
      at += w->width * channels;
    } else {
      for (int32_t j = 0, column = x; j < w->width; j++, column += w->dilation_x, at += channels) {
        if (column < 0 || column >= l->input.width)
          memset(at, l->input_zero_point, (size_t)channels);
        else
          memcpy(at, row + column * l->input.channels, (size_t)channels);
      }
    }
  }
  widen(bytes, (w->height * w->width * channels + 3) / 4 * 4, to, patches);
}

/* `pixels` (4 or 1) output pixels from number `first` on, all channels of the group. `output` begins at the group's first
 * channel. */
KERNEL void conv_s8_pixels(const conv_s8* l, int32_t group, int32_t first, int32_t pixels,
                           const int8_t* input, int8_t* output, uint32_t* scratch) {
  const int32_t in = l->input.channels / l->groups;
  const int32_t out = l->output.channels / l->groups;
  const int32_t words = (l->window.height * l->window.width * in + 3) / 4 * 2;
  const int32_t pairs = (out + 1) / 2;
  const uint32_t* weights = l->weights + group * pairs * words;
  const int32_t* bias = l->bias + group * pairs * 2;
  const int32_t* multipliers = l->multipliers + group * pairs * 2;
  int32_t y = first / l->output.width;
  int32_t x = first % l->output.width;
  for (int32_t p = 0; p < pixels; p++) {
    const int32_t top = y * l->window.stride_y - l->window.pad_top;
    const int32_t left = x * l->window.stride_x - l->window.pad_left;
    if (in % 4 == 0)
      gather_words(l, input, top, left, scratch + p, pixels);
    else
      gather_bytes(l, input, top, left, (int8_t*)(scratch + pixels * words), scratch + p, pixels);
    if (++x == l->output.width) {
      x = 0;
      y++;
    }
  }
  int8_t* to = output + first * l->output.channels;
  for (int32_t pair = 0; pair < pairs; pair++, weights += words, bias += 2, multipliers += 2, to += 2) {
    int32_t sums[8];
    sums[0] = bias[0];
    sums[1] = bias[1];
    if (pixels == 4)
      dot_products_4(scratch, weights, weights + words, sums);
    else
      dot_products_1(scratch, weights, weights + words, sums);
    const int32_t multiplier_a = multipliers[0];
    const int32_t multiplier_b = multipliers[1];
    for (int32_t p = 0; p < pixels; p++) {
      sums[2 * p] = requantize(sums[2 * p], multiplier_a, &l->to);
      sums[2 * p + 1] = requantize(sums[2 * p + 1], multiplier_b, &l->to);
    }
    for (int32_t p = 0; p < pixels; p++) {
      to[p * l->output.channels] = (int8_t)sums[2 * p];
      if (out % 2 == 0 || pair + 1 < pairs) to[p * l->output.channels + 1] = (int8_t)sums[2 * p + 1];
    }
  }
}

KERNEL void conv_s8_run(const conv_s8* l, const int8_t* input, int8_t* output, uint32_t* scratch) {
  const int32_t pixels = l->output.height * l->output.width;
  const int32_t in = l->input.channels / l->groups;
  const int32_t out = l->output.channels / l->groups;
  if (in % 4 != 0) {
    /* What fills up a patch meets weights of 0, but is read. */
    const int32_t words = (l->window.height * l->window.width * in + 3) / 4 * 2;
    memset(scratch + (pixels < 4 ? 1 : 4) * words, 0, (size_t)words * 2);
  }
  for (int32_t group = 0; group < l->groups; group++) {
    int32_t first = 0;
    for (; first + 4 <= pixels; first += 4)
      conv_s8_pixels(l, group, first, 4, input + group * in, output + group * out, scratch);
    if (pixels % 4 != 0) {
      for (; first < pixels; first++)
        conv_s8_pixels(l, group, first, 1, input + group * in, output + group * out, scratch);
    }
  }
}

#endif
