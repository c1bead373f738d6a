/* Between int8 and uint8 whose zero points differ by 128. The output may lie where the input lies. */
#ifndef NETWORK_FLIP_SIGNS_H
#define NETWORK_FLIP_SIGNS_H

#include "words.h"

HELPER void flip_signs_run(int32_t count, const void* input, void* output) {
  for (int32_t i = 0; i < count; i++) ((uint8_t*)output)[i] = ((const uint8_t*)input)[i] ^ 0x80u;
}

#endif
