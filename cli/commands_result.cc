#include <algorithm>
#include <iostream>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/evidence_download.h"
#include "cli/result_table.h"
#include "cli/waterfall.h"

namespace paddock {
namespace {

constexpr std::uint32_t kExportLimit = 10'000;

Result<std::vector<v1::RunResult>> FetchResults(Connection& connection, const std::string& job_id,
                                                std::uint32_t limit, bool with_golden = false) {
  v1::ListResultsRequest request;
  request.set_with_golden(with_golden);
  request.set_job_id(job_id);
  request.set_limit(limit);
  v1::ListResultsResponse response;
  PADDOCK_RETURN_IF_ERROR(
      connection.Call(connection.results(), &v1::ResultService::Stub::ListResults, request, &response));
  return std::vector<v1::RunResult>(response.results().begin(), response.results().end());
}

std::string GoldenText(const v1::GoldenComparison& golden) {
  std::string text;
  for (const std::string& run : golden.near_runs()) text += (text.empty() ? "" : ", ") + run;
  if (!golden.has_ratio()) return text + ": none before to compare with";
  if (golden.near_runs_size() > 1) text += ", farthest " + golden.farthest();
  text += ": " + Figure(golden.ratio(), "1") + " of the median " + Figure(golden.median_s(), "s") + " of " +
          std::to_string(golden.history()) + " before";
  return golden.drifting() ? text + ": the device drifts" : text;
}

Table Fields(const v1::RunResult& result) {
  const v1::Provenance& provenance = result.provenance();
  Table table;
  const auto add = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) table.rows.push_back({name, value});
  };
  add("run", result.run_id() + " of job " + result.job_id() + " (" + result.job_name() + ")");
  add("device", result.device() + " (" + result.driver() + ")");
  add("variant", result.variant());
  add("state",
      result.state() + (result.attempts() > 1 ? ", attempt " + std::to_string(result.attempts()) : ""));
  if (result.finished_wall_ms() != 0) add("finished", Ago(result.finished_wall_ms()));
  if (result.has_failure()) {
    add("failure", result.failure().class_() + " failure while " + result.failure().stage() + ": " +
                       result.failure().message());
  }
  add("verdict", result.verdict());
  for (const v1::Reason& reason : result.reasons()) add("  " + reason.code(), reason.detail());
  if (result.has_golden()) add("golden runs", GoldenText(result.golden()));
  add("runtime", provenance.runtime());
  for (const auto& [key, value] :
       std::map<std::string, std::string>(provenance.options().begin(), provenance.options().end())) {
    add("  " + key, value);
  }
  add("model", provenance.model_sha256());
  add("artifact", provenance.artifact_sha256());
  add("data", provenance.data_sha256());
  add("agent", provenance.agent_version());
  add("coordinator", provenance.coordinator_version());
  add("repetitions", std::to_string(result.repetitions_size()));
  if (provenance.preparation_s() > 0) add("preparation", Figure(provenance.preparation_s(), "s"));
  for (const std::string& line : provenance.preparation()) add("  step", line);
  return table;
}

Table Kpis(const v1::RunResult& result) {
  Table table{{"KPI", "VALUE", "INTERVAL", "BETTER"}, {}};
  const std::map<std::string, v1::Kpi> kpis(result.kpis().begin(), result.kpis().end());
  const bool relative =
      std::any_of(kpis.begin(), kpis.end(), [](const auto& entry) { return entry.second.has_relative(); });
  if (relative) table.columns.emplace_back("OF GOLDEN");
  for (const auto& [name, kpi] : kpis) {
    table.rows.push_back({name, Figure(kpi.value(), kpi.unit()), IntervalText(kpi), kpi.better()});
    if (relative) table.rows.back().push_back(kpi.has_relative() ? Figure(kpi.relative(), "1") : "");
  }
  for (const auto& [name, why] :
       std::map<std::string, std::string>(result.missing().begin(), result.missing().end())) {
    table.rows.push_back({name, "-", "missing: " + why, ""});
    if (relative) table.rows.back().emplace_back();
  }
  return table;
}

// Who measured, and how it was set; no rows when it said nothing.
Table Machine(const v1::RunResult& result) {
  constexpr std::size_t kShown = 80;  // of a kernel's command line; all of it is in JSON
  const auto& machine = result.provenance().machine();
  Table table{{"MACHINE", ""}, {}};
  for (const auto& [what, value] : std::map<std::string, std::string>(machine.begin(), machine.end()))
    table.rows.push_back({what, Shortened(value, kShown)});
  return table;
}

// Moves the results that an export leaves out to the answer.
std::vector<v1::RunResult> TakeNotValid(std::vector<v1::RunResult>& results) {
  const auto first = std::stable_partition(results.begin(), results.end(), [](const v1::RunResult& result) {
    return result.verdict() == "valid";
  });
  std::vector<v1::RunResult> left_out(first, results.end());
  results.erase(first, results.end());
  return left_out;
}

std::string ExportText(OutputFormat format, const std::vector<v1::RunResult>& results) {
  return format == OutputFormat::kCsv ? AsCsv(KpiTable(results)) : Text(ResultsDocument(results));
}

}  // namespace

int ListResults(const Globals& globals, const std::string& job_id, std::uint32_t limit, bool with_golden) {
  Connection connection(globals.server);
  const auto results = FetchResults(connection, job_id, limit, with_golden);
  if (!results.ok()) return Report(results.status());
  if (globals.format == OutputFormat::kJson) {
    std::cout << Text(ResultsDocument(*results));
  } else {
    PrintResults(globals.format, *results);
  }
  return kExitOk;
}

int ShowResult(const Globals& globals, const std::string& run_id) {
  Connection connection(globals.server);
  const auto result = FetchResult(connection, run_id);
  if (!result.ok()) return Report(result.status());
  if (globals.format == OutputFormat::kJson) {
    std::cout << Text(RunDocument(*result));
  } else if (globals.format == OutputFormat::kCsv || globals.format == OutputFormat::kName) {
    PrintResults(globals.format, {*result});
  } else {
    std::cout << AsText(Fields(*result)) << "\n";
    PrintTable(globals.format, Kpis(*result), "no KPIs");
    if (const Table machine = Machine(*result); !machine.rows.empty()) std::cout << "\n" << AsText(machine);
    if (const std::string waterfall = WaterfallText(*result); !waterfall.empty())
      std::cout << "\n" << waterfall;
    PrintMessage(ExpiredRecords(*result));
    PrintBudgets(globals.format, {*result});
    if (globals.format == OutputFormat::kWide) {
      std::cout << "\nplan as measured:\n" << Printable(result->provenance().plan_json()) << "\n";
    }
  }
  return kExitOk;
}

int ExportResults(const Globals& globals, const std::string& id, const std::string& out, bool all_verdicts) {
  Connection connection(globals.server);
  std::vector<v1::RunResult> results;
  if (id.starts_with("r-")) {
    const auto result = FetchResult(connection, id);
    if (!result.ok()) return Report(result.status());
    results.push_back(*result);
  } else {
    auto fetched = FetchResults(connection, id, kExportLimit);
    if (!fetched.ok()) return Report(fetched.status());
    results = *std::move(fetched);
  }
  const auto not_valid = std::count_if(results.begin(), results.end(), [](const v1::RunResult& result) {
    return result.verdict() != "valid";
  });
  if (all_verdicts && not_valid > 0) {
    std::cerr << not_valid << " of these are not valid: `verdict` says which; do not average them\n";
  }
  std::vector<v1::RunResult> left_out;
  if (!all_verdicts) left_out = TakeNotValid(results);
  const std::string text = ExportText(globals.format, results);
  if (out.empty()) {
    std::cout << text;
  } else if (const Status written = WriteFileAtomically(out, text); !written.ok()) {
    return Report(LocalFileError(written));
  }
  for (const v1::RunResult& result : left_out) {
    PrintMessage("left out: " + result.run_id() + " (" + result.device() + ", " + result.variant() + ") is " +
                 VerdictOrState(result));
  }
  if (!left_out.empty())
    std::cerr << left_out.size() << " left out because they are not valid; --all includes them\n";
  if (!out.empty()) PrintMessage(std::to_string(results.size()) + " runs written to " + out);
  return results.empty() && !left_out.empty() ? kExitNoValidVerdict : kExitOk;
}

}  // namespace paddock
