// The JSON that `paddock` prints: the contract of docs/cli.md. Names may be added, none is renamed. KPI values are in base
// SI units.
#pragma once

#include <vector>

#include "base/strict_json.h"
#include "cli/result_table.h"
#include "cli/variant_choice.h"
#include "paddock/v1/artifact.pb.h"
#include "paddock/v1/device.pb.h"
#include "paddock/v1/job.pb.h"
#include "paddock/v1/result.pb.h"

namespace paddock {

using OrderedJson = nlohmann::ordered_json;

// {"schema_version": 1, "job": {...}, "runs": [...]}; with "variants" when there are several, and "choices" when they have
// budgets.
OrderedJson JobDocument(const v1::JobStatus& job, const std::vector<v1::RunResult>& results,
                        const std::vector<VariantRow>& variants = {}, const AccuracyChanges& changes = {},
                        const std::vector<VariantChoice>& choices = {});
// {"schema_version": 1, "runs": [...]}
OrderedJson ResultsDocument(const std::vector<v1::RunResult>& results);
OrderedJson RunDocument(const v1::RunResult& result);
OrderedJson DeviceDocument(const v1::Device& device);
OrderedJson JobSummaryDocument(const v1::JobStatus& job);
OrderedJson ModelDocument(const v1::ModelDescription& model);
// The job that repeated a run, with "repeat": where each headline KPI lies.
OrderedJson RerunDocument(const v1::JobStatus& job, const v1::RunResult& original,
                          const std::vector<v1::RunResult>& results, const std::vector<RepeatRow>& rows);
OrderedJson ComparisonDocument(const v1::Comparison& comparison);
OrderedJson DriversDocument(const v1::ListDriversResponse& drivers);

// Indented by two; bytes that are not UTF-8 are replaced.
std::string Text(const OrderedJson& json);

}  // namespace paddock
