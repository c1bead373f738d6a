#include "device_drivers/simulated/fault_script.h"

#include <catch2/catch.hpp>

namespace paddock {
namespace {

using Catch::Matchers::Contains;

TEST_CASE("a fault script says what happens at which stage", "[simulated]") {
  const auto script = FaultScript::Parse("slow@measuring:2.5;crash@measuring#1;exit@loading:3");
  REQUIRE(script.ok());
  const auto measuring = script->At("measuring", 1);
  REQUIRE(measuring.size() == 2);
  CHECK(measuring[0].action == FaultAction::kSlow);
  CHECK(measuring[0].argument == 2.5);
  CHECK(measuring[1].action == FaultAction::kCrash);
  CHECK(script->At("measuring", 0).size() == 1);
  CHECK(script->At("loading", 7).at(0).argument == 3);
  CHECK(script->At("warm-up", 0).empty());
}

TEST_CASE("actions with an argument have a default for it", "[simulated]") {
  const auto script = FaultScript::Parse("slow@warm-up;exit@reporting;disconnect@transferring");
  REQUIRE(script.ok());
  CHECK(script->At("warm-up", 0).at(0).argument == 10);
  CHECK(script->At("reporting", 0).at(0).argument == 1);
  CHECK(script->LinkCutsS() == std::map<std::string, double>{{"transferring", 5}});
}

TEST_CASE("a cut link is the agent's business and not the worker's", "[simulated]") {
  const auto script = FaultScript::Parse("disconnect@measuring:0.5");
  REQUIRE(script.ok());
  CHECK(script->At("measuring", 0).empty());
  CHECK(script->LinkCutsS() == std::map<std::string, double>{{"measuring", 0.5}});
}

TEST_CASE("no text is no faults", "[simulated]") {
  const auto script = FaultScript::Parse("");
  REQUIRE(script.ok());
  CHECK_FALSE(script->Has(FaultAction::kSlow));
}

TEST_CASE("a fault that is not one is refused with what it may be", "[simulated]") {
  const std::pair<std::string, std::string> cases[] = {
      {"crash", "no '@'"},
      {"crush@measuring", "no action 'crush', only: slow, silent, crash"},
      {"crash@cooking", "loading, warm-up, measuring"},
      {"crash@transferring", "has a meaning in"},
      {"error@reporting", "has a meaning in"},
      {"wrong-output@loading", "has a meaning in"},
      {"crash@", "has a meaning in"},
      {"crash@measuring:3", "takes no argument"},
      {"crash@measuring#", "number of a repetition"},
      {"crash@measuring#-1", "number of a repetition"},
      {"crash@measuring#4294967296", "number of a repetition"},
      {"disconnect@measuring#0", "knows none"},
      {"exit@loading:256", "from 0 to 255"},
      {"exit@loading:1.5", "from 0 to 255"},
      {"slow@measuring:fast", "must be a number"},
      {"slow@measuring:nan", "must be a number"},
      {"slow@measuring:-1", "must be a number"},
      {";crash@measuring", "no '@'"},
  };
  for (const auto& [text, reason] : cases) {
    INFO(text);
    const auto script = FaultScript::Parse(text);
    CHECK(script.status().code() == StatusCode::kInvalidArgument);
    CHECK_THAT(script.status().message(), Contains(reason) && Contains("ACTION@STAGE"));
  }
}

}  // namespace
}  // namespace paddock
