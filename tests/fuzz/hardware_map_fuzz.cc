// Hostile hardware maps: an error, or entries that survive being written and read, and agents whose files can be read.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/strict_json.h"
#include "boards/agent_file.h"
#include "boards/hardware_map.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto entries = paddock::ParseHardwareMap(text, "fuzz.yaml");
  if (!entries.ok()) {
    PADDOCK_CHECK(!entries.status().message().empty(), "an error says what is wrong");
    return 0;
  }
  for (auto& entry : *entries) entry.other_keys.clear();
  const auto again = paddock::ParseHardwareMap(paddock::HardwareMapText(*entries), "again.yaml");
  PADDOCK_CHECK(again.ok() && *again == *entries, "what was read can be written");
  const auto imported = paddock::ImportHardwareMap(*entries);
  PADDOCK_CHECK(imported.agents.size() + imported.skipped.size() == entries->size(), "no entry is lost");
  for (const auto& agent : imported.agents) {
    const auto file = paddock::ParseYaml(paddock::AgentFileText(agent), "agent.yaml");
    PADDOCK_CHECK(file.ok() && (*file)["id"] == agent.id, "an agent's file can be read");
  }
  return 0;
}
