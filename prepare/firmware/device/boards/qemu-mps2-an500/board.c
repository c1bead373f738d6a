/* QEMU's mps2-an500: Arm's FPGA image AN500, a Cortex-M7. */
#define UART_BASE 0x40004000u
#define UART_INTERRUPT 0u
#define UART_CLOCK_HZ 25000000u
#include "../../parts/cmsdk_uart.h"

const char board_name[] = "qemu-mps2-an500";
const uint32_t board_core_hz = 25000000;
const uint32_t board_device_id = 0;
const board_counter board_timer = {0, 0, 0};

void board_init(void) { uart_start(); }

void board_edge_pin(int level) { (void)level; }
