/* The mean of the inputs in a window, of int8 images [height][width][channels]. */
#ifndef NETWORK_AVERAGE_POOL_S8_H
#define NETWORK_AVERAGE_POOL_S8_H

#include "image.h"
#include "requantize.h"

/* The average of n inputs is their sum times multipliers[n - 1], or times multipliers[0] where all windows count as many. What
 * lies outside the input is 0 to the average. */
typedef struct {
  image_size input, output;
  window window;
  int32_t all_count_as_many;
  int32_t input_zero_point;
  requantization to;
  const int32_t* multipliers;
} average_pool_s8;

KERNEL void average_pool_s8_run(const average_pool_s8* l, const int8_t* input, int8_t* output) {
  const int32_t channels = l->input.channels;
  for (int32_t y = 0; y < l->output.height; y++) {
    const window_span rows = inside_span(y * l->window.stride_y - l->window.pad_top, l->window.height,
                                         l->window.dilation_y, l->input.height);
    for (int32_t x = 0; x < l->output.width; x++) {
      const window_span columns = inside_span(x * l->window.stride_x - l->window.pad_left, l->window.width,
                                              l->window.dilation_x, l->input.width);
      const int32_t inside = rows.count * columns.count;
      const int32_t multiplier = l->all_count_as_many ? l->multipliers[0]
                                 : inside > 0         ? l->multipliers[inside - 1]
                                                      : 0;
      const int8_t* corner = input + (rows.first * l->input.width + columns.first) * channels;
      for (int32_t channel = 0; channel < channels; channel++) {
        int32_t sum = -l->input_zero_point * inside;
        for (int32_t i = 0; i < rows.count; i++) {
          const int8_t* at = corner + i * l->window.dilation_y * l->input.width * channels + channel;
          for (int32_t j = 0; j < columns.count; j++, at += l->window.dilation_x * channels) sum += *at;
        }
        *output++ = (int8_t)requantize(sum, multiplier, &l->to);
      }
    }
  }
}

#endif
