// Hostile bytes as a run plan: an error, or a plan whose JSON form is read as the same plan.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "kpi/run_plan.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto plan = paddock::DecodeRunPlan({reinterpret_cast<const char*>(data), size});
  if (!plan.ok()) {
    PADDOCK_CHECK(!plan.status().message().empty(), "an error says what is wrong");
    return 0;
  }
  const std::string text = paddock::EncodeRunPlan(*plan);
  const auto again = paddock::DecodeRunPlan(text);
  PADDOCK_CHECK(again.ok() && paddock::EncodeRunPlan(*again) == text, "a plan survives its JSON form");
  return 0;
}
