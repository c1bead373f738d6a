/* Four int8 in a word, two int16 in a word, and products of them: one instruction each on processors with the DSP extension,
 * the same integers in plain C elsewhere. Little-endian. Right shifts of negative numbers are arithmetic. */
#ifndef NETWORK_WORDS_H
#define NETWORK_WORDS_H

#include <stdint.h>
#include <string.h>

#if defined(__ARM_FEATURE_DSP) && defined(__ARM_FEATURE_SIMD32)
#define USE_DSP
#include <arm_acle.h>
#endif

/* Kernels are inlined into their layers, with sizes as constants, except where the compiler is asked for small code. */
#if defined(__GNUC__)
#define HELPER static inline __attribute__((unused))
#else
#define HELPER static inline
#endif
#if defined(__GNUC__) && !defined(__OPTIMIZE_SIZE__)
#define KERNEL HELPER __attribute__((always_inline))
#else
#define KERNEL HELPER
#endif

HELPER uint32_t load_word(const int8_t* bytes) {
  uint32_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

/* Reads two words and steps behind them. */
HELPER void take_two(const uint32_t** from, uint32_t* first, uint32_t* second) {
#if defined(USE_DSP) && defined(__thumb2__)
  const uint32_t* at = *from;
  __asm__("ldrd %0, %1, [%2], #8" : "=&r"(*first), "=&r"(*second), "+r"(*from) : "m"(at[0]), "m"(at[1]));
#else
  *first = (*from)[0];
  *second = (*from)[1];
  *from += 2;
#endif
}

HELPER uint32_t splat_byte(int32_t value) { return (uint32_t)(value & 0xff) * 0x01010101u; }

/* Of a value in -128..127; costs nothing where these are the bounds. */
KERNEL int32_t clamp_int8(int32_t value, int32_t low, int32_t high) {
  if (low > -128 && value < low) return low;
  if (high < 127 && value > high) return high;
  return value;
}

HELPER int32_t low_half(uint32_t pair) { return (int16_t)(uint16_t)pair; }
HELPER int32_t high_half(uint32_t pair) { return (int32_t)pair >> 16; }

/* Bytes 0 and 2, and bytes 1 and 3, as two int16. */
HELPER uint32_t even_bytes(uint32_t word) {
#if defined(USE_DSP)
  return (uint32_t)__sxtb16((int8x4_t)word);
#else
  return (uint32_t)(uint16_t)(int8_t)(uint8_t)word | (uint32_t)(int8_t)(uint8_t)(word >> 16) << 16;
#endif
}
HELPER uint32_t odd_bytes(uint32_t word) {
#if defined(USE_DSP)
  uint32_t pair;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
  return pair;
#else
  return even_bytes(word >> 8);
#endif
}

/* The low halves of two words as one, and the high halves. */
HELPER uint32_t low_halves(uint32_t low, uint32_t high) {
#if defined(USE_DSP)
  uint32_t pair;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(low), "r"(high));
  return pair;
#else
  return (low & 0xffffu) | high << 16;
#endif
}
HELPER uint32_t high_halves(uint32_t low, uint32_t high) {
#if defined(USE_DSP)
  uint32_t pair;
  __asm__("pkhtb %0, %2, %1, asr #16" : "=r"(pair) : "r"(low), "r"(high));
  return pair;
#else
  return low >> 16 | (high & 0xffff0000u);
#endif
}

/* sum + the products of the low and of the high halves. */
HELPER int32_t add_products(uint32_t left, uint32_t right, int32_t sum) {
#if defined(USE_DSP)
  return __smlad((int16x2_t)left, (int16x2_t)right, sum);
#else
  return sum + low_half(left) * low_half(right) + high_half(left) * high_half(right);
#endif
}

HELPER int32_t byte_at(uint32_t word, int32_t index) { return (int8_t)(uint8_t)(word >> (8 * index)); }

/* sum + the products with bytes 0 and 2 of a word, and with bytes 1 and 3. */
HELPER int32_t add_even_products(uint32_t pair, uint32_t word, int32_t sum) {
#if defined(USE_DSP)
  return add_products(pair, even_bytes(word), sum);
#else
  return sum + low_half(pair) * byte_at(word, 0) + high_half(pair) * byte_at(word, 2);
#endif
}
HELPER int32_t add_odd_products(uint32_t pair, uint32_t word, int32_t sum) {
#if defined(USE_DSP)
  return add_products(pair, odd_bytes(word), sum);
#else
  return sum + low_half(pair) * byte_at(word, 1) + high_half(pair) * byte_at(word, 3);
#endif
}

/* sum + the low half of `left` * the high half of `right`. */
HELPER int32_t add_low_by_high(uint32_t left, uint32_t right, int32_t sum) {
#if defined(USE_DSP)
  return __smlabt((int32_t)left, (int32_t)right, sum);
#else
  return sum + low_half(left) * high_half(right);
#endif
}

/* offset + the upper word of left * right. */
HELPER int32_t add_upper_product(int32_t left, int32_t right, int32_t offset) {
#if defined(USE_DSP)
  int32_t result;
  __asm__("smmla %0, %1, %2, %3" : "=r"(result) : "r"(left), "r"(right), "r"(offset));
  return result;
#else
  return offset + (int32_t)(((int64_t)left * right) >> 32);
#endif
}

/* value >> shift, brought into -128..127. */
KERNEL int32_t shift_and_saturate(int32_t value, int32_t shift) {
#if defined(USE_DSP) && defined(__OPTIMIZE__)
  if (__builtin_constant_p(shift) && shift > 0) {
    int32_t result;
    __asm__("ssat %0, #8, %1, asr %2" : "=r"(result) : "r"(value), "I"(shift));
    return result;
  }
#endif
  const int32_t shifted = value >> shift;
  return shifted < -128 ? -128 : shifted > 127 ? 127 : shifted;
}

#endif
