// The contract between the agent and a family of devices.
//
// Life cycle:
//   1. The agent finds the family in registry.cc and calls DriverEntry::create once per process with the device's options.
//   2. Describe() and Probe() say what the device is and whether it answers; the agent's greeting carries both.
//   3. For each repetition a fresh paddock-worker process creates the driver again and calls Open() once.
//   4. The worker Bind()s its queries, calls Invoke() on them in any order and as often as it likes, and reads outputs.
//   5. The Session is destroyed before the DeviceDriver. Then the process ends.
//
// Threads: one thread at a time per object; the library underneath may use as many as it was told to.
// Errors: INVALID_ARGUMENT and UNIMPLEMENTED blame the job (wrong shape, option that this build lacks), RESOURCE_EXHAUSTED
// the job on this device (out of memory), UNAVAILABLE and DEADLINE_EXCEEDED the device, everything else is our bug.
// A failed call leaves the object usable for another try unless it says otherwise.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/option_reader.h"
#include "base/status.h"
#include "kpi/network_facts.h"
#include "kpi/run_plan.h"
#include "kpi/run_record.h"
#include "kpi/tensor.h"

namespace paddock {

// What the device can take. Absent: no limit stated.
struct DeviceLimits {
  std::optional<std::uint64_t> batch_bytes;  // one batch file at the most; larger data are cut
  std::optional<std::uint64_t> artifact_bytes;
  std::optional<std::uint32_t> samples_per_query;
};

// Whose time the measurements are in.
enum class TimeSource {
  kHost,    // the host's clock around Invoke(): the model runs on this machine
  kDevice,  // Session::DeviceTimeNs(), from a clock of the device
  kModel,   // Session::DeviceTimeNs(), from a formula: nothing is really measured
  // Session::DeviceTimeNs() counts the instructions that an emulated processor executes. They are exact and are no time: such a
  // run has no latency.
  kInstructions,
};
// RepetitionRecord::clock
constexpr std::string_view TimeSourceName(TimeSource source) {
  switch (source) {
    case TimeSource::kDevice:
      return kDeviceClock;
    case TimeSource::kModel:
      return kSimulatedClock;
    case TimeSource::kInstructions:
      return kInstructionClock;
    case TimeSource::kHost:
      break;
  }
  return kSteadyClock;
}

struct DeviceDescription {
  std::string driver;                         // family name
  std::string model;                          // "x86_64 Intel Xeon ...", "simulated cortex-m4"
  std::string serial;                         // empty when the device has none
  std::string runtime;                        // "onnxruntime 1.30.0"
  std::map<std::string, std::string> labels;  // added below the agent's own: arch, class, ...
  std::vector<std::string> artifact_kinds;    // what Open() takes: "onnx", ...
  // The device's own end of preparation: for models of a kind that Open() does not take, the steps (prepare/steps.h) that make of
  // them what it takes: {"onnx": ["firmware board=nucleo-l4r5zi"]}.
  std::map<std::string, std::vector<std::string>> last_steps{};
  DeviceLimits limits;
  // False for a device that models time but does not run the network: its outputs mean nothing and are not kept.
  bool computes_outputs = true;
  // Simulated faults: stage of a run -> seconds for which the agent cuts its link to the coordinator when it enters it.
  std::map<std::string, double> link_cuts_s;
  TimeSource time_source = TimeSource::kHost;  // the worker's business; not told to the coordinator
};

// Whether models of this kind can be run: as they are, or after the device's own last steps.
inline bool CanBeGiven(const DeviceDescription& device, const std::string& kind) {
  const auto& kinds = device.artifact_kinds;
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end() || device.last_steps.contains(kind);
}

struct SessionRequest {
  std::string artifact_path;  // verified content, readable for the life of the session
  std::string artifact_kind;
  std::vector<TensorInfo> inputs;  // the signature that the coordinator read from the artifact
  std::vector<TensorInfo> outputs;
  RuntimeOptions options;  // the variant's over the device's
  std::uint64_t seed = 0;
  std::uint32_t repetition = 0;
};

// What the layers of a network took in one inference.
struct LayerCounts {
  std::string unit;  // "cycles", "instructions", "ns"
  std::vector<std::uint64_t> counts;
};

// One loaded model. Destroying it releases everything it took.
class Session {
 public:
  virtual ~Session() = default;

  virtual const std::vector<TensorInfo>& Inputs() const = 0;
  virtual const std::vector<TensorInfo>& Outputs() const = 0;
  // What was really used after defaults, for the record: {"threads": "1", "graph_level": "all", ...}.
  virtual std::map<std::string, std::string> EffectiveOptions() const = 0;

  // Prepares a query outside the measured window: one tensor per model input, in the order of Inputs(), with the batch
  // dimension in place. The bytes stay the caller's and must outlive the session. The handle is valid for the session.
  virtual Result<std::uint32_t> Bind(std::span<const TensorView> inputs) = 0;

  // Runs a bound query to completion. Called inside the measured window: no allocation by us, no log, no disk.
  virtual Status Invoke(std::uint32_t query) = 0;

  // Runs a bound query `count` times in a row as one command. A pin of the device falls before the first inference and after the
  // last, with nothing but inferences in between, and is high again at least 1 us later: what a power meter with an input for edges
  // sees (EEMBC's `infer N 0` in energy mode). Called outside of the measured window, after a successful Invoke(); what that said
  // (outputs, DeviceTimeNs()) holds no longer. UNIMPLEMENTED: this device has no such pin, and then its energy is not known.
  virtual Status InvokeBetweenEdges(std::uint32_t query, std::uint64_t count) {
    static_cast<void>(query);
    static_cast<void>(count);
    return UnimplementedError("the driver moves no pin of its device for a power meter");
  }

  // Outputs of the last successful Invoke(), in the order of Outputs(); valid until the next Invoke() or the session's end.
  virtual Result<std::vector<TensorView>> ReadOutputs() = 0;

  // Duration of the last Invoke() by the device's own clock, where it has one that counts instead of the host's (an MCU's
  // cycle counter, a simulated device's model). Absent: the host's clock around Invoke() is the measurement.
  virtual std::optional<std::uint64_t> DeviceTimeNs() const { return std::nullopt; }
  // Energy since the session was opened by the device's own counter. Absent without one.
  virtual std::optional<double> EnergyJ() const { return std::nullopt; }
  // Cycles of its processor since the session was opened, by the device's own counter. Absent without one.
  virtual std::optional<std::uint64_t> Cycles() const { return std::nullopt; }
  // Instructions of its processor since the session was opened, likewise.
  virtual std::optional<std::uint64_t> Instructions() const { return std::nullopt; }
  // Of a model that was compiled to a program, what is known of it; null otherwise. Valid for the session.
  virtual const NetworkFacts* Facts() const { return nullptr; }
  // Runs a bound query once more, outside of every window, and counts each layer, in the order of Facts()->layers. Empty: it
  // cannot.
  virtual Result<LayerCounts> CountLayers() { return LayerCounts(); }
  // What was said on the line to the device, newest last, at most 1 MiB; empty where there is no line.
  virtual std::string Transcript() const { return {}; }
  // A count that rises while the device holds itself back, for heat or for want of power. Absent without one.
  virtual std::optional<std::uint64_t> ThrottleCount() const { return std::nullopt; }

  // The run has come to this stage: "energy", "warm-up", "measuring", "predicting" or "reporting". Called between queries, after the
  // worker has told its agent, so that whatever the device does here is put down to the right stage.
  virtual void EnterStage(std::string_view stage) { static_cast<void>(stage); }
};

class DeviceDriver {
 public:
  virtual ~DeviceDriver() = default;
  // Never blocks on the device.
  virtual const DeviceDescription& Describe() const = 0;
  // Does the device answer now? UNAVAILABLE says what to look at.
  virtual Status Probe(Deadline deadline) = 0;
  // Asked by the agent each time that it is about to cut its link as link_cuts_s says; false: not this time.
  virtual bool MayCutLink() { return true; }
  // May block. The session must not outlive the driver.
  virtual Result<std::unique_ptr<Session>> Open(const SessionRequest& request, Deadline deadline) = 0;
};

using DriverOptions = std::map<std::string, std::string>;

struct DriverEntry {
  std::string_view name;
  std::string_view summary;            // one line
  std::span<const OptionDoc> options;  // every key that create() knows; it refuses others
  Result<std::unique_ptr<DeviceDriver>> (*create)(const DriverOptions& options);
};

}  // namespace paddock
