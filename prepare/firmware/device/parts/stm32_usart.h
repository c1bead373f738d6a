/* USARTs and LPUARTs of STM32 parts from the L4 and H7 on. The board defines UART_BASE, UART_INTERRUPT, UART_DIVIDER_VALUE (what
 * the register of the baud rate takes), EDGE_PORT and EDGE_PIN. Included by the parts. */
#ifndef PADDOCK_STM32_USART_H
#define PADDOCK_STM32_USART_H

#include "../board.h"
#include "../cortex_m.h"
#include "interrupt.h"
#include "stm32_gpio.h"

#define UART_CONTROL REGISTER(UART_BASE)
#define UART_DIVIDER REGISTER(UART_BASE + 0x0Cu)
#define UART_STATUS REGISTER(UART_BASE + 0x1Cu)
#define UART_STATUS_CLEAR REGISTER(UART_BASE + 0x20u)
#define UART_RECEIVED REGISTER(UART_BASE + 0x24u)
#define UART_TRANSMIT REGISTER(UART_BASE + 0x28u)

BOARD_INTERRUPT(UART_INTERRUPT);

int board_receive(void) {
  UART_STATUS_CLEAR = 1u << 3; /* an overrun would raise the interrupt for ever */
  return UART_STATUS & (1u << 5) ? (int)(UART_RECEIVED & 0xFFu) : -1;
}

static inline void uart_start(void) {
  UART_DIVIDER = UART_DIVIDER_VALUE;
  UART_CONTROL = 1u << 5 | 1u << 3 | 1u << 2 | 1u; /* receive interrupt, transmit, receive, on */
}

void board_send(uint8_t byte) {
  while (!(UART_STATUS & (1u << 7))) {
  }
  UART_TRANSMIT = byte;
}

void board_flush(void) {
  while (!(UART_STATUS & (1u << 6))) {
  }
}

void board_edge_pin(int level) { gpio_write(EDGE_PORT, EDGE_PIN, level); }

#endif
