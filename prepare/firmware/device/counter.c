#include "counter.h"

#include "board.h"
#include "cortex_m.h"

#define SYSTICK_PERIOD \
  (1u << 24) /* it counts down and stands at 0 for one of them, when it raises its interrupt */

static board_counter source;
static uint64_t total; /* at the last look; of SysTick: at the start of its period */
static uint32_t last;  /* *source.count at the last look */

/* SysTick ends its period many times before a counter of 32 bits wraps: at 1 GHz each 4.3 s, at 25 MHz SysTick takes 0.7 s. */
static uint64_t look(void) {
  if (source.count == 0) {
    uint32_t value = SYSTICK_VALUE;
    const int has_wrapped = (SCB_INTERRUPT_CONTROL & (1u << 26)) != 0; /* the interrupt waits */
    if (has_wrapped) value = SYSTICK_VALUE;
    return total + (has_wrapped ? SYSTICK_PERIOD : 0u) + ((SYSTICK_PERIOD - value) & (SYSTICK_PERIOD - 1u));
  }
  const uint32_t now = *source.count;
  total += now - last;
  last = now;
  return total;
}

void systick_interrupt(void) {
  const uint32_t before = interrupts_hold();
  if (source.count == 0) {
    total += SYSTICK_PERIOD;
  } else {
    look();
  }
  interrupts_restore(before);
}

static int counts(const volatile uint32_t* count) {
  const uint32_t before = *count;
  for (volatile int i = 0; i < 100; ++i) {
  }
  return *count != before;
}

void counter_start(void) {
  DEBUG_MONITOR_CONTROL |= 1u << 24; /* TRCENA */
  DWT_LOCK = 0xC5ACCE55u;
  DWT_CYCLES = 0;
  DWT_CONTROL |= 1u; /* CYCCNTENA */
  const board_counter cycles = {"dwt", board_core_hz, &DWT_CYCLES};
  const board_counter systick = {"systick", board_core_hz, 0};
  if (counts(cycles.count)) {
    source = cycles;
  } else if (board_timer.hz != 0 && counts(board_timer.count)) {
    source = board_timer;
  } else {
    source = systick;
  }
  SYSTICK_RELOAD = SYSTICK_PERIOD - 1u;
  counter_restart(0);
  SYSTICK_CONTROL = 7; /* the core's clock, with interrupt, on */
}

const char* counter_name(void) { return source.name; }
uint32_t counter_hz(void) { return source.hz; }

uint64_t counter_read(void) {
  const uint32_t before = interrupts_hold();
  const uint64_t value = look();
  interrupts_restore(before);
  return value;
}

void counter_restart(uint64_t value) {
  const uint32_t before = interrupts_hold();
  SYSTICK_VALUE = 0;                /* any write begins a new period */
  SCB_INTERRUPT_CONTROL = 1u << 25; /* and forgets an interrupt that waits */
  total = value;
  last = source.count == 0 ? 0 : *source.count;
  interrupts_restore(before);
}
