/* One value everywhere. */
#ifndef NETWORK_FILL_S8_H
#define NETWORK_FILL_S8_H

#include "words.h"

HELPER void fill_s8_run(int32_t count, int32_t value, int8_t* output) {
  for (int32_t i = 0; i < count; i++) output[i] = (int8_t)value;
}

#endif
