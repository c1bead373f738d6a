#include "agent/stage_clock.h"

#include <catch2/catch.hpp>

#include "tests/fakes/fake_clock.h"

namespace paddock::agent {
namespace {

TEST_CASE("a stage that is entered again goes on, and the first inference is taken out of the loading",
          "[stages]") {
  FakeClock clock;
  StageClock stages(clock);
  const auto spend = [&](const char* stage, std::optional<std::uint32_t> repetition, int spent_s) {
    stages.Enter(stage, repetition);
    clock.Advance(std::chrono::seconds(spent_s));
  };
  spend(kStageTransferring, std::nullopt, 1);
  stages.AddBytes(10);
  stages.AddBytes(20);
  spend(kStageLoading, 0, 2);
  spend(kStageLoading, 0, 3);  // the worker died and was started again
  spend(kStageMeasuring, 0, 4);
  spend(kStagePredicting, 0, 1);
  spend(kStageReporting, 0, 1);
  spend(kStageLoading, 1, 2);
  RepetitionFiles first{.index = 0, .record_path = "", .predictions_path = ""};
  first.first_inference_s = 0.5;
  first.energy_j = 8;
  RepetitionFiles second{.index = 1, .record_path = "", .predictions_path = ""};
  second.first_inference_s = 60;  // longer than its stage: of another life of this agent
  const std::vector<StageTime> expected = {{kTransferStage, std::nullopt, 1, 30, std::nullopt},
                                           {kLoadStage, 0, 4.5, std::nullopt, std::nullopt},
                                           {kFirstInferenceStage, 0, 0.5, std::nullopt, std::nullopt},
                                           {kMeasuredStage, 0, 4, std::nullopt, 8.0},
                                           {kReadoutStage, 0, 2, std::nullopt, std::nullopt},
                                           {kLoadStage, 1, 2, std::nullopt, std::nullopt}};
  CHECK(stages.Finish({first, second}) == expected);
  CHECK(stages.Finish({}).empty());
}

}  // namespace
}  // namespace paddock::agent
