/* Arm's CMSDK APB UART (Cortex-M System Design Kit, DDI 0479, 4.3), as FPGA images have it. The board defines UART_BASE,
 * UART_INTERRUPT and UART_CLOCK_HZ before it includes this file. */
#ifndef PADDOCK_CMSDK_UART_H
#define PADDOCK_CMSDK_UART_H

#include "../board.h"
#include "../cortex_m.h"
#include "interrupt.h"

#define UART_DATA REGISTER(UART_BASE)
#define UART_STATE REGISTER(UART_BASE + 0x04u)
#define UART_CONTROL REGISTER(UART_BASE + 0x08u)
#define UART_INTERRUPT_CLEAR REGISTER(UART_BASE + 0x0Cu)
#define UART_DIVIDER REGISTER(UART_BASE + 0x10u)

BOARD_INTERRUPT(UART_INTERRUPT);

int board_receive(void) {
  UART_INTERRUPT_CLEAR = 2u; /* before the look, so that a byte that comes after it raises it anew */
  return UART_STATE & 2u ? (int)UART_DATA : -1;
}

static void uart_start(void) {
  UART_DIVIDER = UART_CLOCK_HZ / 115200u;
  UART_CONTROL = 1u | 2u | 8u; /* transmit, receive, interrupt for what is received */
}

void board_send(uint8_t byte) {
  while (UART_STATE & 1u) {
  }
  UART_DATA = byte;
}

void board_flush(void) {
  while (UART_STATE & 1u) {
  }
}

#endif
