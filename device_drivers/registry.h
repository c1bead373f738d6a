// The one visible table of driver families. A new family is one folder, one line in registry.cc and one Markdown file.
#pragma once

#include <span>
#include <string_view>

#include "base/status.h"
#include "device_drivers/api/driver.h"

namespace paddock {

std::span<const DriverEntry> AllDrivers();
// NOT_FOUND lists the names that exist.
Result<const DriverEntry*> FindDriver(std::string_view name);

}  // namespace paddock
