// The tries of one flashing, one after the other, each more insistent. Runs the tool; knows nothing of locks and records.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "boards/usb_devices.h"
#include "device_drivers/mcu/flash_tool.h"
#include "device_drivers/mcu/flasher.h"

namespace paddock {

// What a configuration calls the target's probe: a serial number, "usb:1-2.3", or gdb's server.
std::string ProbeNameOf(const FlashTarget& target);

// OK: flashed and verified. RESOURCE_EXHAUSTED, FAILED_PRECONDITION: no try could change it. UNAVAILABLE: none helped; the message
// names the probe, what the tool said at last and what was tried. CANCELLED, DEADLINE_EXCEEDED: in between; the tool was killed.
// `tries` gets a line for each.
Status ClimbLadder(const FlasherSettings& settings, const FlashFiles& files, Deadline deadline,
                   const std::function<bool()>& cancelled, std::vector<std::string>* tries);

}  // namespace paddock
