/* STM32L4+ at 120 MHz from HSI16 (RM0432). See stm32_usart.h for what the board defines. */
#ifndef PADDOCK_STM32L4PLUS_H
#define PADDOCK_STM32L4PLUS_H

#define GPIO_BASE 0x48000000u
#include "stm32_usart.h"

#define RCC_CONTROL REGISTER(0x40021000u)
#define RCC_CONFIGURATION REGISTER(0x40021008u)
#define RCC_PLL REGISTER(0x4002100Cu)
#define RCC_AHB2_ENABLE REGISTER(0x4002104Cu)
#define RCC_APB1_ENABLE_1 REGISTER(0x40021058u)
#define RCC_APB1_ENABLE_2 REGISTER(0x4002105Cu)
#define PWR_CONTROL_2 REGISTER(0x40007004u)
#define PWR_STATUS_2 REGISTER(0x40007014u)
#define PWR_CONTROL_5 REGISTER(0x40007080u)
#define FLASH_ACCESS REGISTER(0x40022000u)

/* After reset the part runs from MSI in voltage range 1. Above 80 MHz it wants the boost mode of that range, and a stop at half
 * the clock on the way (RM0432, 5.1.8). */
static inline void stm32l4plus_clock_start(void) {
  RCC_APB1_ENABLE_1 |= 1u << 28; /* PWR */
  (void)RCC_APB1_ENABLE_1;
  PWR_CONTROL_5 &= ~(1u << 8); /* R1MODE: boost */
  while (PWR_STATUS_2 & (1u << 10)) {
  }
  FLASH_ACCESS = 5u | 7u << 8; /* wait states; prefetch and both caches */
  while ((FLASH_ACCESS & 15u) != 5u) {
  }
  RCC_CONTROL |= 1u << 8; /* HSI16 */
  while (!(RCC_CONTROL & (1u << 10))) {
  }
  RCC_PLL = 2u | (2u - 1u) << 4 | 30u << 8 | 1u << 24; /* 16 MHz / 2 * 30 / 2 */
  RCC_CONTROL |= 1u << 24;
  while (!(RCC_CONTROL & (1u << 25))) {
  }
  RCC_CONFIGURATION = 8u << 4 | 3u; /* half the clock; from the PLL */
  while ((RCC_CONFIGURATION & 12u) != 12u) {
  }
  for (volatile int i = 0; i < 100; ++i) { /* 1 us at the least */
  }
  RCC_CONFIGURATION = 3u;
}

#endif
