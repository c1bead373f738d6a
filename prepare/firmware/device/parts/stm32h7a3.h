/* STM32H7A3 and H7B3 at 280 MHz from a clock of 8 MHz that the ST-Link gives (RM0455), with the core supplied by the step-down
 * converter, as Nucleo-144 boards with a Q are wired. See stm32_usart.h for what the board defines. */
#ifndef PADDOCK_STM32H7A3_H
#define PADDOCK_STM32H7A3_H

#define GPIO_BASE 0x58020000u
#include "stm32_usart.h"

#define RCC_CONTROL REGISTER(0x58024400u)
#define RCC_CONFIGURATION REGISTER(0x58024410u)
#define RCC_CD_CONFIGURATION_1 REGISTER(0x58024418u)
#define RCC_CD_CONFIGURATION_2 REGISTER(0x5802441Cu)
#define RCC_SRD_CONFIGURATION REGISTER(0x58024420u)
#define RCC_PLL_SOURCE REGISTER(0x58024428u)
#define RCC_PLL_CONFIGURATION REGISTER(0x5802442Cu)
#define RCC_PLL_DIVIDERS REGISTER(0x58024430u)
#define RCC_AHB4_ENABLE REGISTER(0x580244E0u)
#define RCC_APB1L_ENABLE REGISTER(0x580244E8u)
#define PWR_STATUS_1 REGISTER(0x58024804u)
#define PWR_CONTROL_3 REGISTER(0x5802480Cu)
#define PWR_SRD_CONTROL REGISTER(0x58024818u)
#define FLASH_ACCESS REGISTER(0x52002000u)

static inline void stm32h7a3_voltage_scale(uint32_t field) {
  PWR_SRD_CONTROL = (PWR_SRD_CONTROL & ~(3u << 14)) | field << 14;
  (void)PWR_SRD_CONTROL;
  while (!(PWR_SRD_CONTROL & (1u << 13))) {
  }
}

static inline void stm32h7a3_clock_start(void) {
  /* The supply can be chosen once after power-on: the converter alone. Another choice than the wiring ends in a board that only
   * a power cycle with the BOOT0 pin high brings back. */
  PWR_CONTROL_3 = (PWR_CONTROL_3 & ~7u) | 4u;
  while (!(PWR_STATUS_1 & (1u << 13))) {
  }
  stm32h7a3_voltage_scale(2); /* scale 0 is reached from scale 1 only */
  stm32h7a3_voltage_scale(3);
  FLASH_ACCESS = 6u | 3u << 4; /* wait states and programming delay */
  while ((FLASH_ACCESS & 15u) != 6u) {
  }
  RCC_CONTROL |= 1u << 18; /* HSE is a clock, no crystal */
  RCC_CONTROL |= 1u << 16;
  while (!(RCC_CONTROL & (1u << 17))) {
  }
  RCC_PLL_SOURCE = (RCC_PLL_SOURCE & ~0x3F3u) | 2u | 4u << 4; /* 8 MHz / 4 */
  RCC_PLL_CONFIGURATION =
      (RCC_PLL_CONFIGURATION & ~15u) | 1u << 2 | 1u << 16; /* input of 2 to 4 MHz, output P */
  RCC_PLL_DIVIDERS = (280u - 1u) | (2u - 1u) << 9 | (2u - 1u) << 16 | (2u - 1u) << 24;
  RCC_CONTROL |= 1u << 24;
  while (!(RCC_CONTROL & (1u << 25))) {
  }
  RCC_CD_CONFIGURATION_1 = 4u << 4; /* all four peripheral buses at half the clock */
  RCC_CD_CONFIGURATION_2 = 4u << 4 | 4u << 8;
  RCC_SRD_CONFIGURATION = 4u << 4;
  RCC_CONFIGURATION = (RCC_CONFIGURATION & ~7u) | 3u;
  while ((RCC_CONFIGURATION & (7u << 3)) != 3u << 3) {
  }
}

/* Both caches of the Cortex-M7 (DDI 0403, B2.2): emptied, since they hold chance after power-on, and on. */
static inline void stm32h7a3_caches_start(void) {
  REGISTER(0xE000EF50u) = 0; /* instructions */
  for (uint32_t set = 0; set < 128u; ++set) {
    for (uint32_t way = 0; way < 4u; ++way) REGISTER(0xE000EF60u) = way << 30 | set << 5; /* 16 KB of data */
  }
  __asm volatile("dsb" : : : "memory");
  REGISTER(0xE000ED14u) |= 3u << 16;
  __asm volatile("dsb\n\tisb" : : : "memory");
}

#endif
