/* STM32F401 and F405/F407 (RM0368, RM0090). The board defines before it includes this file: UART_BASE, UART_INTERRUPT,
 * UART_CLOCK_HZ (of the UART's bus), EDGE_PORT and EDGE_PIN. */
#ifndef PADDOCK_STM32F4_H
#define PADDOCK_STM32F4_H

#include "../board.h"
#include "../cortex_m.h"
#include "interrupt.h"

#define GPIO_BASE 0x40020000u
#include "stm32_gpio.h"

#define RCC_CONTROL REGISTER(0x40023800u)
#define RCC_PLL REGISTER(0x40023804u)
#define RCC_CONFIGURATION REGISTER(0x40023808u)
#define RCC_AHB1_ENABLE REGISTER(0x40023830u)
#define RCC_APB1_ENABLE REGISTER(0x40023840u)
#define RCC_APB2_ENABLE REGISTER(0x40023844u)
#define FLASH_ACCESS REGISTER(0x40023C00u)

#define UART_STATUS REGISTER(UART_BASE)
#define UART_DATA REGISTER(UART_BASE + 0x04u)
#define UART_DIVIDER REGISTER(UART_BASE + 0x08u)
#define UART_CONTROL REGISTER(UART_BASE + 0x0Cu)

BOARD_INTERRUPT(UART_INTERRUPT);

int board_receive(void) {
  /* Reading the data also ends an overrun. */
  return UART_STATUS & (1u << 5 | 1u << 3) ? (int)(UART_DATA & 0xFFu) : -1;
}

static inline void uart_start(void) {
  UART_DIVIDER = (UART_CLOCK_HZ + 57600u) / 115200u;
  UART_CONTROL = 1u << 13 | 1u << 5 | 1u << 3 | 1u << 2; /* on, receive interrupt, transmit, receive */
}

void board_send(uint8_t byte) {
  while (!(UART_STATUS & (1u << 7))) {
  }
  UART_DATA = byte;
}

void board_flush(void) {
  while (!(UART_STATUS & (1u << 6))) {
  }
}

void board_edge_pin(int level) { gpio_write(EDGE_PORT, EDGE_PIN, level); }

typedef struct {
  int has_external_clock; /* HSE, a crystal; else HSI, 16 MHz */
  uint32_t m, n, p;       /* core = clock / m * n / p */
  uint32_t wait_states;
  uint32_t apb1, apb2; /* fields PPRE1 and PPRE2: 0: as the core, 4: half, 5: a quarter */
} stm32f4_clock;

/* The voltage scale after reset serves these parts at their highest clock. */
static inline void stm32f4_clock_start(stm32f4_clock clock) {
  if (clock.has_external_clock) {
    RCC_CONTROL |= 1u << 16;
    while (!(RCC_CONTROL & (1u << 17))) {
    }
  }
  RCC_PLL = clock.m | clock.n << 6 | (clock.p / 2u - 1u) << 16 | (clock.has_external_clock ? 1u << 22 : 0u) |
            7u << 24;
  RCC_CONTROL |= 1u << 24;
  while (!(RCC_CONTROL & (1u << 25))) {
  }
  FLASH_ACCESS = clock.wait_states | 7u << 8; /* with prefetch and both caches */
  RCC_CONFIGURATION = clock.apb1 << 10 | clock.apb2 << 13;
  RCC_CONFIGURATION |= 2u;
  while ((RCC_CONFIGURATION & 12u) != 8u) {
  }
}

#endif
