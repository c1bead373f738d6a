/* From sums of products to the integers of the output. */
#ifndef NETWORK_REQUANTIZE_H
#define NETWORK_REQUANTIZE_H

#include "words.h"

/* multiplier / 2^(32 + shift) is what a step of the sum is in steps of the output. shift in [-16, 22]; the multiplier is not
 * negative. */
typedef struct {
  int32_t shift;
  int32_t zero_point;
  int32_t low; /* the output is clamped to low..high */
  int32_t high;
} requantization;

/* Rounds halves up; one rounding of the exact product. */
KERNEL int32_t requantize(int32_t sum, int32_t multiplier, const requantization* to) {
  int32_t value;
  if (to->shift >= 1) {
    const int32_t offset = to->zero_point * (1 << to->shift) + (1 << (to->shift - 1));
    value = shift_and_saturate(add_upper_product(sum, multiplier, offset), to->shift);
  } else {
    const int64_t half = (int64_t)1 << (31 + to->shift);
    const int64_t wide = (((int64_t)sum * multiplier + half) >> (32 + to->shift)) + to->zero_point;
    value = wide < -128 ? -128 : wide > 127 ? 127 : (int32_t)wide;
  }
  return clamp_int8(value, to->low, to->high);
}

#endif
