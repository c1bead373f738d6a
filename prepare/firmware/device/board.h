/* What a board offers to the firmware: boards/NAME/board.c defines all of this, mostly by including a part below parts/. C99. */
#ifndef PADDOCK_BOARD_H
#define PADDOCK_BOARD_H

#include <stdint.h>

extern const char board_name[];

/* Of the core and of SysTick, after board_init(); whole MHz. */
extern const uint32_t board_core_hz;

/* Of the chip, as its debug unit says it (DBGMCU_IDCODE); 0: no STM32. */
extern const uint32_t board_device_id;

/* Called once, before anything else runs but with .data and .bss in place: clocks, the UART at 115200 8N1 with its receive
 * interrupt on in the UART (not in the NVIC), the edge pin high. */
void board_init(void);

/* The interrupt that the UART raises while it holds a byte; it goes to line_interrupt() through the table that
 * BOARD_INTERRUPT() makes. */
extern const uint32_t board_receive_interrupt;

/* The byte that came; negative: none. */
int board_receive(void);

/* Waits until the UART takes the byte. */
void board_send(uint8_t byte);

/* Waits until all that was sent is on the line. */
void board_flush(void);

/* The level of the pin that a power meter watches. */
void board_edge_pin(int level);

/* A counter of 32 bits that counts upwards, at whole MHz; hz 0: there is none. */
typedef struct {
  const char* name;
  uint32_t hz;
  const volatile uint32_t* count;
} board_counter;

/* A timer that runs after board_init() and is finer than SysTick. Asked for where the core has no cycle counter. */
extern const board_counter board_timer;

#endif
