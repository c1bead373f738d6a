#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/fakes/fake_tree.h"
#include "tests/unit/agent/runner_fixture.h"

namespace paddock::agent {
namespace {

// A zone that is heated by every measurement, and cools a little whenever the runner says that it waits.
struct HeatedMachine {
  FakeTree tree;
  std::int64_t mdegc = 40'000;
  ThermalGate gate{SystemClock(), tree.root(), {.poll = std::chrono::milliseconds(1)}};

  void Feel(const Progress& sent) {
    if (sent.stage == kStageMeasuring) mdegc = 55'000;
    if (sent.stage == kStageCooling) mdegc -= 1'000;
    tree.Put("/sys/class/thermal/thermal_zone0/temp", std::to_string(mdegc));
  }
};

TEST_CASE("a repetition waits until the machine is as cool as at the first one, and says so", "[runner]") {
  Runner runner;
  HeatedMachine machine;
  runner.thermal_gate = &machine.gate;
  runner.on_progress = [&](const Progress& sent) { machine.Feel(sent); };
  const Report report = runner.Run({});
  UNSCOPED_INFO((report.failure ? report.failure->message : std::string()));
  REQUIRE(report.outcome == Outcome::kDone);

  std::vector<std::string> waits;
  for (const Progress& sent : runner.progress) {
    if (sent.stage == kStageCooling && !sent.detail.empty()) waits.push_back(sent.detail);
    if (sent.stage == kStageCooling) CHECK(sent.repetition == 2);
    if (sent.stage != kStageCooling) CHECK(sent.detail.empty());
  }
  REQUIRE(waits.size() > 2);
  CHECK(waits.front() == "55.0 C, waiting for 43.0 C");
  const auto cooled = std::find_if(report.stages.begin(), report.stages.end(),
                                   [](const StageTime& stage) { return stage.stage == kCoolDownStage; });
  REQUIRE(cooled != report.stages.end());
  CHECK(cooled->repetition == 1);
  const auto request = DecodeWorkerRequest(ReadFile(WorkerRequestPath(runner.spooled->folder)).value());
  REQUIRE(request.ok());
  CHECK(request->cooldown_reached == true);
  CHECK(request->cooldown_s.value_or(0) > 0);
}

TEST_CASE("a wait for a cool machine ends with the run", "[runner]") {
  Runner runner;
  HeatedMachine machine;
  runner.thermal_gate = &machine.gate;
  bool cooling = false;
  runner.on_progress = [&](const Progress& sent) {
    if (sent.stage == kStageCooling) cooling = true;
    if (!cooling) machine.Feel(sent);
  };
  const Report report = runner.Run({}, [&] { return cooling; });
  CHECK(report.outcome == Outcome::kCancelled);
  CHECK(report.repetitions.size() == 1);
}

}  // namespace
}  // namespace paddock::agent
