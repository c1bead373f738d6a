#include <iostream>

#include "cli/commands.h"
#include "cli/document.h"
#include "cli/result_table.h"

namespace paddock {
namespace {

void PrintBelow(const Table& table) {
  if (!table.rows.empty()) std::cout << "\n" << AsText(table);
}

}  // namespace

int Compare(const Globals& globals, const std::string& a, const std::string& b) {
  Connection connection(globals.server);
  v1::CompareRequest request;
  request.set_a(a);
  request.set_b(b);
  v1::Comparison comparison;
  const Status status =
      connection.Call(connection.results(), &v1::ResultService::Stub::Compare, request, &comparison);
  if (!status.ok()) return Report(status);
  if (globals.format == OutputFormat::kJson) {
    std::cout << Text(ComparisonDocument(comparison));
  } else {
    PrintTable(globals.format, ComparisonTable(globals.format, comparison), "no two valid runs to compare");
  }
  if (globals.format == OutputFormat::kTable || globals.format == OutputFormat::kWide) {
    PrintBelow(CombinedTable(comparison));
    PrintBelow(ParetoTable(comparison));
    PrintBelow(DifferenceTable(comparison));
  }
  if (globals.format != OutputFormat::kJson) {
    for (const std::string& note : comparison.notes()) PrintMessage(note);
  }
  return comparison.rows_size() == 0 ? kExitNoValidVerdict : kExitOk;
}

}  // namespace paddock
