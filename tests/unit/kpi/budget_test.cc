#include "kpi/budget.h"

#include <catch2/catch.hpp>

namespace paddock {
namespace {

KpiReport MeasuredForBudget() {
  KpiReport report;
  report.values["latency_p99"] = {0.0180, Interval{0.0175, 0.0190, 0.9375}, {0.0175, 0.0180, 0.0190}};
  report.values["throughput"] = {50, std::nullopt, {50}};
  report.values["artifact_size"] = {97340, std::nullopt, {}};
  report.missing["power_mean"] = "no_sensor";
  return report;
}

BudgetJudgement JudgeOne(const std::string& kpi, BudgetLimits limits, Verdict verdict = Verdict::kValid) {
  const auto judgements = JudgeBudgets({{kpi, limits}}, MeasuredForBudget(), verdict);
  REQUIRE(judgements.size() == 1);
  CHECK(judgements[0].kpi == kpi);
  CHECK_FALSE(judgements[0].detail.empty());
  return judgements[0];
}

BudgetOutcome OutcomeOf(const std::string& kpi, BudgetLimits limits) { return JudgeOne(kpi, limits).outcome; }

std::string BudgetRefusal(const Budgets& budgets, Task task = Task::kClassification) {
  return CheckBudgets(budgets, task).message();
}

}  // namespace

TEST_CASE("a budget is met or missed only by the whole interval") {
  CHECK(OutcomeOf("latency_p99", {.max = 0.020, .min = {}}) == BudgetOutcome::kMet);
  CHECK(OutcomeOf("latency_p99", {.max = 0.0190, .min = {}}) == BudgetOutcome::kMet);
  CHECK(OutcomeOf("latency_p99", {.max = 0.0185, .min = {}}) == BudgetOutcome::kUndecidable);
  CHECK(OutcomeOf("latency_p99", {.max = 0.0176, .min = {}}) == BudgetOutcome::kUndecidable);
  CHECK(OutcomeOf("latency_p99", {.max = 0.0170, .min = {}}) == BudgetOutcome::kMissed);
  CHECK(OutcomeOf("latency_p99", {.max = {}, .min = 0.0175}) == BudgetOutcome::kMet);
  CHECK(OutcomeOf("latency_p99", {.max = {}, .min = 0.0180}) == BudgetOutcome::kUndecidable);
  CHECK(OutcomeOf("latency_p99", {.max = {}, .min = 0.0191}) == BudgetOutcome::kMissed);
  CHECK(JudgeOne("latency_p99", {.max = 0.0185, .min = {}}).detail.find("inside the interval") !=
        std::string::npos);
}

TEST_CASE("a budget of what is computed once is judged by the value, of a single repetition not at all") {
  CHECK(OutcomeOf("artifact_size", {.max = 97340, .min = {}}) == BudgetOutcome::kMet);
  CHECK(OutcomeOf("artifact_size", {.max = 97339, .min = {}}) == BudgetOutcome::kMissed);
  const auto throughput = JudgeOne("throughput", {.max = {}, .min = 10});
  CHECK(throughput.outcome == BudgetOutcome::kUndecidable);
  CHECK(throughput.detail.find("one repetition") != std::string::npos);
}

TEST_CASE("a budget of a missing KPI or of a run that is not valid is undecidable and says why") {
  const auto missing = JudgeOne("power_mean", {.max = 10, .min = {}});
  CHECK(missing.outcome == BudgetOutcome::kUndecidable);
  CHECK(missing.detail == "missing: no_sensor");
  const auto degraded = JudgeOne("latency_p99", {.max = 0.001, .min = {}}, Verdict::kDegraded);
  CHECK(degraded.outcome == BudgetOutcome::kUndecidable);
  CHECK(degraded.detail == "the run is degraded");
}

TEST_CASE("both limits of a KPI are judged") {
  const auto both =
      JudgeBudgets({{"latency_p99", {.max = 0.02, .min = 0.0191}}}, MeasuredForBudget(), Verdict::kValid);
  REQUIRE(both.size() == 2);
  CHECK((both[0].is_max && both[0].outcome == BudgetOutcome::kMet));
  CHECK((!both[1].is_max && both[1].outcome == BudgetOutcome::kMissed));
}

TEST_CASE("a budget that cannot be judged is refused by name") {
  CHECK(BudgetRefusal({{"latency_p99", {.max = 1, .min = {}}}, {"accuracy_top1", {.max = {}, .min = 0.9}}})
            .empty());
  CHECK(BudgetRefusal({{"latency_p9", {.max = 1, .min = {}}}}).find("did you mean 'latency_p9") !=
        std::string::npos);
  CHECK(BudgetRefusal({{"latency_p99", {}}}).find("budgets.latency_p99: has no limit") == 0);
  CHECK(BudgetRefusal({{"latency_p99", {.max = 1, .min = 2}}}).find("min is above max") != std::string::npos);
  CHECK(BudgetRefusal({{"latency_p99", {.max = std::numeric_limits<double>::infinity(), .min = {}}}})
            .find("finite") != std::string::npos);
  CHECK(BudgetRefusal({{"rmse", {.max = 1, .min = {}}}}).find("task regression") != std::string::npos);
  CHECK(BudgetRefusal({{"accuracy_top1", {.max = {}, .min = 0.9}}}, Task::kNone).find("task is none") !=
        std::string::npos);
}

}  // namespace paddock
