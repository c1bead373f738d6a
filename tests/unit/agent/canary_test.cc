#include "agent/canary.h"

#include <catch2/catch.hpp>

#include <vector>

namespace paddock::agent {
namespace {

// Gives the listed times, one a reading.
class ListedClock final : public Clock {
 public:
  explicit ListedClock(std::vector<std::int64_t> times_ns) : times_ns_(std::move(times_ns)) {}
  MonotonicTime Now() const override {
    return MonotonicTime(std::chrono::nanoseconds(times_ns_.at(next_++)));
  }
  std::int64_t WallMs() const override { return 0; }

 private:
  std::vector<std::int64_t> times_ns_;
  mutable std::size_t next_ = 0;
};

TEST_CASE("the canary computes the right bits and tells its shortest pass", "[agent][canary]") {
  const ListedClock clock({0, 50, 100, 130, 200, 240});
  const auto shortest = RunCanary(clock, 3);
  REQUIRE(shortest.ok());
  CHECK(*shortest == 30);
}

TEST_CASE("a canary pass takes time on a real clock", "[agent][canary]") {
  const auto shortest = RunCanary(SystemClock(), 1);
  REQUIRE(shortest.ok());
  CHECK(*shortest > 100'000);  // 350000 dependent steps cannot be computed ahead
}

}  // namespace
}  // namespace paddock::agent
