#include "cli/result_table.h"

#include <algorithm>
#include <array>
#include <iostream>
#include <map>

#include "kpi/catalog.h"

namespace paddock {
namespace {

struct Headline {
  const char* kpi;
  const char* column;
};
constexpr std::array kHeadlines{
    Headline{"latency_p50", "LATENCY P50"},
    Headline{"latency_p99", "P99"},
    Headline{"throughput", "THROUGHPUT"},
    Headline{"first_inference", "FIRST"},
    Headline{"instructions_per_inference", "INSTRUCTIONS"},
    Headline{"peak_memory", "PEAK MEMORY"},
    Headline{"artifact_size", "SIZE"},
    Headline{"flash_used", "FLASH"},
    Headline{"ram_used", "RAM"},
    Headline{"accuracy_top1", "TOP-1"},
    Headline{"rmse", "RMSE"},
    Headline{"energy_per_inference", "ENERGY"},
};

std::map<std::string, v1::Kpi> Sorted(const v1::RunResult& result) {
  return {result.kpis().begin(), result.kpis().end()};
}

Table Headlines(const std::vector<v1::RunResult>& results) {
  Table table{{"RUN", "DEVICE", "VARIANT", "VERDICT"}, {}};
  std::vector<Headline> shown;
  for (const Headline& headline : kHeadlines) {
    const bool any = std::any_of(results.begin(), results.end(), [&](const v1::RunResult& result) {
      return result.kpis().contains(headline.kpi);
    });
    if (!any) continue;
    shown.push_back(headline);
    table.columns.emplace_back(headline.column);
  }
  for (const v1::RunResult& result : results) {
    std::vector<std::string> row{result.run_id(), result.device(), result.variant(), VerdictOrState(result)};
    for (const Headline& headline : shown) {
      const auto kpi = result.kpis().find(headline.kpi);
      row.push_back(kpi == result.kpis().end() ? "-" : Figure(kpi->second.value(), kpi->second.unit()));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table AllKpis(const std::vector<v1::RunResult>& results) {
  Table table{{"RUN", "DEVICE", "VARIANT", "VERDICT", "KPI", "VALUE", "INTERVAL"}, {}};
  for (const v1::RunResult& result : results) {
    const std::vector<std::string> who{result.run_id(), result.device(), result.variant(),
                                       VerdictOrState(result)};
    const auto add = [&](const std::string& kpi, const std::string& value, const std::string& interval) {
      std::vector<std::string> row = who;
      row.insert(row.end(), {kpi, value, interval});
      table.rows.push_back(std::move(row));
    };
    for (const auto& [name, kpi] : Sorted(result))
      add(name, Figure(kpi.value(), kpi.unit()), IntervalText(kpi));
    for (const auto& [name, why] :
         std::map<std::string, std::string>(result.missing().begin(), result.missing().end())) {
      add(name, "-", "missing: " + why);
    }
  }
  return table;
}

}  // namespace

std::vector<std::string> HeadlineKpis() {
  std::vector<std::string> names;
  for (const Headline& headline : kHeadlines) names.emplace_back(headline.kpi);
  return names;
}

void PrintMessage(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::cerr << Printable(text.substr(0, end)) << "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::string IntervalText(const v1::Kpi& kpi) {
  if (!kpi.has_lower() || !kpi.has_upper()) return "";
  return Figure(kpi.lower(), kpi.unit()) + " .. " + Figure(kpi.upper(), kpi.unit());
}

std::string VerdictOrState(const v1::RunResult& result) {
  return result.verdict().empty() ? result.state() : result.verdict();
}

void PrintTable(OutputFormat format, const Table& table, const std::string& when_empty) {
  if (format == OutputFormat::kCsv) {
    std::cout << AsCsv(table);
  } else if (format == OutputFormat::kName) {
    std::cout << NamesOnly(table);
  } else if (table.rows.empty()) {
    std::cerr << when_empty << "\n";
  } else {
    std::cout << AsText(table);
  }
}

Table KpiTable(const std::vector<v1::RunResult>& results) {
  Table table{{"run", "job", "job_name", "device", "driver", "variant", "state", "verdict", "kpi", "value",
               "unit", "lower", "upper", "confidence", "better", "missing"},
              {}};
  for (const v1::RunResult& result : results) {
    const std::vector<std::string> who{result.run_id(), result.job_id(), result.job_name(),
                                       result.device(), result.driver(), result.variant(),
                                       result.state(),  result.verdict()};
    const auto add = [&](const std::vector<std::string>& rest) {
      std::vector<std::string> row = who;
      row.insert(row.end(), rest.begin(), rest.end());
      table.rows.push_back(std::move(row));
    };
    for (const auto& [name, kpi] : Sorted(result)) {
      add({name, ExactNumber(kpi.value()), kpi.unit(), kpi.has_lower() ? ExactNumber(kpi.lower()) : "",
           kpi.has_upper() ? ExactNumber(kpi.upper()) : "",
           kpi.has_confidence() ? ExactNumber(kpi.confidence()) : "", kpi.better(), ""});
    }
    for (const auto& [name, why] :
         std::map<std::string, std::string>(result.missing().begin(), result.missing().end())) {
      add({name, "", "", "", "", "", "", why});
    }
  }
  return table;
}

void PrintResults(OutputFormat format, const std::vector<v1::RunResult>& results) {
  if (format == OutputFormat::kCsv) {
    std::cout << AsCsv(KpiTable(results));
    return;
  }
  PrintTable(format, format == OutputFormat::kWide ? AllKpis(results) : Headlines(results), "no results yet");
}

void PrintBudgets(OutputFormat format, const std::vector<v1::RunResult>& results) {
  if (format != OutputFormat::kTable && format != OutputFormat::kWide) return;
  Table table{{"RUN", "DEVICE", "VARIANT", "BUDGET", "OUTCOME", "DETAIL"}, {}};
  for (const v1::RunResult& result : results) {
    for (const v1::BudgetJudgement& budget : result.budgets()) {
      const KpiDefinition* kpi = FindKpi(budget.kpi());
      const std::string limit = Figure(budget.limit(), kpi == nullptr ? "1" : std::string(kpi->unit));
      table.rows.push_back({result.run_id(), result.device(), result.variant(),
                            budget.kpi() + (budget.bound() == "max" ? " <= " : " >= ") + limit,
                            budget.outcome(), budget.detail()});
    }
  }
  if (!table.rows.empty()) std::cout << "\n" << AsText(table);
}

void PrintProblems(const std::vector<v1::RunResult>& results) {
  for (const v1::RunResult& result : results) {
    const std::string who = result.run_id() + " (" + result.device() + ", " + result.variant() + "): ";
    if (result.has_failure()) {
      PrintMessage(who + result.state() + ", " + result.failure().class_() + " failure while " +
                   result.failure().stage() + ": " + result.failure().message());
    }
    if (result.verdict().empty() || result.verdict() == "valid") continue;
    for (const v1::Reason& reason : result.reasons()) {
      PrintMessage(who + result.verdict() + ": " + reason.code() + ": " + reason.detail());
    }
  }
}

}  // namespace paddock
