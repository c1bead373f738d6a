// Runs on disk, so that they outlive coordinator, network and agent.
//
//   STATE/instance                      this folder's id
//   STATE/runs/<run>-<lease>/assignment.json   what was granted
//                            rep-N.record, rep-N.predictions   complete repetitions, written by workers
//                            artifact          a packed model as it was before, while its run goes on
//                            report.json       how it ended; until it is there the run is to be continued
//
// Every file is whole or not there; only an assignment may be damaged by power loss soon after it was accepted, and then
// the coordinator grants the run again. One thread at a time; the agent guards it with its lock.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/run_types.h"
#include "base/ids.h"
#include "base/status.h"

namespace paddock::agent {

struct SpooledRun {
  Assignment assignment;
  std::string folder;
  std::optional<Report> report;
};

class Spool {
 public:
  // Creates what is missing. Run folders without a readable assignment hold nothing that could be reported
  // and are removed; `dropped` names them for the log.
  static Result<Spool> Open(const std::string& state_directory, std::vector<std::string>* dropped);

  const AgentInstanceId& instance() const { return instance_; }
  // As of Open(), by lease.
  std::vector<SpooledRun> TakeFound() { return std::exchange(found_, {}); }

  // After an error nothing is left of the run. RESOURCE_EXHAUSTED: the disk is full.
  Result<SpooledRun> Accept(const Assignment& assignment);
  Status WriteReport(const SpooledRun& run, const Report& report);
  Status Remove(const SpooledRun& run);

 private:
  explicit Spool(std::string runs_directory) : runs_directory_(std::move(runs_directory)) {}
  std::string runs_directory_;
  AgentInstanceId instance_;
  std::vector<SpooledRun> found_;
};

// The repetitions of `folder` whose records are there and can be read, by index below `repetitions`; a broken
// record is removed so that its repetition is done anew.
std::vector<RepetitionFiles> CompleteRepetitions(const std::string& folder, std::uint32_t repetitions);

}  // namespace paddock::agent
