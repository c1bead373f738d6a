// What is attached to this machine that an agent could use: debug probes and serial ports, and the agent's configuration for each.
// Reads below /sys and /dev, opens no device.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "boards/agent_file.h"
#include "boards/known_boards.h"
#include "boards/probes.h"
#include "boards/usb_devices.h"

namespace paddock {

struct Discovered {
  UsbDevice device;
  std::optional<ProbeKind> kind{};    // absent: something else with a serial port
  const KnownBoard* board = nullptr;  // null: the device does not say
  std::optional<BoardAgent> agent{};  // absent: it has no serial port, so nobody could be asked
};

// Probes, and other USB devices with a serial port, in the order of their sockets. `root` stands before /sys and /dev.
std::vector<Discovered> Discover(const std::string& root);

// The port by the name that lasts longest.
std::string LastingName(const UsbSerialPort& port);

// For people: a table, then a configuration file for each board. For scripts: JSON with the same (docs/boards.md).
std::string DiscoveryText(const std::vector<Discovered>& found);
std::string DiscoveryJson(const std::vector<Discovered>& found);

}  // namespace paddock
