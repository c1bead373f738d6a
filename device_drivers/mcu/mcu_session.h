// A model on a board: an image that was compiled for it (mode own), or whatever its firmware runs (mode existing).
#pragma once

#include <memory>

#include "device_drivers/api/driver.h"
#include "device_drivers/mcu/mcu_settings.h"

namespace paddock {

// INVALID_ARGUMENT: the image is for another board, or what it takes is not what the job was prepared for. UNIMPLEMENTED: a
// runtime option. UNAVAILABLE and DEADLINE_EXCEEDED: the board, with what was last said.
Result<std::unique_ptr<Session>> OpenMcuSession(const McuSettings& settings, const SessionRequest& request,
                                                Deadline deadline);

}  // namespace paddock
