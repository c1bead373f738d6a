// A clock that stands still until a test moves it. Monotonic and wall time move together; SetWallMs() lets the wall clock
// jump alone. Thread-safe.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace paddock {

class FakeClock final : public Clock {
 public:
  MonotonicTime Now() const override { return MonotonicTime(std::chrono::nanoseconds(now_ns_.load())); }
  std::int64_t WallMs() const override { return wall_offset_ms_.load() + now_ns_.load() / 1'000'000; }

  void Advance(std::chrono::nanoseconds duration) { now_ns_ += duration.count(); }
  void SetWallMs(std::int64_t wall_ms) { wall_offset_ms_ = wall_ms - now_ns_.load() / 1'000'000; }

 private:
  std::atomic<std::int64_t> now_ns_ = std::int64_t{1'000'000'000};
  std::atomic<std::int64_t> wall_offset_ms_ = std::int64_t{1'700'000'000'000};
};

}  // namespace paddock
