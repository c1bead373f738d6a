// Results as tables on stdout, and what went wrong on stderr.
#pragma once

#include <string>
#include <vector>

#include "cli/format.h"
#include "kpi/catalog.h"
#include "paddock/v1/result.pb.h"

namespace paddock {

KpiValue KpiValueOf(const v1::Kpi& kpi);
// A comparison for people and, as kCsv, with exact numbers: a row per pair of runs and KPI.
Table ComparisonTable(OutputFormat format, const v1::Comparison& comparison);
// Over several devices, a row per KPI; no rows for one device.
Table CombinedTable(const v1::Comparison& comparison);
// Between what was measured and with what.
Table DifferenceTable(const v1::Comparison& comparison);
Table ParetoTable(const v1::Comparison& comparison);
// The names of the KPIs that people look at first.
std::vector<std::string> HeadlineKpis();
// The headline KPIs of `original` that `repeat` has too, and where the repeat lies.
struct RepeatRow {
  std::string kpi;
  v1::Kpi original;
  v1::Kpi repeat;
  std::string place;      // inside, outside, undecidable
  double outside_by = 0;  // a share of the nearer bound
};
std::vector<RepeatRow> RepeatRows(const v1::RunResult& original, const v1::RunResult& repeat);
Table RepeatTable(const std::vector<RepeatRow>& rows);

// A message on stderr; its lines are shown as Printable().
void PrintMessage(std::string_view text);
// `when_empty` goes to stderr for a table without rows (people only).
void PrintTable(OutputFormat format, const Table& table, const std::string& when_empty);
// "1.301 ms .. 1.402 ms"; empty when there is none.
std::string IntervalText(const v1::Kpi& kpi);
std::string VerdictOrState(const v1::RunResult& result);
// The headline KPIs of each run; kWide: all of them, a row per KPI with its interval.
void PrintResults(OutputFormat format, const std::vector<v1::RunResult>& results);
// A row per run and KPI: for spreadsheets.
Table KpiTable(const std::vector<v1::RunResult>& results);
// What became of the budgets, a row each; nothing when no run has one. For people.
void PrintBudgets(OutputFormat format, const std::vector<v1::RunResult>& results);
// Failures and the reasons behind verdicts that are not valid.
void PrintProblems(const std::vector<v1::RunResult>& results);

}  // namespace paddock
