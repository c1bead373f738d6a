/* NUCLEO-H7A3ZI-Q, 280 MHz. Line: USART3 on PD8 and PD9, the ST-Link's virtual COM port. Edge: D7 (PG12).
 * UNTESTED ON HARDWARE: written from the manuals (RM0455, UM2407), compiled and linked only. */
#define UART_BASE 0x40004800u
#define UART_INTERRUPT 39u
#define UART_DIVIDER_VALUE 1215u /* 140 MHz / 115200 */
#define EDGE_PORT 'G'
#define EDGE_PIN 12u
#include "../../parts/stm32h7a3.h"

const char board_name[] = "nucleo-h7a3zi-q";
const uint32_t board_core_hz = 280000000;
const uint32_t board_device_id = 0x480;
const board_counter board_timer = {0, 0, 0};

void board_init(void) {
  stm32h7a3_clock_start();
  stm32h7a3_caches_start();
  RCC_AHB4_ENABLE |= 1u << 3 | 1u << 6;
  RCC_APB1L_ENABLE |= 1u << 18;
  (void)RCC_APB1L_ENABLE;
  gpio_output(EDGE_PORT, EDGE_PIN, 1);
  gpio_alternate('D', 8, 7);
  gpio_alternate('D', 9, 7);
  uart_start();
}
