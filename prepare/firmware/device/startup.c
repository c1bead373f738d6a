/* From reset to main(), and what is left to do after a fault. */
#include "startup.h"
#include "board.h"
#include "cortex_m.h"
#include "line.h"

/* Of link.ld.in. */
extern uint32_t link_stack_low[], link_stack_top[], link_data_load[], link_data_begin[], link_data_end[],
    link_bss_begin[], link_bss_end[];
extern const uint32_t link_vectors[];

int main(void);
void systick_interrupt(void);

static volatile int is_ready;

void startup_done(void) { is_ready = 1; }

void restart(void) {
  board_flush();
  SCB_RESET_CONTROL = 0x05FA0004u; /* SYSRESETREQ */
  for (;;) {
  }
}

/* `frame`: what the core put on the stack (Armv7-M ARM, B1.5.6); null when the stack had no room for it. */
__attribute__((used, noreturn)) static void report_fault(const uint32_t* frame) {
  print_text("\r\ne-[fault: ");
  if (frame == 0) {
    print_text("stack overflow");
  } else {
    print_text("pc 0x");
    print_hex(frame[6], 8);
  }
  print_text(", cfsr 0x");
  print_hex(SCB_CONFIGURABLE_FAULT, 8);
  print_text(", hfsr 0x");
  print_hex(SCB_HARD_FAULT, 8);
  print_text("]\r\n");
  while (!is_ready) __asm volatile("wfi"); /* a reset would only come here again */
  restart();
}

/* The stack lies at the start of RAM: one that grows too far meets no memory, which is a fault too. The report then takes all of
 * the stack for itself. */
__attribute__((naked, noreturn)) static void fault(void) {
  __asm volatile(
      "mov r0, sp\n\t"
      "ldr r1, =link_stack_low\n\t"
      "cmp r0, r1\n\t"
      "bhs 1f\n\t"
      "movs r0, #0\n\t"
      "ldr r1, =link_stack_top\n\t"
      "mov sp, r1\n"
      "1:\n\t"
      "b report_fault\n\t"
      ".ltorg");
}

__attribute__((noreturn)) void firmware_reset(void);
void firmware_reset(void) {
  SCB_VECTOR_TABLE = (uint32_t)(uintptr_t)link_vectors;
  SCB_COPROCESSOR_ACCESS |= 0xFu << 20; /* the FPU, where there is one */
  __asm volatile("dsb\n\tisb" : : : "memory");
  const uint32_t* from = link_data_load;
  for (uint32_t* to = link_data_begin; to < link_data_end; ++to) *to = *from++;
  for (uint32_t* to = link_bss_begin; to < link_bss_end; ++to) *to = 0;
  board_init();
  (void)main();
  restart();
}

typedef union {
  uint32_t* stack;
  void (*handler)(void);
} vector;

__attribute__((section(".vectors"), used)) static const vector system_vectors[16] = {
    {.stack = link_stack_top}, {.handler = firmware_reset},
    {.handler = fault},        {.handler = fault},
    {.handler = fault},        {.handler = fault},
    {.handler = fault},        {.handler = fault},
    {.handler = fault},        {.handler = fault},
    {.handler = fault},        {.handler = fault},
    {.handler = fault},        {.handler = fault},
    {.handler = fault},        {.handler = systick_interrupt},
};
