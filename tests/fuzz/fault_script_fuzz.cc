// Hostile option values: whatever they are, the simulated driver is made or says what is wrong, and a fault
// script that was accepted only names stages that exist.
#include <cstddef>
#include <cstdint>
#include <string>

#include "device_drivers/simulated/fault_script.h"
#include "device_drivers/simulated/simulated_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto script = paddock::FaultScript::Parse(text); script.ok()) {
    for (const auto& [stage, seconds] : script->LinkCutsS()) {
      PADDOCK_CHECK(!stage.empty() && seconds >= 0, "a link is cut at a stage, for a time");
    }
    PADDOCK_CHECK(script->At("transferring", 0).empty(), "there is no worker while files travel");
  } else {
    PADDOCK_CHECK(!script.status().message().empty(), "an error says what is wrong");
  }
  // Its first byte chooses the option.
  const auto options = paddock::SimulatedOptions();
  if (size == 0) return 0;
  const std::string key(options[data[0] % options.size()].key);
  const auto driver = paddock::CreateSimulatedDriver({{key, text.substr(1)}});
  PADDOCK_CHECK(driver.ok() || !driver.status().message().empty(), "an error says what is wrong");
  return 0;
}
