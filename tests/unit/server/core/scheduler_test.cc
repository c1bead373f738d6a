#include <catch2/catch.hpp>

#include <algorithm>

#include "base/random.h"
#include "server/core/scheduler.h"

namespace paddock {
namespace {

constexpr std::int64_t kStepMs = std::chrono::milliseconds(kAgeingStep).count();

PendingRun Pending(const std::string& run, const std::string& device, std::uint64_t sequence,
                   std::int32_t priority = 0, std::int64_t since_ms = 0) {
  return {RunId(run), DeviceId(device), priority, sequence, since_ms};
}
SchedulableDevice Free(const std::string& id, std::vector<std::string> shares = {}) {
  return {DeviceId(id), true, false, std::move(shares)};
}
SchedulableDevice Busy(const std::string& id, std::vector<std::string> shares = {}) {
  return {DeviceId(id), true, true, std::move(shares)};
}
std::vector<std::string> Granted(const std::vector<PendingRun>& pending,
                                 const std::vector<SchedulableDevice>& devices, std::int64_t now_ms = 0) {
  std::vector<std::string> runs;
  for (const Grant& grant : PlanGrants(pending, devices, now_ms)) runs.push_back(grant.run.str());
  return runs;
}
using Runs = std::vector<std::string>;

}  // namespace

TEST_CASE("a device gets one run at a time, in submit order", "[core][scheduler]") {
  CHECK(Granted({Pending("r-2", "a", 2), Pending("r-1", "a", 1), Pending("r-3", "b", 3)},
                {Free("a"), Free("b")}) == Runs{"r-1", "r-3"});
}

TEST_CASE("higher priority goes before earlier submission", "[core][scheduler]") {
  CHECK(Granted({Pending("r-1", "a", 1), Pending("r-2", "a", 2, 1)}, {Free("a")}) == Runs{"r-2"});
}

TEST_CASE("runs on devices that are busy, offline or unknown wait", "[core][scheduler]") {
  SchedulableDevice offline = Free("b");
  offline.online = false;
  CHECK(
      Granted({Pending("r-1", "a", 1), Pending("r-2", "b", 2), Pending("r-3", "c", 3)}, {Busy("a"), offline})
          .empty());
}

TEST_CASE("devices that share something do not start together", "[core][scheduler]") {
  CHECK(Granted({Pending("r-1", "a", 1), Pending("r-2", "b", 2), Pending("r-3", "c", 3)},
                {Free("a", {"host"}), Free("b", {"host"}), Free("c", {"other"})}) == Runs{"r-1", "r-3"});
}

TEST_CASE("what a busy device shares is in use, also when it has gone offline", "[core][scheduler]") {
  SchedulableDevice gone = Busy("a", {"host"});
  gone.online = false;
  CHECK(Granted({Pending("r-1", "b", 1)}, {gone, Free("b", {"host"})}).empty());
}

TEST_CASE("a run that waits for one of two resources keeps the other", "[core][scheduler]") {
  // The meter is free, but r-1 is first in line for it while the hub is in use.
  const std::vector<SchedulableDevice> devices = {Busy("x", {"hub"}), Free("a", {"hub", "meter"}),
                                                  Free("b", {"meter"})};
  CHECK(Granted({Pending("r-1", "a", 1), Pending("r-2", "b", 2)}, devices).empty());
  CHECK(Granted({Pending("r-1", "a", 3), Pending("r-2", "b", 2)}, devices) == Runs{"r-2"});
}

TEST_CASE("a run on a device that is offline keeps nothing for itself", "[core][scheduler]") {
  SchedulableDevice offline = Free("a", {"meter"});
  offline.online = false;
  CHECK(Granted({Pending("r-1", "a", 1), Pending("r-2", "b", 2)}, {offline, Free("b", {"meter"})}) ==
        Runs{"r-2"});
}

TEST_CASE("waiting raises a run's rank step by step", "[core][scheduler]") {
  const std::vector<PendingRun> pending = {Pending("old", "a", 1, 0, 0),
                                           Pending("new", "a", 2, 2, 3 * kStepMs - 1)};
  CHECK(Granted(pending, {Free("a")}, 2 * kStepMs - 1) == Runs{"new"});
  CHECK(Granted(pending, {Free("a")}, 2 * kStepMs) == Runs{"old"});
}

TEST_CASE("a wall clock that was set back does not lower a rank", "[core][scheduler]") {
  CHECK(Granted({Pending("r-1", "a", 1, 0, 100 * kStepMs), Pending("r-2", "a", 2, 0, 0)}, {Free("a")}, 0) ==
        Runs{"r-1"});
}

TEST_CASE("grants do not depend on the order of the inputs", "[core][scheduler]") {
  Random random(1);
  const std::vector<std::string> resources = {"p", "q", "s"};
  for (int round = 0; round < 200; ++round) {
    std::vector<SchedulableDevice> devices;
    for (int i = 0; i < 6; ++i) {
      SchedulableDevice device = Free("d" + std::to_string(i));
      device.online = random.Below(5) != 0;
      device.busy = random.Below(5) == 0;
      for (const auto& resource : resources) {
        if (random.Below(3) == 0) device.shares.push_back(resource);
      }
      devices.push_back(device);
    }
    std::vector<PendingRun> pending;
    for (std::uint64_t i = 0; i < 12; ++i) {
      pending.push_back(Pending("r" + std::to_string(i), "d" + std::to_string(random.Below(6)),
                                random.Below(6), static_cast<std::int32_t>(random.Below(3)),
                                static_cast<std::int64_t>(random.Below(3 * kStepMs))));
    }
    const auto grants = PlanGrants(pending, devices, 3 * kStepMs);
    for (int permutation = 0; permutation < 10; ++permutation) {
      Shuffle(pending, random);
      Shuffle(devices, random);
      REQUIRE(PlanGrants(pending, devices, 3 * kStepMs) == grants);
    }
  }
}

TEST_CASE("no run starves, neither under a stream of higher priority nor between two neighbours",
          "[core][scheduler]") {
  // "wide" shares both resources, "left" and "right" one each and get more work than they can do, of higher priority:
  // what they got in the first three steps goes before it, and nothing that came later.
  const std::vector<SchedulableDevice> all = {Free("left", {"p"}), Free("right", {"q"}),
                                              Free("wide", {"p", "q"})};
  std::vector<PendingRun> pending = {Pending("wide", "wide", 0)};
  std::map<std::string, std::int64_t> busy_until;
  std::uint64_t sequence = 1;
  bool started = false;
  for (std::int64_t now = 0; now < 15 * kStepMs && !started; now += kStepMs / 10) {
    for (const char* device : {"left", "right"}) {
      pending.push_back(Pending("r-" + std::to_string(sequence), device, sequence, 3, now));
      ++sequence;
    }
    std::vector<SchedulableDevice> devices = all;
    for (auto& device : devices) device.busy = busy_until[device.id.str()] > now;
    for (const Grant& grant : PlanGrants(pending, devices, now)) {
      started = started || grant.run.str() == "wide";
      // The neighbours never end at the same moment.
      busy_until[grant.device.str()] = now + (grant.device.str() == "left" ? 3 : 2) * kStepMs / 10 + 1;
      pending.erase(std::find_if(pending.begin(), pending.end(),
                                 [&](const auto& run) { return run.run == grant.run; }));
    }
  }
  CHECK(started);
}

}  // namespace paddock
