// Hostile text of a board: whatever it says, tokens are found in it or not, and a token's text is part of what was said.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "device_drivers/mcu/eembc_tokens.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  for (const paddock::EembcToken& token : paddock::FindEembcTokens(line)) {
    PADDOCK_CHECK(line.find(token.text) != line.npos, "a token's text was said");
    static_cast<void>(paddock::ParseEembcResults(token.text));
    static_cast<void>(paddock::ParseFrameAbility(token.text));
  }
  if (const auto results = paddock::ParseEembcResults(line))
    PADDOCK_CHECK(!results->empty() && results->size() <= size, "each number was said");
  if (const auto ability = paddock::ParseFrameAbility(line))
    PADDOCK_CHECK(ability->counter_hz > 0 && ability->data_bytes >= 16, "an ability is within reason");
  return 0;
}
