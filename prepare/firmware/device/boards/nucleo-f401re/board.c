/* NUCLEO-F401RE, 84 MHz from HSI. Line: USART2 on PA2 and PA3, the ST-Link's virtual COM port. Edge: D7 (PA8).
 * UNTESTED ON HARDWARE: written from the manuals (RM0368, UM1724), compiled and linked only. */
#define UART_BASE 0x40004400u
#define UART_INTERRUPT 38u
#define UART_CLOCK_HZ 42000000u
#define EDGE_PORT 'A'
#define EDGE_PIN 8u
#include "../../parts/stm32f4.h"

const char board_name[] = "nucleo-f401re";
const uint32_t board_core_hz = 84000000;
const uint32_t board_device_id = 0x433;
const board_counter board_timer = {0, 0, 0};

void board_init(void) {
  stm32f4_clock_start((stm32f4_clock){.m = 16, .n = 336, .p = 4, .wait_states = 2, .apb1 = 4});
  RCC_AHB1_ENABLE |= 1u;
  RCC_APB1_ENABLE |= 1u << 17;
  (void)RCC_APB1_ENABLE;
  gpio_output(EDGE_PORT, EDGE_PIN, 1);
  gpio_alternate('A', 2, 7);
  gpio_alternate('A', 3, 7);
  uart_start();
}
