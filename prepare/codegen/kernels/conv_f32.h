/* Convolution of float images [height][width][channels], with groups; a dense layer is one of 1 x 1 images. */
#ifndef NETWORK_CONV_F32_H
#define NETWORK_CONV_F32_H

#include "floats.h"
#include "image.h"

/* For each group, for each four of its output channels: bias of the four; weights of the four for each input of the window, row
 * by row, column by column, channel by channel. Missing channels are 0. */
typedef struct {
  image_size input, output;
  window window;
  int32_t groups;
  float low, high; /* the output is clamped to low..high */
  const float* weights;
  const float* bias;
} conv_f32;

/* Adds products with four channels' weights. */
HELPER void dot_products_f32(const float* input, const float* weights, int32_t count, float* sums) {
  float a = sums[0], b = sums[1], c = sums[2], d = sums[3];
  for (int32_t i = 0; i < count; i++, weights += 4) {
    a = multiply_add_f32(input[i], weights[0], a);
    b = multiply_add_f32(input[i], weights[1], b);
    c = multiply_add_f32(input[i], weights[2], c);
    d = multiply_add_f32(input[i], weights[3], d);
  }
  sums[0] = a;
  sums[1] = b;
  sums[2] = c;
  sums[3] = d;
}

KERNEL void conv_f32_run(const conv_f32* l, const float* input, float* output) {
  const window* w = &l->window;
  const int32_t in = l->input.channels / l->groups;
  const int32_t out = l->output.channels / l->groups;
  const int32_t fours = (out + 3) / 4;
  const int whole_rows = l->groups == 1 && w->dilation_x == 1;
  for (int32_t y = 0; y < l->output.height; y++) {
    const window_span rows =
        inside_span(y * w->stride_y - w->pad_top, w->height, w->dilation_y, l->input.height);
    for (int32_t x = 0; x < l->output.width; x++, output += l->output.channels) {
      const window_span columns =
          inside_span(x * w->stride_x - w->pad_left, w->width, w->dilation_x, l->input.width);
      for (int32_t four = 0; four < l->groups * fours; four++) {
        const int32_t group = four / fours;
        const float* weights = l->weights + four * w->height * w->width * in * 4;
        float sums[4];
        for (int32_t i = 0; i < 4; i++) sums[i] = l->bias[four * 4 + i];
        for (int32_t i = 0; i < rows.count; i++) {
          const float* from =
              input + group * in +
              ((rows.first + i * w->dilation_y) * l->input.width + columns.first) * l->input.channels;
          const float* row_weights = weights + ((rows.skipped + i) * w->width + columns.skipped) * in * 4;
          if (whole_rows) {
            dot_products_f32(from, row_weights, columns.count * in, sums);
          } else {
            for (int32_t j = 0; j < columns.count; j++)
              dot_products_f32(from + j * w->dilation_x * l->input.channels, row_weights + j * in * 4, in,
                               sums);
          }
        }
        const int32_t channel = (four - group * fours) * 4;
        for (int32_t i = 0; i < 4 && channel + i < out; i++)
          output[group * out + channel + i] = clamp_f32(sums[i], l->low, l->high);
      }
    }
  }
}

#endif
