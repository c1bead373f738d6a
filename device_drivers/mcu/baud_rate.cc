#include "device_drivers/mcu/baud_rate.h"

#include <asm/termbits.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace paddock {

std::optional<std::uint32_t> BaudRateOf(int port) {
  termios2 settings{};
  if (::ioctl(port, TCGETS2, &settings) != 0) return std::nullopt;
  return settings.c_ospeed;
}

Status SetBaudRate(int port, std::uint32_t baud) {
  constexpr std::uint64_t kPartOff = 50;
  termios2 settings{};
  bool is_done = ::ioctl(port, TCGETS2, &settings) == 0;
  settings.c_cflag &=
      ~static_cast<tcflag_t>(CBAUD | CIBAUD);  // no speed of its own for input: that of output
  settings.c_cflag |= static_cast<tcflag_t>(BOTHER);
  settings.c_ospeed = baud;
  is_done = is_done && ::ioctl(port, TCSETS2, &settings) == 0;
  if (!is_done) return UnavailableError(std::strerror(errno));
  const std::uint64_t now = BaudRateOf(port).value_or(0);
  const std::uint64_t off = now > baud ? now - baud : baud - now;
  if (off * kPartOff <= baud) return OkStatus();
  return UnavailableError("it takes " + std::to_string(now));
}

}  // namespace paddock
