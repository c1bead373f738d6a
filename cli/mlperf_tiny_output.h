// An imported MLPerf Tiny result for people and for scripts.
#pragma once

#include <map>
#include <string>

#include "base/strict_json.h"
#include "cli/format.h"
#include "kpi/mlperf_tiny/submission.h"

namespace paddock {

// {"schema_version": 1, "runs": [...]} with one run in the form of `paddock run -o json`, and besides its parts and windows.
// `id` names the run; `digests` are the files' SHA-256 by name.
nlohmann::ordered_json MlperfTinyDocument(const std::string& id, const mlperf_tiny::TaskResult& task,
                                          const std::map<std::string, std::string>& digests);

// The KPIs with as many decimals and in the units of the benchmark's own reports, beside what was published.
Table MlperfTinyKpis(const mlperf_tiny::TaskResult& task);
Table MlperfTinyWindows(const mlperf_tiny::TaskResult& task);
Table MlperfTinySummary(const std::string& id, const mlperf_tiny::TaskResult& task);

}  // namespace paddock
