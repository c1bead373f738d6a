/* Floats within bounds, and sums of products. */
#ifndef NETWORK_FLOATS_H
#define NETWORK_FLOATS_H

#include <math.h>

#include "words.h"

/* What is no number stays so. */
HELPER float clamp_f32(float value, float low, float high) {
  return value < low ? low : value > high ? high : value;
}

/* In one instruction where there is one for it. */
HELPER float multiply_add_f32(float left, float right, float sum) {
#if defined(__ARM_FEATURE_FMA)
  return __builtin_fmaf(left, right, sum);
#else
  return left * right + sum;
#endif
}

#endif
