// Results as tables on stdout, and what went wrong on stderr.
#pragma once

#include <vector>

#include "cli/format.h"
#include "paddock/v1/result.pb.h"

namespace paddock {

// A message on stderr; its lines are shown as Printable().
void PrintMessage(std::string_view text);
// `when_empty` goes to stderr for a table without rows (people only).
void PrintTable(OutputFormat format, const Table& table, const std::string& when_empty);
// "1.301 ms .. 1.402 ms"; empty when there is none.
std::string Interval(const v1::Kpi& kpi);
std::string VerdictOrState(const v1::RunResult& result);
// The headline KPIs of each run; kWide: all of them, a row per KPI with its interval.
void PrintResults(OutputFormat format, const std::vector<v1::RunResult>& results);
// A row per run and KPI: for spreadsheets.
Table KpiTable(const std::vector<v1::RunResult>& results);
// Failures and the reasons behind verdicts that are not valid.
void PrintProblems(const std::vector<v1::RunResult>& results);

}  // namespace paddock
