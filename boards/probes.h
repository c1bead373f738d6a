// Debug probes among the USB devices: which they are, what flashes through them, which serial port is their board's. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "boards/usb_devices.h"

namespace paddock {

struct ProbeKind {
  std::string_view name;               // "ST-Link V2-1"
  std::string_view flash_tool;         // as the driver's option flash_tool calls it
  std::string_view openocd_interface;  // empty: not through OpenOCD
};

// Absent: no probe that is known. Goes by vendor and product number, and for CMSIS-DAP by the product's name, which its
// specification demands.
std::optional<ProbeKind> KindOfProbe(const UsbDevice& device);

std::vector<UsbDevice> OnlyProbes(const std::vector<UsbDevice>& devices);

// The port of the board behind the probe: the first one, but for a Black Magic probe, whose first is gdb's. Null: it has none.
const UsbSerialPort* BoardPort(const UsbDevice& probe);

// How an option names a probe: its serial number; without one its place, "usb:1-2.3".
std::string ProbeName(const UsbDevice& probe);
// The one that is so named; null when it is not there.
const UsbDevice* FindProbe(const std::vector<UsbDevice>& devices, std::string_view name);

// "066B... (ST-Link V2-1 at 1-2), ..."; "none" without any.
std::string ListOfProbes(const std::vector<UsbDevice>& devices);

}  // namespace paddock
