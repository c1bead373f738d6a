// A RunRunner with its spool and cache in a temporary folder, the real worker and a fake network.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/run_runner.h"
#include "base/file.h"
#include "kpi/run_record.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/agent/run_fixture.h"

namespace paddock::agent {

inline const std::function<bool()> kNever = [] { return false; };

// The real worker and the simulated driver; the network is a fake.
struct Runner {
  TempDir state;
  FakeLink link;
  SmallRun run;
  std::unique_ptr<BlobCache> cache = BlobCache::Open(state / "cache", 1 << 20).value();
  std::vector<std::string> dropped;
  Spool spool = Spool::Open(state.path(), &dropped).value();
  std::vector<Progress> progress;
  std::optional<SpooledRun> spooled;
  ThermalGate* thermal_gate = nullptr;
  std::function<void(const Progress&)> on_progress{};

  Runner() { link.AddBlobsOf(run); }

  Report Run(DriverOptions options, const std::function<bool()>& interrupted = kNever) {
    return RunWith(SimulatedSettingsFor(std::move(options)), interrupted);
  }
  Report RunWith(RunnerSettings settings, const std::function<bool()>& interrupted = kNever) {
    if (!spooled) spooled = spool.Accept(run.AssignmentFor(1)).value();
    const auto keep = [this](const Progress& sent) {
      progress.push_back(sent);
      if (on_progress) on_progress(sent);
    };
    RunRunner runner(std::move(settings), *cache, link, keep, thermal_gate);
    return runner.Run(*spooled, interrupted);
  }
  RepetitionRecord Record(const Report& report, std::size_t index) const {
    return DecodeRepetition(ReadFile(report.repetitions.at(index).record_path).value()).value();
  }
};

}  // namespace paddock::agent
