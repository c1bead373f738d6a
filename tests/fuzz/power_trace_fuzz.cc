// Hostile bytes as a power trace: an error, or a trace that survives being written and read again and whose energy can be
// computed.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kpi/energy.h"
#include "kpi/power_trace.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto trace = paddock::DecodePowerTrace({reinterpret_cast<const char*>(data), size});
  if (!trace.ok()) {
    PADDOCK_CHECK(!trace.status().message().empty(), "an error says what is wrong");
    return 0;
  }
  const auto again = paddock::DecodePowerTrace(paddock::EncodePowerTrace(*trace));
  PADDOCK_CHECK(again.ok(), "what was read can be written");
  PADDOCK_CHECK(*again == *trace, "every sample and mark survives");
  static_cast<void>(paddock::MeasuredEnergy(*trace));
  return 0;
}
