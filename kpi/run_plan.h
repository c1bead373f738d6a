// What an agent is asked to do for one run: complete, so that a worker needs nothing else, and immutable. Its JSON form is
// what travels on the wire, what the worker reads and what is stored beside the result, so the plan that was measured can be
// shown to the letter. Times in seconds are doubles as people write them; everything measured is integer nanoseconds.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/status.h"
#include "kpi/scenario.h"
#include "kpi/tensor.h"

namespace paddock {

// Runtime options of a variant, over the device's own. Absent: the device's, then the runtime's default. A driver refuses an
// option that it does not have.
struct RuntimeOptions {
  std::optional<std::uint32_t> threads;
  std::optional<std::string> graph_level;  // "disabled", "basic", "extended", "all"
  std::optional<bool> spinning;
  std::optional<bool> memory_arena;
  std::optional<std::string>
      execution_provider;  // "cpu", "cuda", "tensorrt", or a name that the runtime knows
  std::map<std::string, std::string> provider_options;
  bool operator==(const RuntimeOptions&) const = default;
};

struct RunPlan {
  std::string run_id;
  Digest artifact;              // the prepared model
  std::string artifact_kind;    // "onnx"
  std::vector<Digest> batches;  // tensor files with the model's inputs, in sample order; together all samples
  std::uint64_t sample_count = 0;  // over all batches
  std::vector<TensorInfo>
      inputs;  // of the artifact; the batches hold one tensor per input, under the same name
  std::vector<TensorInfo> outputs;
  RuntimeOptions options;
  Scenario scenario;
  std::uint32_t repetitions = 5;  // of the whole run
  // Those to be measured under this lease: from `begin` to before `end` (absent: to the last). Runs of a job that share a
  // device take turns, a repetition each.
  std::uint32_t repetition_begin = 0;
  std::optional<std::uint32_t> repetition_end;
  std::uint32_t RepetitionEnd() const { return repetition_end.value_or(repetitions); }
  double repetition_timeout_s = 600;
  std::uint64_t memory_limit_bytes = 0;  // of one worker; 0: the agent's own limit
  std::uint64_t seed = 0;
  bool keep_predictions = true;  // repetition 0 answers every sample once, outside the measured window
  // Set together or not at all: it stops answering when the nominal 95 % interval of top-1 is at most this wide.
  std::optional<double> accuracy_interval;
  Digest labels;  // tensor file, one row per sample
};

std::string EncodeRunPlan(const RunPlan& plan);
Result<RunPlan> DecodeRunPlan(std::string_view json);

// As key/value text for provenance and for the CLI: {"threads": "2", ...}; only what is set.
std::map<std::string, std::string> OptionsAsText(const RuntimeOptions& options);

}  // namespace paddock
