// Hostile bytes as a job file: whatever they are, the answer is a message or an error that says what is wrong.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/strict_json.h"
#include "cli/job_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto json =
      paddock::ParseYaml(text, "fuzz.yaml", {.max_bytes = 1 << 16, .max_depth = 16, .max_nodes = 1000});
  if (!json.ok()) return 0;
  paddock::v1::JobSpec spec;
  const paddock::Status filled = paddock::FillMessage(*json, "", spec);
  PADDOCK_CHECK(filled.ok() || !filled.message().empty(), "an error says what is wrong");
  paddock::v1::JobSpec received;
  PADDOCK_CHECK(received.ParseFromString(spec.SerializeAsString()), "what was read can be sent");
  return 0;
}
