/* Rows of bytes into an output in which they lie `output_step` apart. */
#ifndef NETWORK_COPY_ROWS_H
#define NETWORK_COPY_ROWS_H

#include "words.h"

typedef struct {
  int32_t rows, bytes, output_step;
} copy_rows;

KERNEL void copy_rows_run(const copy_rows* l, const void* input, void* output) {
  for (int32_t row = 0; row < l->rows; row++)
    memmove((int8_t*)output + row * l->output_step, (const int8_t*)input + row * l->bytes, (size_t)l->bytes);
}

#endif
