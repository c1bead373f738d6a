// Measures where the time of a lease goes, stage by stage. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/run_types.h"
#include "base/clock.h"
#include "kpi/stage_time.h"

namespace paddock::agent {

class StageClock {
 public:
  explicit StageClock(const Clock& clock = SystemClock()) : clock_(clock) {}

  // Ends the stage before. `stage` is a progress stage, which is kept under its name in the waterfall; one that was left
  // before goes on where it stopped, so that a worker that is started again does not count as another repetition.
  void Enter(const std::string& stage, std::optional<std::uint32_t> repetition);
  // Of the stage at hand.
  void AddBytes(std::uint64_t bytes);
  // Ends the stage at hand. What the records of the repetitions know of single stages is taken over: the first inference out
  // of the loading (times that a model of a device made are not), the energy of the measured window.
  std::vector<StageTime> Finish(const std::vector<RepetitionFiles>& repetitions);

 private:
  void Leave();

  const Clock& clock_;
  std::vector<StageTime> stages_;
  std::optional<std::size_t> current_;
  MonotonicTime entered_;
};

}  // namespace paddock::agent
