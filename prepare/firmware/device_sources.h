// The C sources of what runs on a device, which are part of this program.
#pragma once

#include <span>

#include "prepare/codegen/embedded_text.h"

namespace paddock {

// prepare/firmware/device/: names such as "main.c" and "boards/nucleo-f401re/board.c".
std::span<const EmbeddedText> DeviceSources();

// prepare/firmware/network.h, alone.
std::span<const EmbeddedText> NetworkHeader();

}  // namespace paddock
