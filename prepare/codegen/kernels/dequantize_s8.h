/* From int8 to float: value = scale * (integer - zero_point). */
#ifndef NETWORK_DEQUANTIZE_S8_H
#define NETWORK_DEQUANTIZE_S8_H

#include "words.h"

typedef struct {
  int32_t count;
  float scale;
  int32_t zero_point;
} dequantize_s8;

HELPER void dequantize_s8_run(const dequantize_s8* l, const int8_t* input, float* output) {
  for (int32_t i = 0; i < l->count; i++) output[i] = l->scale * (float)(input[i] - l->zero_point);
}

#endif
