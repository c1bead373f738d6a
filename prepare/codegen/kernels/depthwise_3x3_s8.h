/* Depthwise convolution by 3 x 3 without dilation of int8 images [height][width][channels], channels a multiple of four, the
 * same stride of 1 or 2 in both directions. The output may lie where the input lies when it is not wider, and pad_top is below
 * 2. */
#ifndef NETWORK_DEPTHWISE_3X3_S8_H
#define NETWORK_DEPTHWISE_3X3_S8_H

#include "image.h"
#include "requantize.h"

/* Weights: for each channel, for each column, the bytes of rows 0, 1, 1, 2 of the kernel. */
typedef struct {
  image_size input, output;
  int32_t stride;
  int32_t pad_top, pad_left;
  int32_t input_zero_point; /* stands for what lies outside the input */
  requantization to;
  const uint32_t* weights;
  const int32_t* bias;
  const int32_t* multipliers;
} depthwise_3x3_s8;

/* The scratch holds four channels of four rows of the input: for each channel, for each column, rows 0 and 1 as two int16,
 * then rows 2 and 3. Stride 1 makes two rows of output of them, stride 2 one. */
KERNEL int32_t depthwise_3x3_s8_columns(const depthwise_3x3_s8* l) {
  return (l->output.width - 1) * l->stride + 3;
}

/* Moves rows 2 and 3 up and puts the input's rows `y` and `y` + 1 in their place. */
KERNEL void depthwise_3x3_s8_widen(const depthwise_3x3_s8* l, const int8_t* input, int32_t y,
                                   uint32_t* scratch) {
  const int32_t columns = depthwise_3x3_s8_columns(l);
  const int32_t right = columns - l->pad_left;
  const int32_t inside = right < l->input.width ? right : l->input.width;
  const uint32_t outside = splat_byte(l->input_zero_point);
  const int8_t *first = (const int8_t*)&outside, *second = (const int8_t*)&outside;
  int32_t first_step = 0, second_step = 0;
  if (y >= 0 && y < l->input.height) {
    first = input + y * l->input.width * l->input.channels;
    first_step = l->input.channels;
  }
  if (y >= -1 && y + 1 < l->input.height) {
    second = input + (y + 1) * l->input.width * l->input.channels;
    second_step = l->input.channels;
  }
  uint32_t* to = scratch + 2 * l->pad_left;
  for (int32_t x = 0; x < inside; x++, to += 2, first += first_step, second += second_step) {
    const uint32_t upper = load_word(first), lower = load_word(second);
    const uint32_t upper_even = even_bytes(upper), upper_odd = odd_bytes(upper);
    const uint32_t lower_even = even_bytes(lower), lower_odd = odd_bytes(lower);
    to[0] = to[1];
    to[1] = low_halves(upper_even, lower_even);
    to[2 * columns] = to[2 * columns + 1];
    to[2 * columns + 1] = low_halves(upper_odd, lower_odd);
    to[4 * columns] = to[4 * columns + 1];
    to[4 * columns + 1] = high_halves(upper_even, lower_even);
    to[6 * columns] = to[6 * columns + 1];
    to[6 * columns + 1] = high_halves(upper_odd, lower_odd);
  }
}

/* One or two rows of output of one channel, whose columns begin at `from`. */
KERNEL void depthwise_3x3_s8_rows(const depthwise_3x3_s8* l, int32_t rows, const uint32_t* from,
                                  const uint32_t* weights, int32_t bias, int32_t multiplier, int8_t* output) {
  const uint32_t upper0 = even_bytes(weights[0]), lower0 = odd_bytes(weights[0]);
  const uint32_t upper1 = even_bytes(weights[1]), lower1 = odd_bytes(weights[1]);
  const uint32_t upper2 = even_bytes(weights[2]), lower2 = odd_bytes(weights[2]);
  for (int32_t x = 0; x < l->output.width; x++, output += l->output.channels) {
    uint32_t pair01, pair23;
    take_two(&from, &pair01, &pair23);
    int32_t first = add_low_by_high(pair23, lower0, add_products(pair01, upper0, bias));
    int32_t second = add_low_by_high(upper0, pair01, add_products(pair23, lower0, bias));
    take_two(&from, &pair01, &pair23);
    first = add_low_by_high(pair23, lower1, add_products(pair01, upper1, first));
    second = add_low_by_high(upper1, pair01, add_products(pair23, lower1, second));
    take_two(&from, &pair01, &pair23);
    first = add_low_by_high(pair23, lower2, add_products(pair01, upper2, first));
    second = add_low_by_high(upper2, pair01, add_products(pair23, lower2, second));
    from -= l->stride == 1 ? 4 : 2;
    output[0] = (int8_t)requantize(first, multiplier, &l->to);
    if (rows == 2)
      output[l->output.width * l->output.channels] = (int8_t)requantize(second, multiplier, &l->to);
  }
}

KERNEL void depthwise_3x3_s8_run(const depthwise_3x3_s8* l, const int8_t* input, int8_t* output,
                                 uint32_t* scratch) {
  const int32_t channels = l->output.channels;
  const int32_t columns = depthwise_3x3_s8_columns(l);
  const int32_t rows = l->stride == 1 ? 2 : 1;
  const uint32_t outside = even_bytes(splat_byte(l->input_zero_point));
  for (int32_t i = 0; i < 8 * columns; i++) scratch[i] = outside;
  for (int32_t first = 0; first < channels; first += 4) {
    depthwise_3x3_s8_widen(l, input + first, -l->pad_top, scratch);
    for (int32_t y = 0; y < l->output.height; y += rows) {
      depthwise_3x3_s8_widen(l, input + first, y * l->stride - l->pad_top + 2, scratch);
      int8_t* to = output + y * l->output.width * channels + first;
      for (int32_t i = 0; i < 4; i++) {
        const uint32_t* weights = l->weights + 3 * (first + i);
        const int32_t bias = l->bias[first + i];
        const int32_t multiplier = l->multipliers[first + i];
        if (rows == 2 && y + 1 < l->output.height)
          depthwise_3x3_s8_rows(l, 2, scratch + 2 * columns * i, weights, bias, multiplier, to + i);
        else
          depthwise_3x3_s8_rows(l, 1, scratch + 2 * columns * i, weights, bias, multiplier, to + i);
      }
    }
  }
}

#endif
