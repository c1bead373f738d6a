#include "line.h"

#include "board.h"
#include "cortex_m.h"

#define RING_BYTES 16u /* a power of two */

static volatile uint8_t ring[RING_BYTES];
static volatile uint32_t ring_in;  /* bytes ever put in; by the interrupt only */
static volatile uint32_t ring_out; /* bytes ever taken out */
static volatile int is_paused;

void line_listen(int is_on) {
  const uint32_t bit = 1u << (board_receive_interrupt % 32u);
  if (is_on) {
    NVIC_ENABLE(board_receive_interrupt) = bit;
  } else {
    NVIC_DISABLE(board_receive_interrupt) = bit;
  }
}

void line_interrupt(void) {
  while (ring_in - ring_out < RING_BYTES) {
    const int byte = board_receive();
    if (byte < 0) return;
    ring[ring_in % RING_BYTES] = (uint8_t)byte;
    ring_in = ring_in + 1u;
  }
  line_listen(0);
  is_paused = 1;
}

uint8_t line_read(void) {
  while (ring_in == ring_out) {
    /* With PRIMASK set an interrupt ends WFI but is not taken, so one that comes before it does. */
    const uint32_t before = interrupts_hold();
    if (ring_in == ring_out) __asm volatile("wfi" : : : "memory");
    interrupts_restore(before);
  }
  const uint8_t byte = ring[ring_out % RING_BYTES];
  ring_out = ring_out + 1u;
  if (is_paused) {
    is_paused = 0;
    line_interrupt(); /* QEMU's STM32 has lowered it for a byte that it had ready */
    if (!is_paused) line_listen(1);
  }
  return byte;
}

void print_text(const char* text) {
  while (*text != '\0') board_send((uint8_t)*text++);
}

static void print_digits(uint32_t value, unsigned least) {
  char digits[10];
  unsigned count = 0;
  do {
    digits[count++] = (char)('0' + value % 10u);
    value /= 10u;
  } while (value != 0u || count < least);
  while (count > 0) board_send((uint8_t)digits[--count]);
}

void print_unsigned(uint32_t value) { print_digits(value, 1); }

void print_hex(uint32_t value, unsigned digits) {
  while (digits > 0) board_send((uint8_t) "0123456789abcdef"[(value >> (4u * --digits)) & 15u]);
}

void print_float(float value) {
  union {
    float number;
    uint32_t bits;
  } form = {value};
  if (form.bits >> 31) board_send('-');
  form.bits &= 0x7FFFFFFFu;
  if (form.bits >= 0x7F800000u) {
    print_text(form.bits > 0x7F800000u ? "nan" : "inf");
    return;
  }
  unsigned exponent = 0;
  if (form.number >= 1e9f) {
    for (; form.number >= 10.0f; form.number /= 10.0f) ++exponent;
  }
  uint32_t whole = (uint32_t)form.number;
  uint32_t millionths = (uint32_t)((form.number - (float)whole) * 1e6f + 0.5f);
  if (millionths == 1000000u) {
    millionths = 0;
    ++whole;
  }
  print_digits(whole, 1);
  board_send('.');
  print_digits(millionths, 6);
  if (exponent > 0) {
    board_send('e');
    print_digits(exponent, 1);
  }
}
