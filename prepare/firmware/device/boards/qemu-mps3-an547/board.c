/* QEMU's mps3-an547: Arm's FPGA image AN547, a Cortex-M55. The core stays in secure state: secure addresses of everything. */
#define UART_BASE 0x59303000u
#define UART_INTERRUPT 33u
#define UART_CLOCK_HZ 25000000u
#include "../../parts/cmsdk_uart.h"

const char board_name[] = "qemu-mps3-an547";
const uint32_t board_core_hz = 32000000;
const uint32_t board_device_id = 0;
const board_counter board_timer = {0, 0, 0};

void board_init(void) { uart_start(); }

void board_edge_pin(int level) { (void)level; }
