/* Registers that all cores from Cortex-M3 on have (Armv7-M Architecture Reference Manual, DDI 0403, B3 and C1). */
#ifndef PADDOCK_CORTEX_M_H
#define PADDOCK_CORTEX_M_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t*)(uintptr_t)(address))

#define SYSTICK_CONTROL REGISTER(0xE000E010u)
#define SYSTICK_RELOAD REGISTER(0xE000E014u)
#define SYSTICK_VALUE REGISTER(0xE000E018u)
#define NVIC_ENABLE(interrupt) REGISTER(0xE000E100u + 4u * ((interrupt) / 32u))
#define NVIC_DISABLE(interrupt) REGISTER(0xE000E180u + 4u * ((interrupt) / 32u))
#define SCB_INTERRUPT_CONTROL REGISTER(0xE000ED04u)
#define SCB_VECTOR_TABLE REGISTER(0xE000ED08u)
#define SCB_RESET_CONTROL REGISTER(0xE000ED0Cu)
#define SCB_CONFIGURABLE_FAULT REGISTER(0xE000ED28u)
#define SCB_HARD_FAULT REGISTER(0xE000ED2Cu)
#define SCB_COPROCESSOR_ACCESS REGISTER(0xE000ED88u)
#define DEBUG_MONITOR_CONTROL REGISTER(0xE000EDFCu)
#define DWT_CONTROL REGISTER(0xE0001000u)
#define DWT_CYCLES REGISTER(0xE0001004u)
#define DWT_LOCK REGISTER(0xE0001FB0u)

/* Keeps interrupts out until the answer is given to interrupts_restore(). */
static inline uint32_t interrupts_hold(void) {
  uint32_t before;
  __asm volatile("mrs %0, primask\n\tcpsid i" : "=r"(before) : : "memory");
  return before;
}
static inline void interrupts_restore(uint32_t before) {
  __asm volatile("msr primask, %0" : : "r"(before) : "memory");
}

#endif
