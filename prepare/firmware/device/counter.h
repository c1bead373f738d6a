/* One counter of time or of cycles, of 64 bits: the core's cycle counter (DWT) where it is seen to count, else the board's timer,
 * else SysTick. An emulator may have registers for a counter that stands still, so each is tried at start. One thread. */
#ifndef PADDOCK_COUNTER_H
#define PADDOCK_COUNTER_H

#include <stdint.h>

void counter_start(void);

const char* counter_name(void); /* "dwt", "tim2", "systick" */
uint32_t counter_hz(void);

uint64_t counter_read(void);

/* Goes on from `value`. The interrupt that extends the counter comes after a whole period of its own from here on, so that a
 * window of the same work holds the same number of them. */
void counter_restart(uint64_t value);

#endif
