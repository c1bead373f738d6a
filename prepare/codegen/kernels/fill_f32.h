/* One value everywhere. */
#ifndef NETWORK_FILL_F32_H
#define NETWORK_FILL_F32_H

#include "floats.h"

HELPER void fill_f32_run(int32_t count, float value, float* output) {
  for (int32_t i = 0; i < count; i++) output[i] = value;
}

#endif
