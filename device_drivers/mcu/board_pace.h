// How long a board may take before it counts as silent: computed from what is sent, the line's speed and what one inference
// has taken so far. Pure but for the clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace paddock {

class BoardPace {
 public:
  // `answer_s`: from the last bit of a command to the first of its answer, at most. `baud` of 0: the line takes no time.
  BoardPace(double answer_s, std::uint32_t baud) : answer_s_(answer_s), baud_(baud) {}

  // For `bytes` both ways and so many inferences. Four times what they have taken so far; before the first, twelve times
  // answer_s each but at most ten minutes together.
  std::chrono::nanoseconds Limit(std::size_t bytes, std::uint64_t inferences = 0) const {
    return Seconds(answer_s_ + 2 * LineSeconds(bytes) + ComputingSeconds(inferences));
  }
  // The same without the patience for an answer that is late: when to ask again what may be asked twice.
  std::chrono::nanoseconds Expected(std::size_t bytes, std::uint64_t inferences = 0) const {
    constexpr double kUsuallyWithin = 0.25;
    return Seconds(std::min(answer_s_ / 4, kUsuallyWithin) + 2 * LineSeconds(bytes) +
                   (inference_s_ ? ComputingSeconds(inferences) : 0));
  }
  // That so many bytes take one way.
  std::chrono::nanoseconds OnLine(std::size_t bytes) const { return Seconds(LineSeconds(bytes)); }
  void Learn(std::uint64_t inferences, std::chrono::nanoseconds took) {
    inference_s_ = std::chrono::duration<double>(took).count() / static_cast<double>(inferences);
  }

 private:
  static std::chrono::nanoseconds Seconds(double seconds) {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
  }
  double LineSeconds(std::size_t bytes) const {
    constexpr double kBitsPerByte = 10;  // with start and stop bit
    return baud_ == 0 ? 0 : static_cast<double>(bytes) * kBitsPerByte / baud_;
  }
  double ComputingSeconds(std::uint64_t inferences) const {
    constexpr double kUnknownAtMostS = 600;
    const auto count = static_cast<double>(inferences);
    return inference_s_ ? 4 * *inference_s_ * count : std::min(12 * answer_s_ * count, kUnknownAtMostS);
  }

  const double answer_s_;
  const std::uint32_t baud_;
  std::optional<double> inference_s_{};
};

}  // namespace paddock
