#include "agent/cooldown.h"

#include <catch2/catch.hpp>

#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_tree.h"

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

// A machine whose hottest zone cools by 500 mK a second while it is left alone, down to the temperature of the room, and a gate.
struct Machine {
  FakeClock clock;
  FakeTree tree;
  std::int64_t mdegc = 40'000;
  std::int64_t room_mdegc = 40'000;
  std::vector<std::pair<std::int64_t, std::int64_t>> waits_mdegc{};  // now, allowed
  ThermalGate gate{clock, tree.root()};

  void SetTemperature(std::int64_t now_mdegc) {
    mdegc = now_mdegc;
    tree.Put("/sys/class/thermal/thermal_zone0/type", "cpu-thermal\n");
    tree.Put("/sys/class/thermal/thermal_zone0/temp", std::to_string(mdegc) + "\n");
  }
  void Rest(nanoseconds duration) {
    clock.Advance(duration);
    const std::int64_t lost_mdegc = 500 * std::chrono::duration_cast<seconds>(duration).count();
    SetTemperature(std::max(room_mdegc, mdegc - lost_mdegc));
  }
  CooldownResult Pass(const std::string& run) {
    waits_mdegc.clear();
    return gate.Pass(run, [this](nanoseconds duration, std::int64_t now_mdegc, std::int64_t allowed_mdegc) {
      waits_mdegc.emplace_back(now_mdegc, allowed_mdegc);
      Rest(duration);
      return true;
    });
  }
  // A repetition that leaves the machine this warm.
  CooldownResult Measure(const std::string& run, std::int64_t after_mdegc) {
    const CooldownResult result = Pass(run);
    clock.Advance(seconds(20));
    SetTemperature(after_mdegc);
    gate.Left();
    return result;
  }
};

TEST_CASE("a gate lets the first repetition through and the next ones when it is as cool again",
          "[agent][cooldown]") {
  Machine machine;
  machine.SetTemperature(40'000);
  const auto first = machine.Measure("r-1", 60'000);
  CHECK(first.reached == true);
  CHECK(first.waited_s == 0.0);
  CHECK(machine.waits_mdegc.empty());
  const auto second = machine.Measure("r-1", 60'000);
  CHECK(second.reached == true);
  CHECK(second.waited_s == 34.0);
  REQUIRE_FALSE(machine.waits_mdegc.empty());
  CHECK(machine.waits_mdegc.front() == std::pair<std::int64_t, std::int64_t>(60'000, 43'000));
}

TEST_CASE("runs that follow each other begin as cool as the first of them", "[agent][cooldown]") {
  Machine machine;
  machine.SetTemperature(40'000);
  machine.Measure("r-1", 60'000);
  CHECK(machine.Measure("r-2", 60'000).waited_s == 34.0);
  CHECK(machine.Measure("r-1", 60'000).waited_s == 34.0);
  // 43 degrees were enough for r-2, but its reference stays that of r-1.
  CHECK(machine.Measure("r-2", 60'000).waited_s == 34.0);
}

TEST_CASE("a device that has rested for the cap begins a new run as it is", "[agent][cooldown]") {
  Machine machine;
  machine.SetTemperature(40'000);
  machine.Measure("r-1", 60'000);
  machine.room_mdegc = 48'000;
  machine.Rest(seconds(300));
  CHECK(machine.Measure("r-2", 60'000).waited_s == 0.0);
  CHECK(machine.Measure("r-2", 60'000).waited_s == 18.0);  // until 51 degrees
}

TEST_CASE("in a room that has warmed up the first repetition waits in vain and the others follow it",
          "[agent][cooldown]") {
  Machine machine;
  machine.SetTemperature(40'000);
  machine.Measure("r-1", 60'000);
  machine.room_mdegc = 48'000;
  const auto first = machine.Measure("r-2", 60'000);
  CHECK(first.reached == false);
  CHECK(first.waited_s == 300.0);
  const auto second = machine.Measure("r-2", 60'000);
  CHECK(second.reached == true);
  CHECK(second.waited_s == 18.0);
  // A run that began in the cool room is not compared with itself in a warm one.
  CHECK(machine.Measure("r-1", 60'000).reached == false);
}

TEST_CASE("a gate on a machine without a temperature lets through and says nothing", "[agent][cooldown]") {
  Machine machine;
  for (int i = 0; i < 2; ++i) {
    const auto result = machine.Pass("r-1");
    machine.gate.Left();
    CHECK_FALSE(result.reached.has_value());
    CHECK_FALSE(result.waited_s.has_value());
  }
}

TEST_CASE("a run that was stopped at the gate leaves nothing behind", "[agent][cooldown]") {
  Machine machine;
  machine.SetTemperature(40'000);
  machine.Measure("r-1", 60'000);
  const auto stopped =
      machine.gate.Pass("r-2", [](nanoseconds, std::int64_t, std::int64_t) { return false; });
  CHECK(stopped.reached == false);
  CHECK(machine.Measure("r-2", 60'000).waited_s == 34.0);
}

}  // namespace
}  // namespace paddock::agent
