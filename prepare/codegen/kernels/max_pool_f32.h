/* The greatest of the inputs in a window, of float images [height][width][channels]. */
#ifndef NETWORK_MAX_POOL_F32_H
#define NETWORK_MAX_POOL_F32_H

#include <math.h>

#include "image.h"

typedef struct {
  image_size input, output;
  window window;
} max_pool_f32;

KERNEL void max_pool_f32_run(const max_pool_f32* l, const float* input, float* output) {
  const int32_t channels = l->input.channels;
  for (int32_t y = 0; y < l->output.height; y++) {
    const window_span rows = inside_span(y * l->window.stride_y - l->window.pad_top, l->window.height,
                                         l->window.dilation_y, l->input.height);
    for (int32_t x = 0; x < l->output.width; x++) {
      const window_span columns = inside_span(x * l->window.stride_x - l->window.pad_left, l->window.width,
                                              l->window.dilation_x, l->input.width);
      const float* corner = input + (rows.first * l->input.width + columns.first) * channels;
      for (int32_t channel = 0; channel < channels; channel++) {
        float greatest = -INFINITY;
        for (int32_t i = 0; i < rows.count; i++) {
          const float* at = corner + i * l->window.dilation_y * l->input.width * channels + channel;
          for (int32_t j = 0; j < columns.count; j++, at += l->window.dilation_x * channels)
            greatest = *at > greatest ? *at : greatest;
        }
        *output++ = greatest;
      }
    }
  }
}

#endif
