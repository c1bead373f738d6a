// The one visible table of power meters, in the order in which they are tried. A new meter is its files in meters/, one line
// in meters_registry.cc and a section in meters/meters.md.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "device_drivers/api/power_meter.h"

namespace paddock {

std::span<const MeterEntry> AllMeters();
// NOT_FOUND lists the names that exist.
Result<const MeterEntry*> FindMeter(std::string_view name);
// The first meter of the machine itself that exists and answers its probe, with default options. NOT_FOUND when there is
// none of any kind; otherwise UNAVAILABLE with what each that exists said.
Result<std::unique_ptr<PowerMeter>> FirstWorkingMeter(const std::string& root, Deadline deadline);

}  // namespace paddock
