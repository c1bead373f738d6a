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
  std::vector<std::string> steps;  // of preparation, in order; empty: the model as it is
  RuntimeOptions options;
};

struct JobSpec {
  std::string name;
  std::string model_path;  // as the user wrote it: for people
  Digest model;
  std::string data_path;
  Digest data;
  DataSpec data_spec;
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
};

std::string EncodeJobSpec(const JobSpec& spec);
Result<JobSpec> DecodeJobSpec(std::string_view json);

}  // namespace paddock
