// What a job with several variants says about them: which are worth keeping on each device, how their accuracy differs from
// that of the first variant, and which one to take under the job's budgets. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/format.h"
#include "paddock/v1/result.pb.h"

namespace paddock {

struct VariantRow {
  const v1::RunResult* run = nullptr;
  std::string accuracy_kpi;  // empty: the run has none
  const v1::RunResult* base =
      nullptr;  // of the first variant: on the same device, else on the first that has it; null: itself
  bool is_judged = false;  // valid and with the objectives: it has a place in the Pareto set
  bool on_front = false;   // no other variant on the device dominates it (kpi/pareto.h)
};

// The runs that are done, in the order of the results. Empty unless there are at least two variants among them.
std::vector<VariantRow> VariantRows(const std::vector<v1::RunResult>& results);

// By run: from the first variant to this one, accuracy only.
using AccuracyChanges = std::map<std::string, v1::Comparison::Row>;
Table VariantTable(const std::vector<VariantRow>& rows, const AccuracyChanges& changes);

// Of the valid runs on a device that met every budget, the one with the lowest latency_p50.
struct VariantChoice {
  std::string device;
  std::string variant;  // empty: none
  std::string run;
  std::string reason;  // for people
};
// One per device; empty when the job has no budgets or only one variant.
std::vector<VariantChoice> ChooseVariants(const std::vector<v1::RunResult>& results);

}  // namespace paddock
