// The speed of a serial port, any number of bauds and not only those that termios has names for. Linux.
#pragma once

#include <cstdint>
#include <optional>

#include "base/status.h"

namespace paddock {

// In both directions. UNAVAILABLE: the port is none, or does not come closer to it than a UART may be off (2 %).
Status SetBaudRate(int port, std::uint32_t baud);

// Of what the port sends. Empty: it is no port.
std::optional<std::uint32_t> BaudRateOf(int port);

}  // namespace paddock
