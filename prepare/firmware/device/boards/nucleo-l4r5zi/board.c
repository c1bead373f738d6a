/* NUCLEO-L4R5ZI, 120 MHz. Line: LPUART1 on PG7 and PG8, the ST-Link's virtual COM port. Edge: D7 (PF13).
 * UNTESTED ON HARDWARE: written from the manuals (RM0432, UM2179), compiled and linked only. */
#define UART_BASE 0x40008000u
#define UART_INTERRUPT 70u
#define UART_DIVIDER_VALUE 266667u /* 256 * 120 MHz / 115200 */
#define EDGE_PORT 'F'
#define EDGE_PIN 13u
#include "../../parts/stm32l4plus.h"

const char board_name[] = "nucleo-l4r5zi";
const uint32_t board_core_hz = 120000000;
const uint32_t board_device_id = 0x470;
const board_counter board_timer = {0, 0, 0};

void board_init(void) {
  stm32l4plus_clock_start();
  PWR_CONTROL_2 |= 1u << 9; /* IOSV: port G has a supply of its own */
  RCC_AHB2_ENABLE |= 1u << 5 | 1u << 6;
  RCC_APB1_ENABLE_2 |= 1u;
  (void)RCC_APB1_ENABLE_2;
  gpio_output(EDGE_PORT, EDGE_PIN, 1);
  gpio_alternate('G', 7, 8);
  gpio_alternate('G', 8, 8);
  uart_start();
}
