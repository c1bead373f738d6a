// Time, injectable. Monotonic nanoseconds for durations and deadlines; wall milliseconds since the Unix epoch (UTC) only
// for what a person reads or what must be understood after a restart. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>

namespace paddock {

using MonotonicTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime Now() const = 0;
  virtual std::int64_t WallMs() const = 0;
};

// std::chrono::steady_clock and system_clock. Never destroyed.
const Clock& SystemClock();

// A point in time, not a duration: it can be handed down a call chain without being stretched.
class Deadline {
 public:
  static Deadline After(std::chrono::nanoseconds duration) {
    return Deadline(std::chrono::steady_clock::now() + duration);
  }
  static Deadline Never() { return Deadline(MonotonicTime::max()); }
  explicit Deadline(MonotonicTime when) : when_(when) {}

  MonotonicTime when() const { return when_; }
  bool never() const { return when_ == MonotonicTime::max(); }
  bool passed() const { return !never() && std::chrono::steady_clock::now() >= when_; }
  // Never negative; a very long time for Never().
  std::chrono::nanoseconds remaining() const {
    if (never()) return std::chrono::hours(24 * 365);
    const auto left = when_ - std::chrono::steady_clock::now();
    return left.count() > 0 ? left : std::chrono::nanoseconds(0);
  }

 private:
  MonotonicTime when_;
};

}  // namespace paddock
