#include "agent/cooldown.h"

#include <catch2/catch.hpp>

#include "tests/fakes/fake_clock.h"

namespace paddock::agent {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

// A device that loses `mdegc_per_s` while nothing runs.
struct CoolingDevice {
  FakeClock clock;
  std::int64_t start_mdegc = 60'000;
  std::int64_t mdegc_per_s = 500;
  MonotonicTime begin = clock.Now();

  std::int64_t Temperature() const {
    return start_mdegc - mdegc_per_s * std::chrono::duration_cast<seconds>(clock.Now() - begin).count();
  }
  CooldownResult Run(const CooldownPolicy& policy, std::optional<std::int64_t> reference_mdegc) {
    return CoolDown(
        policy, reference_mdegc, [this] { return std::optional(Temperature()); }, clock,
        [this](nanoseconds duration) {
          clock.Advance(duration);
          return true;
        });
  }
};

TEST_CASE("the decision keeps to the band, the limit and the cap", "[agent][cooldown]") {
  CooldownPolicy policy;
  CHECK(DecideCooldown(policy, 40'000, 43'000, seconds(0)) == CooldownStep::kStart);
  CHECK(DecideCooldown(policy, 40'000, 43'001, seconds(0)) == CooldownStep::kWait);
  CHECK(DecideCooldown(policy, 40'000, 43'001, seconds(299)) == CooldownStep::kWait);
  CHECK(DecideCooldown(policy, 40'000, 43'001, seconds(300)) == CooldownStep::kGiveUp);
  CHECK(DecideCooldown(policy, 40'000, 43'000, seconds(300)) == CooldownStep::kStart);
  CHECK(DecideCooldown(policy, std::nullopt, 95'000, seconds(0)) == CooldownStep::kStart);
  policy.highest_mdegc = 42'000;
  CHECK(DecideCooldown(policy, 40'000, 43'000, seconds(0)) == CooldownStep::kWait);
  CHECK(DecideCooldown(policy, std::nullopt, 43'000, seconds(0)) == CooldownStep::kWait);
  CHECK(DecideCooldown(policy, std::nullopt, 42'000, seconds(0)) == CooldownStep::kStart);
}

TEST_CASE("a device starts as soon as it is in the band", "[agent][cooldown]") {
  CoolingDevice device;
  const auto result = device.Run({}, 45'000);
  CHECK(result.reached == true);
  CHECK(result.waited_s == 24.0);
}

TEST_CASE("a cool device does not wait", "[agent][cooldown]") {
  CoolingDevice device;
  const auto result = device.Run({}, 60'000);
  CHECK(result.reached == true);
  CHECK(result.waited_s == 0.0);
}

TEST_CASE("a device that stays hot is given up at the cap, not later", "[agent][cooldown]") {
  CoolingDevice device;
  device.mdegc_per_s = 0;
  CooldownPolicy policy;
  policy.poll = seconds(7);
  const auto result = device.Run(policy, 45'000);
  CHECK(result.reached == false);
  CHECK(result.waited_s == 300.0);
}

TEST_CASE("a device without a temperature has nothing to wait for", "[agent][cooldown]") {
  const FakeClock clock;
  const auto result = CoolDown(
      {}, 45'000, [] { return std::optional<std::int64_t>(); }, clock, [](nanoseconds) { return true; });
  CHECK_FALSE(result.reached.has_value());
  CHECK_FALSE(result.waited_s.has_value());
}

TEST_CASE("a cool-down ends when it is told to stop", "[agent][cooldown]") {
  const FakeClock clock;
  int waits = 0;
  const auto result = CoolDown(
      {}, 45'000, [] { return std::optional<std::int64_t>(60'000); }, clock,
      [&](nanoseconds) { return ++waits < 3; });
  CHECK(waits == 3);
  CHECK(result.reached == false);
}

}  // namespace
}  // namespace paddock::agent
