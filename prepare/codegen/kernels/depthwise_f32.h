/* Depthwise convolution of float images [height][width][channels]: each output channel comes from the input channel of its
 * number. */
#ifndef NETWORK_DEPTHWISE_F32_H
#define NETWORK_DEPTHWISE_F32_H

#include "floats.h"
#include "image.h"

/* Weights [row][column][channel]. */
typedef struct {
  image_size input, output;
  window window;
  float low, high; /* the output is clamped to low..high */
  const float* weights;
  const float* bias;
} depthwise_f32;

KERNEL void depthwise_f32_run(const depthwise_f32* l, const float* input, float* output) {
  const window* w = &l->window;
  const int32_t channels = l->input.channels;
  for (int32_t y = 0; y < l->output.height; y++) {
    const window_span rows =
        inside_span(y * w->stride_y - w->pad_top, w->height, w->dilation_y, l->input.height);
    for (int32_t x = 0; x < l->output.width; x++) {
      const window_span columns =
          inside_span(x * w->stride_x - w->pad_left, w->width, w->dilation_x, l->input.width);
      for (int32_t channel = 0; channel < channels; channel++) {
        float sum = l->bias[channel];
        for (int32_t i = 0; i < rows.count; i++) {
          const float* from = input +
                              ((rows.first + i * w->dilation_y) * l->input.width + columns.first) * channels +
                              channel;
          const float* weights =
              l->weights + ((rows.skipped + i) * w->width + columns.skipped) * channels + channel;
          for (int32_t j = 0; j < columns.count; j++, from += w->dilation_x * channels, weights += channels)
            sum = multiply_add_f32(*from, *weights, sum);
        }
        *output++ = clamp_f32(sum, l->low, l->high);
      }
    }
  }
}

#endif
