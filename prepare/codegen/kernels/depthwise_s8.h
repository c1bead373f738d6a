/* Depthwise convolution of int8 images [height][width][channels]: each output channel comes from the input channel of its
 * number. */
#ifndef NETWORK_DEPTHWISE_S8_H
#define NETWORK_DEPTHWISE_S8_H

#include "image.h"
#include "requantize.h"

/* Weights: for each channel, for each four rows r, r + 1, ... of the kernel, for each column: the bytes of rows r, r + 2, r + 1
 * and r + 3; missing rows are 0. */
typedef struct {
  image_size input, output;
  window window;
  int32_t input_zero_point; /* stands for what lies outside the input */
  requantization to;
  const uint32_t* weights;
  const int32_t* bias;
  const int32_t* multipliers;
} depthwise_s8;

/* Up to four channels of a pixel; of what lies outside the input, and of missing rows, the zero point. */
KERNEL uint32_t depthwise_s8_load(const depthwise_s8* l, const int8_t* input, int32_t channel, int32_t y,
                                  int32_t x) {
  if (y < 0 || y >= l->input.height || x < 0 || x >= l->input.width) return splat_byte(l->input_zero_point);
  const int8_t* at = input + (y * l->input.width + x) * l->input.channels + channel;
  if (l->input.channels % 4 == 0) return load_word(at);
  uint32_t word = 0;
  for (int32_t i = 0; i < 4 && channel + i < l->input.channels; i++)
    word |= (uint32_t)(uint8_t)at[i] << (8 * i);
  return word;
}

/* The rows that output row `y` needs, of four channels: for each column, for each channel, the pairs of rows as two int16. */
KERNEL void depthwise_s8_widen(const depthwise_s8* l, const int8_t* input, int32_t channel, int32_t y,
                               uint32_t* to) {
  const window* w = &l->window;
  const int32_t pairs = (w->height + 1) / 2;
  const int32_t columns = (l->output.width - 1) * w->stride_x + (w->width - 1) * w->dilation_x + 1;
  const int32_t top = y * w->stride_y - w->pad_top;
  for (int32_t column = 0; column < columns; column++, to += 4 * pairs) {
    for (int32_t pair = 0; pair < pairs; pair++) {
      const int32_t row = top + 2 * pair * w->dilation_y;
      const uint32_t first = depthwise_s8_load(l, input, channel, row, column - w->pad_left);
      const uint32_t second =
          2 * pair + 1 < w->height
              ? depthwise_s8_load(l, input, channel, row + w->dilation_y, column - w->pad_left)
              : 0;
      const uint32_t first_even = even_bytes(first), first_odd = odd_bytes(first);
      const uint32_t second_even = even_bytes(second), second_odd = odd_bytes(second);
      to[pair] = low_halves(first_even, second_even);
      to[pair + pairs] = low_halves(first_odd, second_odd);
      to[pair + 2 * pairs] = high_halves(first_even, second_even);
      to[pair + 3 * pairs] = high_halves(first_odd, second_odd);
    }
  }
}

/* A row of one channel. `rows` begins at the channel. */
KERNEL void depthwise_s8_row(const depthwise_s8* l, const uint32_t* rows, const uint32_t* weights,
                             int32_t bias, int32_t multiplier, int8_t* output) {
  const window* w = &l->window;
  const int32_t pairs = (w->height + 1) / 2;
  const int32_t apart = w->dilation_x * 4 * pairs;
  if (pairs == 2 && w->width == 3) {
    const uint32_t a0 = even_bytes(weights[0]), b0 = odd_bytes(weights[0]);
    const uint32_t a1 = even_bytes(weights[1]), b1 = odd_bytes(weights[1]);
    const uint32_t a2 = even_bytes(weights[2]), b2 = odd_bytes(weights[2]);
    for (int32_t x = 0; x < l->output.width; x++) {
      int32_t sum = add_products(rows[0], a0, bias);
      sum = add_products(rows[1], b0, sum);
      sum = add_products(rows[apart], a1, sum);
      sum = add_products(rows[apart + 1], b1, sum);
      sum = add_products(rows[2 * apart], a2, sum);
      sum = add_products(rows[2 * apart + 1], b2, sum);
      *output = (int8_t)requantize(sum, multiplier, &l->to);
      output += l->output.channels;
      rows += w->stride_x * 4 * pairs;
    }
    return;
  }
  for (int32_t x = 0; x < l->output.width; x++) {
    int32_t sum = bias;
    for (int32_t pair = 0; pair < pairs; pair++) {
      for (int32_t column = 0; column < w->width; column++) {
        const uint32_t word = weights[pair / 2 * w->width + column];
        sum = add_products(rows[column * apart + pair], pair % 2 == 0 ? even_bytes(word) : odd_bytes(word),
                           sum);
      }
    }
    *output = (int8_t)requantize(sum, multiplier, &l->to);
    output += l->output.channels;
    rows += w->stride_x * 4 * pairs;
  }
}

KERNEL void depthwise_s8_run(const depthwise_s8* l, const int8_t* input, int8_t* output, uint32_t* scratch) {
  const int32_t channels = l->output.channels;
  const int32_t pairs = (l->window.height + 1) / 2;
  const int32_t words = (l->window.height + 3) / 4 * l->window.width;
  for (int32_t first = 0; first < channels; first += 4) {
    int8_t* row = output + first;
    for (int32_t y = 0; y < l->output.height; y++, row += l->output.width * channels) {
      depthwise_s8_widen(l, input, first, y, scratch);
      for (int32_t i = 0; i < 4 && first + i < channels; i++)
        depthwise_s8_row(l, scratch + i * pairs, l->weights + (first + i) * words, l->bias[first + i],
                         l->multipliers[first + i], row + i);
    }
  }
}

#endif
