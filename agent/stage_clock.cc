#include "agent/stage_clock.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace paddock::agent {
namespace {

std::string WaterfallName(const std::string& stage) {
  const std::array<std::pair<const char*, const char*>, 6> names = {{{kStageTransferring, kTransferStage},
                                                                     {kStageCooling, kCoolDownStage},
                                                                     {kStageLoading, kLoadStage},
                                                                     {kStageMeasuring, kMeasuredStage},
                                                                     {kStagePredicting, kReadoutStage},
                                                                     {kStageReporting, kReadoutStage}}};
  for (const auto& [progress, waterfall] : names) {
    if (stage == progress) return waterfall;
  }
  return stage;
}

auto FindStage(std::vector<StageTime>& stages, const std::string& name,
               std::optional<std::uint32_t> repetition) {
  return std::find_if(stages.begin(), stages.end(), [&](const StageTime& stage) {
    return stage.stage == name && stage.repetition == repetition;
  });
}

}  // namespace

void StageClock::Enter(const std::string& stage, std::optional<std::uint32_t> repetition) {
  Leave();
  const std::string name = WaterfallName(stage);
  const auto known = FindStage(stages_, name, repetition);
  current_ = static_cast<std::size_t>(known - stages_.begin());
  if (known == stages_.end()) stages_.push_back({name, repetition, 0, std::nullopt, std::nullopt});
  entered_ = clock_.Now();
}

void StageClock::AddBytes(std::uint64_t bytes) {
  if (!current_) return;
  auto& sum = stages_[*current_].bytes;
  sum = sum.value_or(0) + bytes;
}

void StageClock::Leave() {
  if (!current_) return;
  stages_[*current_].seconds += std::chrono::duration<double>(clock_.Now() - entered_).count();
  current_.reset();
}

std::vector<StageTime> StageClock::Finish(const std::vector<RepetitionFiles>& repetitions) {
  Leave();
  for (const RepetitionFiles& files : repetitions) {
    if (const auto measured = FindStage(stages_, kMeasuredStage, files.index); measured != stages_.end())
      measured->energy_j = files.energy_j;
    const auto load = FindStage(stages_, kLoadStage, files.index);
    if (load == stages_.end() || !files.first_inference_s || *files.first_inference_s > load->seconds)
      continue;
    load->seconds -= *files.first_inference_s;
    stages_.insert(load + 1,
                   {kFirstInferenceStage, files.index, *files.first_inference_s, std::nullopt, std::nullopt});
  }
  return std::exchange(stages_, {});
}

}  // namespace paddock::agent
