// Hostile bytes into both strict readers: whatever they are, the answer is a value within the limits or an error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/strict_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const paddock::ParseLimits limits{.max_bytes = 1 << 16, .max_depth = 16, .max_nodes = 1000};
  for (const auto& result :
       {paddock::ParseJson(text, "fuzz.json", limits), paddock::ParseYaml(text, "fuzz.yaml", limits)}) {
    if (!result.ok()) {
      PADDOCK_CHECK(!result.status().message().empty(), "an error says what is wrong");
      continue;
    }
    static_cast<void>(result->dump());  // throws on text that is not UTF-8
    paddock::StrictObject object(*result, "");
    std::string name;
    object.Optional("name", &name);
    static_cast<void>(object.Finish());
  }
  return 0;
}
