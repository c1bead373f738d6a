#include "cli/variant_choice.h"

#include <catch2/catch.hpp>

namespace paddock {
namespace {

using Catch::Matchers::Contains;

void SetKpi(v1::RunResult* run, const std::string& name, double value, double half_width,
            const std::string& unit) {
  v1::Kpi& kpi = (*run->mutable_kpis())[name];
  kpi.set_value(value);
  kpi.set_lower(value - half_width);
  kpi.set_upper(value + half_width);
  kpi.set_unit(unit);
}

v1::RunResult DoneRun(const std::string& id, const std::string& device, const std::string& variant,
                      double top1, double latency_s, const std::string& budget = "") {
  v1::RunResult run;
  run.set_run_id(id);
  run.set_device(device);
  run.set_variant(variant);
  run.set_state("done");
  run.set_verdict("valid");
  SetKpi(&run, "accuracy_top1", top1, 0.001, "1");
  SetKpi(&run, "latency_p50", latency_s, 1e-6, "s");
  if (!budget.empty()) {
    v1::BudgetJudgement& judged = *run.add_budgets();
    judged.set_kpi("latency_p50");
    judged.set_outcome(budget);
  }
  return run;
}

TEST_CASE("variants are compared with the first one on their device, or with the first that there is",
          "[cli]") {
  const std::vector<v1::RunResult> results = {DoneRun("r-1", "a", "fp32", 0.99, 2e-3),
                                              DoneRun("r-2", "a", "int8", 0.98, 1e-3),
                                              DoneRun("r-3", "b", "tflite", 0.99, 3e-3)};
  const auto rows = VariantRows(results);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].base == nullptr);
  CHECK(rows[1].base->run_id() == "r-1");
  CHECK(rows[2].base->run_id() == "r-1");
  CHECK(rows[0].accuracy_kpi == "accuracy_top1");
  CHECK(VariantRows({results[0]}).empty());
}

TEST_CASE("a variant that is slower and less right than another on its device is dominated", "[cli]") {
  std::vector<v1::RunResult> results = {
      DoneRun("r-1", "a", "fp32", 0.99, 2e-3), DoneRun("r-2", "a", "int8", 0.98, 1e-3),
      DoneRun("r-3", "a", "worse", 0.97, 3e-3), DoneRun("r-4", "a", "doubtful", 0.99, 1e-4)};
  results[3].set_verdict("degraded");
  const auto rows = VariantRows(results);
  CHECK(rows[0].on_front);
  CHECK(rows[1].on_front);
  CHECK_FALSE(rows[2].on_front);
  CHECK(rows[2].is_judged);
  CHECK_FALSE(rows[3].is_judged);
  const Table table = VariantTable(rows, {});
  CHECK(table.rows[2].back() == "dominated");
  CHECK(table.rows[3].back() == "not judged");
}

TEST_CASE("the fastest variant that meets the budgets is chosen on each device, or none with the reasons",
          "[cli]") {
  std::vector<v1::RunResult> results = {
      DoneRun("r-1", "a", "fp32", 0.99, 2e-3, "met"), DoneRun("r-2", "a", "int8", 0.98, 1e-3, "met"),
      DoneRun("r-3", "a", "fast", 0.5, 1e-4, "missed"), DoneRun("r-4", "b", "fp32", 0.99, 2e-2, "missed"),
      DoneRun("r-5", "b", "int8", 0.99, 1e-3, "met")};
  results[4].set_verdict("inconclusive");
  const auto choices = ChooseVariants(results);
  REQUIRE(choices.size() == 2);
  CHECK(choices[0].variant == "int8");
  CHECK(choices[0].run == "r-2");
  CHECK(choices[1].variant.empty());
  CHECK_THAT(choices[1].reason, Contains("none is known to meet") && Contains("fp32: latency_p50 missed") &&
                                    Contains("int8: inconclusive"));
  results[4] = DoneRun("r-5", "b", "int8", 0.99, 1e-3, "missed");
  CHECK_THAT(ChooseVariants(results)[1].reason, Contains("none meets the budgets: fp32"));
  for (v1::RunResult& run : results) run.clear_budgets();
  CHECK(ChooseVariants(results).empty());
}

}  // namespace
}  // namespace paddock
