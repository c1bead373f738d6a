/* QEMU's netduinoplus2: an STM32F405 without RCC, GPIO and flash controller; clocks are as they are. Its TIM2 counts at 1 GHz of
 * virtual time, which under -icount shift=0 is each instruction. */
#define UART_BASE 0x40011000u /* USART1, the first serial port */
#define UART_INTERRUPT 37u
#define UART_CLOCK_HZ 84000000u
#define EDGE_PORT 'A'
#define EDGE_PIN 8u
#include "../../parts/stm32f4.h"

const char board_name[] = "qemu-stm32f405";
const uint32_t board_core_hz = 168000000;
const uint32_t board_device_id = 0x413;
const board_counter board_timer = {"tim2", 1000000000, &REGISTER(0x40000024u)};

void board_init(void) {
  REGISTER(0x4000002Cu) = 0xFFFFFFFFu; /* TIM2: reload, no prescaler, on */
  REGISTER(0x40000028u) = 0;
  REGISTER(0x40000000u) = 1;
  uart_start();
}
