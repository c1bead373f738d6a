// The instruments beside the device that are known: ST's X-NUCLEO-LPM01A and a Joulescope-style stream of lines. What they
// send: meters.md.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "device_drivers/api/power_meter.h"
#include "device_drivers/meters/line_instrument.h"

namespace paddock {

std::span<const OptionDoc> Lpm01aOptions();
Result<std::unique_ptr<PowerMeter>> CreateLpm01aMeter(const DriverOptions& options, const std::string& root);
// Joules of a stream of `rate_hz` whose target is supplied with `millivolts`, and the falling edges of its pin D7.
std::unique_ptr<LineProtocol> Lpm01aProtocol(std::int64_t millivolts, std::int64_t rate_hz, bool sees_edges);

std::span<const OptionDoc> JoulescopeOptions();
Result<std::unique_ptr<PowerMeter>> CreateJoulescopeMeter(const DriverOptions& options,
                                                          const std::string& root);
std::unique_ptr<LineProtocol> JoulescopeProtocol();

}  // namespace paddock
