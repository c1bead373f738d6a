/* Sums of int8 values; the second operand may be shorter and is repeated. The output may lie where the first operand lies, and
 * where the second lies when it is as long. */
#ifndef NETWORK_ADD_S8_H
#define NETWORK_ADD_S8_H

#include "words.h"

/* output = (first_multiplier * first + second_multiplier * second + offset) >> shift, clamped. The offset holds the zero points
 * and a half; no sum leaves 32 bits. */
typedef struct {
  int32_t count;
  int32_t second_count; /* divides count */
  int32_t first_multiplier, second_multiplier;
  int32_t offset;
  int32_t shift; /* above 0 */
  int32_t low, high;
} add_s8;

KERNEL void add_s8_run(const add_s8* l, const int8_t* first, const int8_t* second, int8_t* output) {
  for (int32_t i = 0; i < l->count; i += l->second_count) {
    for (int32_t j = 0; j < l->second_count; j++) {
      const int32_t sum = l->offset + l->first_multiplier * first[i + j] + l->second_multiplier * second[j];
      output[i + j] = (int8_t)clamp_int8(shift_and_saturate(sum, l->shift), l->low, l->high);
    }
  }
}

#endif
