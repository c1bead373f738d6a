/* GPIO ports of STM32 parts from the F2 on. Ports are 0x400 apart: 'A', 'B' ... */
#ifndef PADDOCK_STM32_GPIO_H
#define PADDOCK_STM32_GPIO_H

#include "../cortex_m.h"

/* The part defines GPIO_BASE, that of port A. */
#define GPIO(port, offset) REGISTER(GPIO_BASE + 0x400u * (uint32_t)((port) - 'A') + (offset))

static inline void gpio_alternate(char port, unsigned pin, unsigned function) {
  volatile uint32_t* const select = &GPIO(port, 0x20u + 4u * (pin / 8u));
  *select = (*select & ~(15u << (4u * (pin % 8u)))) | (function << (4u * (pin % 8u)));
  GPIO(port, 0x08u) |= 2u << (2u * pin); /* fast edges */
  GPIO(port, 0x00u) = (GPIO(port, 0x00u) & ~(3u << (2u * pin))) | (2u << (2u * pin));
}

static inline void gpio_write(char port, unsigned pin, int level) {
  GPIO(port, 0x18u) = 1u << (level ? pin : pin + 16u);
}

static inline void gpio_output(char port, unsigned pin, int level) {
  gpio_write(port, pin, level);
  GPIO(port, 0x08u) |= 2u << (2u * pin);
  GPIO(port, 0x00u) = (GPIO(port, 0x00u) & ~(3u << (2u * pin))) | (1u << (2u * pin));
}

#endif
