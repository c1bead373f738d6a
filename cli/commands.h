// The commands of `paddock`. Data go to stdout, messages and progress to stderr; each returns the exit code.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/connection.h"
#include "cli/exit_code.h"
#include "cli/format.h"
#include "cli/job_file.h"

namespace paddock {

struct Globals {
  std::string server = kDefaultServer;
  OutputFormat format = OutputFormat::kTable;
};

// Prints "paddock: message" on stderr and returns the exit code that belongs to the status.
int Report(const Status& status);

int RunJob(const Globals& globals, const JobFlags& flags);
int SubmitOnly(const Globals& globals, const JobFlags& flags);
int WatchJob(const Globals& globals, const std::string& job_id);
int CancelJob(const Globals& globals, const std::string& job_id);
// `with_golden`: also the coordinator's own golden runs.
int ListJobs(const Globals& globals, std::uint32_t limit, bool with_golden);
int ShowJob(const Globals& globals, const std::string& job_id);

int ListResults(const Globals& globals, const std::string& job_id, std::uint32_t limit, bool with_golden);
int ShowResult(const Globals& globals, const std::string& run_id);
// `id`: a run, a job, or empty for the latest results; `out`: a file, empty for stdout. As JSON unless globals.format is
// kCsv. Only valid runs, because exports are averaged by others, unless `all_verdicts`; stderr says what was left out.
int ExportResults(const Globals& globals, const std::string& id, const std::string& out, bool all_verdicts);
// kExitNoValidVerdict when there are no two valid runs to compare.
// The distribution of a run's latencies, of all repetitions merged or of one.
int ShowDistribution(const Globals& globals, const std::string& run_id,
                     std::optional<std::uint32_t> repetition);
// What each layer of a compiled network takes; and what was said on the line to the device in one repetition.
int ShowLayers(const Globals& globals, const std::string& run_id);
int ShowTranscript(const Globals& globals, const std::string& run_id, std::uint32_t repetition);
// What a run measured, as `format` says: hdr, csv, json or perfetto. A run that is not valid only with `all_verdicts`, but for
// perfetto, since a trace is looked at and not averaged.
int ExportRaw(const Globals& globals, const std::string& run_id, const std::string& format,
              const std::string& out, bool all_verdicts);
int Compare(const Globals& globals, const std::string& a, const std::string& b);
// Submits a job that repeats the run, follows it, and says whether it found the same. Where it lies does not change the exit
// code; that is the one of the repeat's job.
int RerunRun(const Globals& globals, const std::string& run_id);

int ListDevices(const Globals& globals, const std::vector<std::string>& on);
int ShowDevice(const Globals& globals, const std::string& id);
// Writes an agent's configuration file into `folder` for each board of a hardware map of Zephyr's Twister that can be used, without
// a farm. Files that are there already are left as they are.
int ImportHardwareMapFile(const Globals& globals, const std::string& file, const std::string& folder);
// Prints such a map of the farm's microcontroller boards at serial ports, or of what is `attached` to this machine.
int ExportHardwareMap(const Globals& globals, bool attached);
int ListDrivers(const Globals& globals);
// Makes of a model file what a variant makes of it in a job, without a farm.
struct PrepareFlags {
  bool list = false;  // only the variants and steps that there are
  std::string job;    // file whose model, data and variants are meant; empty: none
  std::string model;
  std::string variant;
  std::vector<std::string> steps;  // instead of a variant's
  std::string out;
  std::string calibration;  // a data file, or "random"
  std::string encodings;    // AIMET's; empty: the file beside the model
  std::optional<std::uint64_t> calibration_samples;
  std::optional<std::uint64_t> seed;
  std::vector<std::string> inputs;  // MODEL_INPUT=ARRAY of the calibration file
  std::string converters;           // file that declares them (prepare/converters.h)
};
int PrepareModelFile(const Globals& globals, const PrepareFlags& flags);
int InspectModel(const Globals& globals, const std::string& file);
// Computes a published MLPerf Tiny result again, without a farm; kExitNoValidVerdict when it is not valid by the benchmark's
// rules, kExitFailed when a file cannot be read. `labels`: a y_labels.csv, empty to look for one.
int ImportMlperfTiny(const Globals& globals, const std::string& folder, const std::string& labels);
// Checks the farm part by part and says what to do next; kExitFarmFailed when a part fails.
int Doctor(const Globals& globals);

}  // namespace paddock
