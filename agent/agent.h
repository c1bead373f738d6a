// The agent: takes assignments from the link, has the runner carry them out, and delivers reports. One run at
// a time.
//
// Life of a run here:
//   1. OnAssignment: spooled to disk. A newer lease supersedes an older run, which is dropped unreported.
//   2. The runner thread carries it out; interrupted by a cancel, by a newer lease, by a revocation, or by
//      Stop().
//   3. How it ended goes to disk, then to the coordinator by the reporter thread, again and again until it is
//      stored there (or the lease turns out not to be the current one). Only then is the run's folder
//      removed.
// After a restart, or after Stop() in the middle of a run, runs without a report go on with the repetitions
// that are missing, once a session stands and the coordinator has not revoked the lease.
//
// Threads: the runner (alone touches the device), the reporter, and the link's, which call the LinkClient
// methods.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "agent/blob_cache.h"
#include "agent/link.h"
#include "agent/run_runner.h"
#include "agent/spool.h"
#include "device_drivers/api/driver.h"

namespace paddock::agent {

struct AgentSettings {
  DeviceId device;
  std::map<std::string, std::string> labels;
  std::vector<std::string> shares;
  std::string golden{};  // when the device makes golden runs; empty: never
  RunnerSettings runner;
};

class Agent final : public LinkClient {
 public:
  // `entry` is the family that settings.runner.driver names.
  Agent(AgentSettings settings, const DriverEntry& entry, Spool spool, std::unique_ptr<BlobCache> cache);
  ~Agent() override;

  // Asks the device once, then starts the threads. `link` must outlive Stop(); it is to be started after
  // this.
  void Start(Link& link);
  // Kills a worker that runs and keeps its run for the next start. The link is to be stopped before.
  void Stop();

  Greeting MakeGreeting() override;
  std::vector<HeldLease> Held() override;
  std::string Problem() override;
  void OnWelcome(const std::vector<HeldLease>& revoked) override;
  void OnAssignment(const Assignment& assignment) override;
  void OnCancel(const HeldLease& lease) override;

 private:
  enum class Interrupt { kNone, kCancel, kDrop };
  struct Finished {
    Report report;
    std::optional<SpooledRun> spooled;  // absent: the disk did not take it
  };

  void RunnerLoop();
  void ReporterLoop();
  void ProbeDevice();
  void OnProgress(const Progress& progress);
  // The following: REQUIRES mutex_ held.
  std::vector<HeldLease> HeldLocked() const;
  void Finish(Report report, std::optional<SpooledRun> spooled);
  void Forget(const HeldLease& lease);
  void RemoveFolder(const SpooledRun& run);

  const AgentSettings settings_;
  const DriverEntry& entry_;
  std::unique_ptr<BlobCache> cache_;  // the runner thread's
  std::unique_ptr<DeviceDriver> driver_;
  Link* link_ = nullptr;
  std::set<std::string> stages_seen_;          // of the run at hand; the runner thread's
  std::map<std::string, double> link_cuts_s_;  // as stages_seen_
  ThermalGate thermal_gate_;                   // the runner thread's

  std::mutex mutex_;
  std::condition_variable changed_;
  Spool spool_;
  DeviceDescription description_;
  std::string problem_;
  bool probe_wanted_ = false;
  bool welcomed_ = false;
  std::optional<SpooledRun> waiting_;
  std::optional<HeldLease> active_;
  std::map<HeldLease, Finished> finished_;
  MonotonicTime next_delivery_;
  std::atomic<Interrupt> interrupt_ = Interrupt::kNone;
  std::atomic<bool> stopping_ = false;

  std::thread runner_;
  std::thread reporter_;
};

}  // namespace paddock::agent
