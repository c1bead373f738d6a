/* The one interrupt of a board besides the core's own: that of its UART, in a table behind the vectors of startup.c. */
#ifndef PADDOCK_INTERRUPT_H
#define PADDOCK_INTERRUPT_H

#include "../line.h"

typedef void (*interrupt_handler)(void);

#define BOARD_INTERRUPT(number)                                                                       \
  const uint32_t board_receive_interrupt = (number);                                                  \
  __attribute__((section(".vectors.interrupts"),                                                      \
                 used)) static const interrupt_handler board_interrupts[(number) + 1] = {[(number)] = \
                                                                                             line_interrupt}

#endif
