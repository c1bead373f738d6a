/* Sums of products of int8 weights of two output channels, a and b, with patches of int16 inputs: the inner loop of
 * convolutions and dense layers.
 *
 * A patch is the K inputs of one output pixel, filled up to a multiple of four, as words of two: inputs 0 and 2, 1 and 3, 4 and
 * 6, ... The words of several patches alternate. Weights: for each word of a patch the bytes a[k] b[k] a[k+2] b[k+2]. */
#ifndef NETWORK_DOT_PRODUCTS_H
#define NETWORK_DOT_PRODUCTS_H

#include "words.h"

/* Four patches; sums[0] and sums[1] hold what the sums of a and of b begin with. Afterwards sums[2 * patch] is that of a,
 * sums[2 * patch + 1] that of b. An even number of words, above 0. */
#if defined(USE_DSP)
/* By hand, since compilers spill four of the fourteen registers that it needs. r0 patches, r1 weights, r2 and r3 inputs,
 * r4..r11 sums, r12 weights of a, lr weights of b. */
#define DOT_PRODUCTS_WORD       \
  "ldr lr, [r1], #4\n\t"        \
  "ldrd r2, r3, [r0], #8\n\t"   \
  "sxtb16 r12, lr\n\t"          \
  "sxtb16 lr, lr, ror #8\n\t"   \
  "smlad r4, r2, r12, r4\n\t"   \
  "smlad r5, r2, lr, r5\n\t"    \
  "smlad r6, r3, r12, r6\n\t"   \
  "smlad r7, r3, lr, r7\n\t"    \
  "ldrd r2, r3, [r0], #8\n\t"   \
  "smlad r8, r2, r12, r8\n\t"   \
  "smlad r9, r2, lr, r9\n\t"    \
  "smlad r10, r3, r12, r10\n\t" \
  "smlad r11, r3, lr, r11\n\t"

__attribute__((naked, noinline, unused)) static void dot_products_4(
    const uint32_t* patches __attribute__((unused)), const uint32_t* weights __attribute__((unused)),
    const uint32_t* weights_end __attribute__((unused)), int32_t* sums __attribute__((unused))) {
  __asm__(
      "push {r2-r11, lr}\n\t"
      "ldrd r4, r5, [r3]\n\t"
      "mov r6, r4\n\t"
      "mov r7, r5\n\t"
      "mov r8, r4\n\t"
      "mov r9, r5\n\t"
      "mov r10, r4\n\t"
      "mov r11, r5\n\t"
      /* The first round leaves out as many words as are missing to a multiple of eight: 13 bytes of code for each byte. */
      "sub r12, r1, r2\n\t"
      "and r12, r12, #31\n\t"
      "add lr, r12, r12, lsl #2\n\t"
      "add lr, lr, r12, lsl #3\n\t"
      "add pc, lr\n\t"
      "nop\n"
      "1:\n\t" DOT_PRODUCTS_WORD DOT_PRODUCTS_WORD DOT_PRODUCTS_WORD DOT_PRODUCTS_WORD DOT_PRODUCTS_WORD
          DOT_PRODUCTS_WORD DOT_PRODUCTS_WORD DOT_PRODUCTS_WORD
      "ldr r12, [sp]\n\t"
      "cmp r1, r12\n\t"
      "bne 1b\n\t"
      "pop {r2, r3}\n\t"
      "stmia r3, {r4-r11}\n\t"
      "pop {r4-r11, pc}\n");
}
#else
/* Two patches at a time: more sums would not fit into registers. */
HELPER void dot_products_4(const uint32_t* patches, const uint32_t* weights, const uint32_t* weights_end,
                           int32_t* sums) {
  const int32_t words = (int32_t)(weights_end - weights);
  const int32_t begin_a = sums[0], begin_b = sums[1];
  for (int32_t first = 0; first < 4; first += 2) {
    const uint32_t* inputs = patches + first;
    int32_t a0 = begin_a, b0 = begin_b, a1 = begin_a, b1 = begin_b;
    for (int32_t i = 0; i < words; i++, inputs += 4) {
      a0 = add_even_products(inputs[0], weights[i], a0);
      b0 = add_odd_products(inputs[0], weights[i], b0);
      a1 = add_even_products(inputs[1], weights[i], a1);
      b1 = add_odd_products(inputs[1], weights[i], b1);
    }
    sums[2 * first] = a0;
    sums[2 * first + 1] = b0;
    sums[2 * first + 2] = a1;
    sums[2 * first + 3] = b1;
  }
}
#endif

/* The same for one patch: two words of it. */
KERNEL void dot_products_step(const uint32_t** patch, const uint32_t** weights, int32_t* sum_a,
                              int32_t* sum_b) {
  uint32_t x, y, first, second;
  take_two(patch, &x, &y);
  take_two(weights, &first, &second);
  *sum_a = add_even_products(x, first, *sum_a);
  *sum_b = add_odd_products(x, first, *sum_b);
  *sum_a = add_even_products(y, second, *sum_a);
  *sum_b = add_odd_products(y, second, *sum_b);
}

HELPER void dot_products_1(const uint32_t* patch, const uint32_t* weights, const uint32_t* weights_end,
                           int32_t* sums) {
  int32_t sum_a = sums[0], sum_b = sums[1];
  int32_t words = (int32_t)(weights_end - weights);
  for (; words >= 8; words -= 8) {
    dot_products_step(&patch, &weights, &sum_a, &sum_b);
    dot_products_step(&patch, &weights, &sum_a, &sum_b);
    dot_products_step(&patch, &weights, &sum_a, &sum_b);
    dot_products_step(&patch, &weights, &sum_a, &sum_b);
  }
  for (; words > 0; words -= 2) dot_products_step(&patch, &weights, &sum_a, &sum_b);
  sums[0] = sum_a;
  sums[1] = sum_b;
}

#endif
