// Issues queries one after the other and keeps when each was issued and how long it took. The arrays are allocated before a
// window; between the queries of a window there is no allocation and no system call but the clock (and, in an open loop, the
// wait for the next query). What must happen all the same (growing, looking at the stop rule) happens in a pause, in which
// the loop's time stands still.
//
// Time is nanoseconds since the first query, by the host's clock or, for a session with DeviceTimeNs(), by the device's
// model: then a query begins when it is due and the one before has ended, and nothing waits. One thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "agent/load_scenario.h"

namespace paddock::agent {

class LoadLoop {
 public:
  // REQUIRES: queries is not empty; a session that models time has DeviceTimeNs() from now on. `keeps_intended`: intended
  // starts are kept, of entries of a closed loop their issue. `pacer` may be null when IssueAt() is not called.
  LoadLoop(Session& session, std::span<const BoundQuery> queries, bool keeps_intended, const Clock& clock,
           Pacer* pacer, SharedCounter& done);

  // Closed loop: `invocations` bound queries now, as one entry.
  Status Issue(std::uint32_t invocations);
  // Open loop: the same at `intended_ns`, or when the one before has ended if that is later. Latency counts from
  // `intended_ns`.
  Status IssueAt(std::uint64_t intended_ns, std::uint32_t invocations);

  std::uint64_t count() const { return latencies_.size(); }
  std::span<const std::uint64_t> latencies() const { return latencies_; }
  std::uint64_t StartOf(std::uint64_t entry) const { return starts_[entry]; }
  // By the latest entry; 0 before the first.
  std::uint64_t EndNs() const { return end_ns_; }
  // Now, on the loop's time.
  std::uint64_t NowNs() const;
  // By the host's clock since the object was made, pauses and all: bounds what a model takes.
  std::uint64_t HostElapsedNs() const { return HostNow() - host_begin_; }
  bool models_time() const { return models_time_; }
  // Which bound query comes next.
  std::size_t cursor() const { return cursor_; }
  double paused_j() const { return paused_j_; }

  // Room for so many entries; not inside a window.
  void Reserve(std::uint64_t entries);
  // Forgets the entries after the first `count`, but not the time that they took.
  void Truncate(std::uint64_t count);
  // What `action` takes is taken out of the loop's time and energy.
  template <typename Action>
  void Pause(Action action) {
    const std::optional<double> energy_before = session_.EnergyJ();
    const std::uint64_t begin = HostNow();
    action();
    const std::uint64_t length = HostNow() - begin;
    const std::optional<double> energy_after = session_.EnergyJ();
    if (energy_before && energy_after) paused_j_ += *energy_after - *energy_before;
    if (models_time_ || latencies_.empty()) return;
    origin_ += length;
    pauses_[count()] += length;
  }

  // Moves the arrays out.
  QuerySeries TakeSeries();

 private:
  std::uint64_t HostNow() const {
    return static_cast<std::uint64_t>(clock_.Now().time_since_epoch().count());
  }
  Status Invoke(std::uint32_t invocations);
  void Keep(std::uint64_t start_ns, std::uint64_t intended_ns, std::uint64_t end_ns);

  Session& session_;
  const std::span<const BoundQuery> queries_;
  const Clock& clock_;
  Pacer* const pacer_;
  SharedCounter& done_;
  const bool keeps_intended_;
  const bool models_time_;
  const std::uint64_t host_begin_;

  std::size_t cursor_ = 0;
  std::uint64_t origin_ = 0;  // host time that is 0 of the loop's
  std::uint64_t end_ns_ = 0;
  std::uint64_t modelled_ns_ = 0;  // of the latest entry
  double paused_j_ = 0;
  std::vector<std::uint64_t> starts_;
  std::vector<std::uint64_t> latencies_;
  std::vector<std::uint64_t> intended_;
  std::map<std::uint64_t, std::uint64_t> pauses_;
};

}  // namespace paddock::agent
