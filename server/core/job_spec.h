// A job as the coordinator understands it, free of the wire. The JSON form is what the store keeps, so a restart can go on
// with it; it is written and read by this file only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/status.h"
#include "kpi/budget.h"
#include "kpi/catalog.h"
#include "kpi/data_spec.h"
#include "kpi/run_plan.h"

namespace paddock {

struct Variant {
  std::string name;
  std::vector<std::string> steps;  // of preparation, as written, in order; empty: the model as it is
  RuntimeOptions options;
  std::string model_path{};  // of its own model; empty: the job's
  Digest model{};
  std::string encodings_path{};  // AIMET's, for its steps; empty: none
  Digest encodings{};
  std::string artifact_kind = "onnx";  // what the steps make of the model
  std::string obstacle{};              // why it cannot be made at all; empty: it can. Not stored
};

// Samples for the steps that need calibration; never one that is measured.
struct Calibration {
  std::string path;  // empty: of the job's data
  Digest data{};
  std::uint64_t samples = 256;  // at the most
  std::uint64_t seed = 0;
};

struct JobSpec {
  std::string name;
  std::string model_path;  // as the user wrote it: for people
  Digest model;
  std::string data_path;
  Digest data;
  DataSpec data_spec;
  Calibration calibration;
  Task task = Task::kNone;
  std::vector<Variant> variants;
  std::vector<std::string> selectors;
  Scenario scenario;
  std::uint32_t repetitions = 5;
  std::int32_t priority = 0;
  std::string reference_run;
  double repetition_timeout_s = 600;
  Budgets budgets;
  std::string rerun_of;  // the run that this job repeats; empty: none
  bool golden = false;   // the coordinator's own: compares its device with itself (kpi/golden.h)

  // The variant's own model, or the job's.
  const Digest& ModelOf(const Variant& variant) const {
    return variant.model.empty() ? model : variant.model;
  }
  const std::string& ModelPathOf(const Variant& variant) const {
    return variant.model.empty() ? model_path : variant.model_path;
  }
};

std::string EncodeJobSpec(const JobSpec& spec);
Result<JobSpec> DecodeJobSpec(std::string_view json);

}  // namespace paddock
