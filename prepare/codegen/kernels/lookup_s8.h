/* What a function of one int8 gives, from a table: activations and changes of quantisation. Rows of `count` elements, which lie
 * `output_step` apart in the output. The output may lie where the input lies when it has no gaps. */
#ifndef NETWORK_LOOKUP_S8_H
#define NETWORK_LOOKUP_S8_H

#include "words.h"

typedef struct {
  int32_t rows, count, output_step;
  const int8_t* table; /* by input + 128 */
} lookup_s8;

KERNEL void lookup_s8_run(const lookup_s8* l, const int8_t* input, int8_t* output) {
  for (int32_t row = 0; row < l->rows; row++, input += l->count, output += l->output_step) {
    for (int32_t i = 0; i < l->count; i++) output[i] = l->table[input[i] + 128];
  }
}

#endif
