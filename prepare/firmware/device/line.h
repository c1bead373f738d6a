/* The serial line: bytes in through a small ring, text out. One thread. While the ring is full, bytes stay in the UART: an
 * emulator then waits, and a real line loses them, so the host waits for an answer before it sends more. */
#ifndef PADDOCK_LINE_H
#define PADDOCK_LINE_H

#include <stdint.h>

/* The handler of board_receive_interrupt. */
void line_interrupt(void);

/* Whether bytes come in. Not during a measured window: a host that asks again would be counted, too. */
void line_listen(int is_on);

/* The next byte; sleeps until there is one. */
uint8_t line_read(void);

void print_text(const char* text);
void print_unsigned(uint32_t value);
void print_hex(uint32_t value, unsigned digits);

/* Six decimals, and an exponent from 1e9 on: "-0.003906", "1.500000e12", "nan", "inf". */
void print_float(float value);

#endif
