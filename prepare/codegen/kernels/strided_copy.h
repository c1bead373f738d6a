/* Elements of an array of up to eight dimensions to other places: transposition and padding. */
#ifndef NETWORK_STRIDED_COPY_H
#define NETWORK_STRIDED_COPY_H

#include "words.h"

#define STRIDED_COPY_RANK 8

/* Element (i, j, ...) is taken from input_offset + i * input_step[0] + j * input_step[1] + ... and put to output_offset + i *
 * output_step[0] + ..., all in elements of `bytes` (1 or 4) bytes. Dimensions that are not used have an extent of 1. */
typedef struct {
  int32_t bytes;
  int32_t extent[STRIDED_COPY_RANK];
  int32_t input_step[STRIDED_COPY_RANK];
  int32_t output_step[STRIDED_COPY_RANK];
  int32_t output_offset;
} strided_copy;

HELPER void strided_copy_run(const strided_copy* l, const void* input, void* output) {
  int32_t index[STRIDED_COPY_RANK] = {0};
  int32_t from = 0, to = l->output_offset;
  const int32_t last = STRIDED_COPY_RANK - 1;
  for (;;) {
    for (int32_t i = 0; i < l->extent[last]; i++) {
      const int32_t source = from + i * l->input_step[last], target = to + i * l->output_step[last];
      if (l->bytes == 1)
        ((int8_t*)output)[target] = ((const int8_t*)input)[source];
      else
        ((float*)output)[target] = ((const float*)input)[source];
    }
    int32_t axis = last - 1;
    for (; axis >= 0; axis--) {
      from += l->input_step[axis];
      to += l->output_step[axis];
      if (++index[axis] < l->extent[axis]) break;
      from -= l->extent[axis] * l->input_step[axis];
      to -= l->extent[axis] * l->output_step[axis];
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}

#endif
