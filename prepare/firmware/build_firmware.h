// From a network as C to a program: the firmware of device/ around it for a board, or a shared object for this machine. Nothing is
// left of a build that failed, and the same input and compiler give the same bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "boards/known_boards.h"
#include "kpi/network_facts.h"

namespace paddock {

// Below all data, so that it meets no memory when it grows too far. Not among NetworkFacts::ram_bytes.
inline constexpr std::uint64_t kFirmwareStackBytes = 1024;

struct FirmwareOptions {
  bool optimize_for_size = false;  // of the network; what is around it is small in any case
  std::string
      model_table{};  // model_table.h; with it the firmware speaks ST's stm32msg 3.1. Empty: docs/mcu_protocol.md
};

// `facts` is of the network; target and sizes of the image are added. The image, with these facts in it, is written to
// `out_path`; the answer is those facts. OUT_OF_RANGE with the sizes when it does not fit the board, FAILED_PRECONDITION
// without the compiler. Works in a folder beside `out_path`.
Result<NetworkFacts> BuildFirmware(std::string_view network_c, NetworkFacts facts, const KnownBoard& board,
                                   const FirmwareOptions& options, const std::string& out_path);

// Likewise, a shared object with the names of network.h. Its target is this machine's architecture (base/architecture.h).
Result<NetworkFacts> BuildHostLibrary(std::string_view network_c, NetworkFacts facts,
                                      const std::string& out_path);

}  // namespace paddock
