#include "server/rpc/compare.h"

#include <catch2/catch.hpp>

namespace paddock {
namespace {

using Catch::Contains;

KpiValue MeasuredAround(double center) {
  const std::vector<double> figures{center * 0.99, center, center * 1.01, center * 1.015, center * 0.985};
  return {center, MedianInterval(figures), figures};
}

StoredResult StoredRunOf(const std::string& id, const std::string& device, const std::string& variant,
                         double latency) {
  StoredResult result;
  result.run.id = RunId(id);
  result.run.job = JobId("j-1");
  result.run.device = DeviceId(device);
  result.run.state = RunState::kDone;
  result.driver = "simulated";
  result.spec.model = Sha256::Of("model");
  result.spec.data = Sha256::Of("data");
  result.spec.task = Task::kClassification;
  result.spec.variants = {{variant, {}, {}}};
  Evaluation& evaluation = result.evaluation.emplace();
  evaluation.kpis.values["latency_p50"] = MeasuredAround(latency);
  evaluation.kpis.values["artifact_size"] = {1000, std::nullopt, {}};
  evaluation.kpis.values["accuracy_top1"] = {0.9, Interval{0.88, 0.92}, {}};
  evaluation.runtime = "simulated 1";
  return result;
}

std::optional<PairedAccuracy> NoPredictions(const StoredResult&, const StoredResult&) { return std::nullopt; }

const v1::Comparison::Row* RowOf(const v1::Comparison& comparison, const std::string& kpi) {
  for (const auto& row : comparison.rows()) {
    if (row.kpi() == kpi) return &row;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("two runs are compared with effect, test and Pareto mark, and what differs around them is told") {
  StoredResult slow = StoredRunOf("r-2", "sim-1", "as-is", 0.012);
  slow.run.job = JobId("j-2");
  slow.evaluation->runtime = "simulated 2";
  slow.evaluation->options["threads"] = "2";
  slow.spec.scenario.min_duration_s += 1;
  const auto comparison =
      CompareSides({"r-1", {StoredRunOf("r-1", "sim-1", "as-is", 0.010)}}, {"r-2", {slow}}, NoPredictions);
  const auto* latency = RowOf(comparison, "latency_p50");
  REQUIRE(latency != nullptr);
  CHECK(latency->change() == "worse");
  CHECK(latency->effect().kind() == "ratio");
  CHECK(latency->effect().value() == Approx(1.2));
  CHECK_THAT(latency->effect().test(), Contains("Hodges-Lehmann") && Contains("Mann-Whitney exact"));
  CHECK(RowOf(comparison, "accuracy_top1")->change() == "no difference seen");
  REQUIRE(comparison.pareto_size() == 2);
  CHECK(comparison.pareto(0).on_front());
  CHECK_FALSE(comparison.pareto(1).on_front());
  CHECK(comparison.pareto(1).dominated_by(0) == "r-1");
  std::set<std::string> different;
  for (const auto& difference : comparison.differences()) different.insert(difference.what());
  CHECK(different == std::set<std::string>{"option threads", "runtime", "scenario min_duration_s"});
  CHECK(comparison.combined_size() == 0);
}

TEST_CASE("what differs between the machines of a pair is told, unless one of them said nothing") {
  StoredResult before = StoredRunOf("r-1", "sim-1", "as-is", 0.01);
  before.evaluation->machine = {{"kernel", "6.1.0-18"}, {"governor", "performance"}, {"turbo", "on"}};
  StoredResult after = StoredRunOf("r-2", "sim-1", "as-is", 0.01);
  after.evaluation->machine = {{"kernel", "6.1.0-25"}, {"governor", "performance"}};
  auto comparison = CompareSides({"r-1", {before}}, {"r-2", {after}}, NoPredictions);
  REQUIRE(comparison.differences_size() == 2);
  CHECK(comparison.differences(0).what() == "kernel");
  CHECK(comparison.differences(0).a() == "6.1.0-18");
  CHECK(comparison.differences(0).b() == "6.1.0-25");
  CHECK(comparison.differences(0).devices(0) == "sim-1");
  CHECK(comparison.differences(1).what() == "turbo");
  CHECK(comparison.differences(1).b().empty());
  after.evaluation->machine.clear();
  comparison = CompareSides({"r-1", {before}}, {"r-2", {after}}, NoPredictions);
  CHECK(comparison.differences_size() == 0);
}

TEST_CASE("only valid runs are compared, and each other one is named with its verdict") {
  StoredResult degraded = StoredRunOf("r-2", "sim-1", "as-is", 0.01);
  degraded.evaluation->judgement.verdict = Verdict::kDegraded;
  StoredResult failed = StoredRunOf("r-3", "sim-2", "as-is", 0.01);
  failed.run.state = RunState::kFailed;
  failed.evaluation.reset();
  const auto comparison = CompareSides({"r-1", {StoredRunOf("r-1", "sim-1", "as-is", 0.01)}},
                                       {"j-2", {degraded, failed}}, NoPredictions);
  CHECK(comparison.rows_size() == 0);
  REQUIRE(comparison.notes_size() == 3);
  CHECK_THAT(comparison.notes(0), Contains("r-2") && Contains("its verdict is degraded"));
  CHECK_THAT(comparison.notes(1), Contains("r-3") && Contains("it is failed"));
  CHECK_THAT(comparison.notes(2), Contains("r-1 of r-1 has no partner in j-2"));
}

TEST_CASE("jobs are paired by device and variant, and over devices the shifts are combined") {
  std::vector<StoredResult> before;
  std::vector<StoredResult> after;
  for (int device = 0; device < 6; ++device) {
    for (const char* variant : {"as-is", "int8"}) {
      const std::string number = std::to_string(device) + variant;
      before.push_back(
          StoredRunOf("r-a" + number, "sim-" + std::to_string(device), variant, 0.010 + 0.001 * device));
      after.push_back(
          StoredRunOf("r-b" + number, "sim-" + std::to_string(device), variant, 0.009 + 0.001 * device));
    }
  }
  after.pop_back();
  const auto comparison = CompareSides({"j-1", before}, {"j-2", after}, NoPredictions);
  CHECK(comparison.rows_size() == 11 * 3);
  CHECK(comparison.notes_size() == 1);
  const auto combined =
      std::find_if(comparison.combined().begin(), comparison.combined().end(),
                   [](const auto& row) { return row.kpi() == "latency_p50" && row.variant_a() == "as-is"; });
  REQUIRE(combined != comparison.combined().end());
  CHECK(combined->devices_size() == 6);
  CHECK(combined->change() == "better");
  CHECK(combined->effect().value() < 1);
}

TEST_CASE("answers to the same samples replace the intervals of accuracy") {
  const auto comparison = CompareSides({"r-1", {StoredRunOf("r-1", "sim-1", "as-is", 0.01)}},
                                       {"r-2", {StoredRunOf("r-2", "sim-1", "int8", 0.01)}},
                                       [](const StoredResult&, const StoredResult&) {
                                         return std::optional(PairedAccuracyOf(870, 30, 5, 95));
                                       });
  const auto* accuracy = RowOf(comparison, "accuracy_top1");
  CHECK(accuracy->change() == "worse");
  CHECK(accuracy->effect().value() == Approx(-0.025));
  CHECK_THAT(accuracy->effect().test(), Contains("McNemar"));
}

TEST_CASE("a variant of a job is its runs alone; an unknown one lists those that there are") {
  const std::vector<StoredResult> job{StoredRunOf("r-1", "sim-1", "as-is", 0.01),
                                      StoredRunOf("r-2", "sim-1", "int8", 0.02)};
  const auto only = OnlyVariant(job, "int8");
  REQUIRE(only.ok());
  CHECK(only->size() == 1);
  const auto unknown = OnlyVariant(job, "int4");
  CHECK(unknown.status().code() == StatusCode::kNotFound);
  CHECK_THAT(unknown.status().message(), Contains("as-is, int8"));
}

}  // namespace paddock
