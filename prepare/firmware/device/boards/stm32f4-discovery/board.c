/* STM32F4DISCOVERY (F407), 168 MHz from its crystal of 8 MHz. Line: USART2 on PA2 and PA3, which need wires: to a serial adapter,
 * or on MB997D and later to the ST-Link's TX and RX. Edge: PA8.
 * UNTESTED ON HARDWARE: written from the manuals (RM0090, UM1472), compiled and linked only. */
#define UART_BASE 0x40004400u
#define UART_INTERRUPT 38u
#define UART_CLOCK_HZ 42000000u
#define EDGE_PORT 'A'
#define EDGE_PIN 8u
#include "../../parts/stm32f4.h"

const char board_name[] = "stm32f4-discovery";
const uint32_t board_core_hz = 168000000;
const uint32_t board_device_id = 0x413;
const board_counter board_timer = {0, 0, 0};

void board_init(void) {
  stm32f4_clock_start((stm32f4_clock){
      .has_external_clock = 1, .m = 8, .n = 336, .p = 2, .wait_states = 5, .apb1 = 5, .apb2 = 4});
  RCC_AHB1_ENABLE |= 1u;
  RCC_APB1_ENABLE |= 1u << 17;
  (void)RCC_APB1_ENABLE;
  gpio_output(EDGE_PORT, EDGE_PIN, 1);
  gpio_alternate('A', 2, 7);
  gpio_alternate('A', 3, 7);
  uart_start();
}
