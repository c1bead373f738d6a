#include "device_drivers/registry.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "base/file.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

TEST_CASE("no two driver families and no two options of one share a name", "[registry]") {
  std::set<std::string_view> names;
  for (const DriverEntry& entry : AllDrivers()) {
    INFO(entry.name);
    CHECK(names.insert(entry.name).second);
    CHECK_FALSE(entry.summary.empty());
    std::set<std::string_view> keys;
    for (const OptionDoc& option : entry.options) {
      INFO(option.key);
      CHECK(keys.insert(option.key).second);
      CHECK_THAT(std::string(option.help), Contains("default"));
    }
  }
}

TEST_CASE("each family has its page beside the code, and the page names every option", "[registry]") {
  for (const DriverEntry& entry : AllDrivers()) {
    const std::string name(entry.name);
    const auto page = ReadFile(PADDOCK_SOURCE_DIR "/device_drivers/" + name + "/" + name + ".md");
    REQUIRE(page.ok());
    for (const OptionDoc& option : entry.options)
      CHECK_THAT(*page, Contains("`" + std::string(option.key) + "`"));
  }
}

TEST_CASE("a driver is found by its name", "[registry]") {
  const auto found = FindDriver("simulated");
  REQUIRE(found.ok());
  CHECK((*found)->name == "simulated");
  const auto device = (*found)->create({});
  REQUIRE(device.ok());
  CHECK((*device)->Describe().driver == "simulated");
}

TEST_CASE("a driver that does not exist is answered with those that do", "[registry]") {
  const auto found = FindDriver("simulate");
  REQUIRE(found.status().code() == StatusCode::kNotFound);
  CHECK_THAT(found.status().message(),
             Contains("'simulate'") && Contains("onnxruntime, simulated") && Contains("simulated"));
}

}  // namespace
}  // namespace paddock
