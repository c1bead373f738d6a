// Hostile bytes as an ELF file, or as the JSON in it: an error, or facts that survive being written and read again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kpi/network_facts.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto facts =
      bytes.starts_with('{') ? paddock::DecodeNetworkFacts(bytes) : paddock::ReadNetworkFacts(bytes);
  if (!facts.ok()) {
    PADDOCK_CHECK(!facts.status().message().empty(), "an error says what is wrong");
    return 0;
  }
  const auto again = paddock::DecodeNetworkFacts(paddock::EncodeNetworkFacts(*facts));
  PADDOCK_CHECK(again.ok() && *again == *facts, "what was read can be written");
  return 0;
}
