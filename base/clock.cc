#include "base/clock.h"

namespace paddock {
namespace {

class SystemClockImpl final : public Clock {
 public:
  MonotonicTime Now() const override { return std::chrono::steady_clock::now(); }
  std::int64_t WallMs() const override {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count();
  }
};

}  // namespace

const Clock& SystemClock() {
  static const auto* const kClock = new SystemClockImpl;
  return *kClock;
}

}  // namespace paddock
