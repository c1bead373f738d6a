#include "kpi/catalog.h"

#include <cmath>
#include <limits>
#include <set>

#include <catch2/catch.hpp>

#include "evidence.h"

namespace paddock {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Keeps the bytes that the evidence refers to.
struct Answers {
  Tensor scores;
  Tensor labels;
  RunEvidence Evidence(Task task = Task::kClassification) const {
    RunEvidence evidence;
    evidence.task = task;
    evidence.predictions = {ViewOf(scores)};
    evidence.labels = ViewOf(labels);
    return evidence;
  }
};

Answers Classified(Shape shape, std::vector<float> scores, std::vector<std::int64_t> labels) {
  const auto count = static_cast<std::int64_t>(labels.size());
  return {MakeTensor("scores", ElementType::kFloat32, std::move(shape), scores),
          MakeTensor("labels", ElementType::kInt64, {count}, labels)};
}

double ValueOf(const RunEvidence& evidence, std::string_view name) {
  const KpiDefinition* kpi = FindKpi(name);
  REQUIRE(kpi != nullptr);
  const auto outcome = kpi->compute(evidence);
  INFO(name << " is missing: " << outcome.missing);
  REQUIRE(outcome.value.has_value());
  return outcome.value->value;
}

std::string MissingOf(const RunEvidence& evidence, std::string_view name) {
  const KpiDefinition* kpi = FindKpi(name);
  REQUIRE(kpi != nullptr);
  const auto outcome = kpi->compute(evidence);
  CHECK_FALSE(outcome.value.has_value());
  return outcome.missing;
}

TEST_CASE("the catalogue holds the promised names, once each, in base SI units", "[kpi][catalog]") {
  const std::set<std::string_view> units = {"s", "J", "W", "B", "1/s", "1", "K", "1/J", "J s", "cycles"};
  std::set<std::string_view> names;
  for (const KpiDefinition& kpi : KpiCatalog()) {
    CHECK(names.insert(kpi.name).second);
    CHECK(units.contains(kpi.unit));
    CHECK_FALSE(kpi.needs.empty());
    CHECK(FindKpi(kpi.name) == &kpi);
  }
  for (const auto* name : {"latency_min",
                           "latency_mean",
                           "latency_p50",
                           "latency_p90",
                           "latency_p95",
                           "latency_p99",
                           "latency_p999",
                           "latency_max",
                           "latency_cv",
                           "jitter",
                           "throughput",
                           "first_inference",
                           "model_load",
                           "cold_start",
                           "peak_memory",
                           "artifact_size",
                           "accuracy_top1",
                           "accuracy_top5",
                           "f1_macro",
                           "cross_entropy",
                           "rmse",
                           "mae",
                           "auc",
                           "output_agreement",
                           "ece",
                           "mce",
                           "rmsce",
                           "miou",
                           "map",
                           "map_50",
                           "event_false_positives",
                           "event_false_negatives",
                           "harness_overhead",
                           "energy_per_inference",
                           "power_mean",
                           "cycles_per_inference"}) {
    CHECK(names.contains(name));
  }
  CHECK(FindKpi("latency_p42") == nullptr);
}

TEST_CASE("a run without any evidence has a reason for every KPI and no value", "[kpi][catalog]") {
  for (const Task task : {Task::kNone, Task::kClassification, Task::kRegression, Task::kSegmentation,
                          Task::kDetection, Task::kEvents}) {
    RunEvidence evidence;
    evidence.task = task;
    const KpiReport report = ComputeKpis(evidence);
    CHECK(report.values.empty());
    for (const KpiDefinition& kpi : KpiCatalog()) {
      const bool belongs = kpi.task == Task::kNone || kpi.task == task;
      CHECK(report.missing.contains(std::string(kpi.name)) == belongs);
    }
    for (const auto& [name, code] : report.missing) CHECK_FALSE(code.empty());
  }
}

TEST_CASE("each name is a value or missing, never both", "[kpi][catalog]") {
  const auto answers = Classified({2, 2}, {1, 0, 0, 1}, {0, 1});
  RunEvidence evidence = answers.Evidence();
  evidence.repetitions = {MakeRepetition(0, 100, 1000), MakeRepetition(1, 100, 1000)};
  const KpiReport report = ComputeKpis(evidence);
  CHECK(report.values.contains("accuracy_top1"));
  CHECK(report.values.contains("latency_p90"));
  CHECK(report.missing.at("latency_p99") == "too_few_samples");
  CHECK(report.missing.at("energy_per_inference") == "no_sensor");
  CHECK(report.missing.at("cycles_per_inference") == "no_counter");
  CHECK(report.missing.at("model_load") == "not_measured");
  CHECK_FALSE(report.values.contains("rmse"));
  CHECK_FALSE(report.missing.contains("rmse"));
  for (const auto& [name, value] : report.values) CHECK_FALSE(report.missing.contains(name));
}

TEST_CASE("a percentile appears with the first sample that supports it", "[kpi][catalog]") {
  RunEvidence evidence;
  evidence.repetitions = {MakeRepetition(0, 63 + 7, 1000, 7)};
  CHECK(MissingOf(evidence, "latency_p90") == "too_few_samples");
  evidence.repetitions = {MakeRepetition(0, 64 + 7, 1000, 7)};
  CHECK(ValueOf(evidence, "latency_p90") == Approx(1e-6));
  evidence.repetitions.push_back(MakeRepetition(1, 63, 1000));
  CHECK(MissingOf(evidence, "latency_p90") == "too_few_samples");
}

TEST_CASE("warm-up queries are in no figure", "[kpi][catalog]") {
  RunEvidence evidence;
  RepetitionRecord record = MakeRepetition(0, 110, 1000, 10);
  for (int i = 0; i < 10; ++i) record.queries.latency_ns[static_cast<std::size_t>(i)] = 1'000'000'000;
  evidence.repetitions = {record};
  CHECK(ValueOf(evidence, "latency_max") == Approx(1e-6));
  CHECK(ValueOf(evidence, "latency_mean") == Approx(1e-6));
  CHECK(ValueOf(evidence, "throughput") == Approx(1e6));
  CHECK(ValueOf(evidence, "latency_cv") == 0);
}

TEST_CASE("the KPI of a run is the median over repetitions, with an interval from two on", "[kpi][catalog]") {
  RunEvidence evidence;
  for (const std::uint64_t latency : {5000, 1000, 3000, 2000, 4000}) {
    evidence.repetitions.push_back(
        MakeRepetition(static_cast<std::uint32_t>(evidence.repetitions.size()), 10, latency));
  }
  const auto value = FindKpi("latency_p50")->compute(evidence).value.value();
  CHECK(value.value == Approx(3e-6));
  REQUIRE(value.interval.has_value());
  CHECK(value.interval->lower == Approx(1e-6));
  CHECK(value.interval->upper == Approx(5e-6));
  CHECK(value.interval->confidence == Approx(0.9375));
  evidence.repetitions.resize(1);
  CHECK_FALSE(FindKpi("latency_p50")->compute(evidence).value.value().interval.has_value());
}

TEST_CASE("a record that contradicts itself gives a reason instead of a number", "[kpi][catalog]") {
  RunEvidence evidence;
  RepetitionRecord record = MakeRepetition(0, 100, 1000);
  record.window_ns = 0;
  record.energy_j = 1;
  evidence.repetitions = {record};
  CHECK(MissingOf(evidence, "throughput") == "no_window");
  CHECK(MissingOf(evidence, "power_mean") == "no_window");
  CHECK(MissingOf(evidence, "harness_overhead") == "no_window");
  evidence.repetitions = {MakeRepetition(0, 700, 0)};
  CHECK(MissingOf(evidence, "latency_cv") == "zero_latency");
  CHECK(MissingOf(evidence, "jitter") == "zero_latency");
  record = MakeRepetition(0, 700, 0);
  record.queries.intended_offset_ns = record.queries.start_offset_ns;
  evidence.repetitions = {record};
  CHECK(MissingOf(evidence, "harness_overhead") == "open_loop");
  evidence.repetitions = {MakeRepetition(0, 5, 1000, 5)};
  CHECK(MissingOf(evidence, "latency_min") == "no_measured_queries");
  CHECK(MissingOf(evidence, "throughput") == "no_measured_queries");
}

TEST_CASE("what is absent from the answers is named", "[kpi][catalog]") {
  const auto answers = Classified({2, 2}, {1, 0, 0, 1}, {0, 1});
  RunEvidence evidence = answers.Evidence();
  evidence.labels.reset();
  CHECK(MissingOf(evidence, "accuracy_top1") == "no_labels");
  CHECK(MissingOf(evidence, "auc") == "no_labels");
  CHECK(MissingOf(evidence, "rmse") == "no_labels");
  evidence = answers.Evidence();
  evidence.predictions.clear();
  CHECK(MissingOf(evidence, "accuracy_top1") == "no_predictions");
  CHECK(MissingOf(evidence, "output_agreement") == "no_predictions");
  evidence.computes_outputs = false;
  evidence.labels.reset();
  CHECK(MissingOf(evidence, "accuracy_top1") == "not_computed");
  CHECK(MissingOf(evidence, "mae") == "not_computed");
  CHECK(MissingOf(evidence, "output_agreement") == "not_computed");
  CHECK(MissingOf(answers.Evidence(), "output_agreement") == "no_reference");
  CHECK(MissingOf(answers.Evidence(), "accuracy_top5") == "too_few_classes");
}

TEST_CASE("labels that do not fit the predictions give no accuracy", "[kpi][catalog]") {
  CHECK(MissingOf(Classified({2, 2}, {1, 0, 0, 1}, {0, 1, 1}).Evidence(), "accuracy_top1") ==
        "label_mismatch");
  CHECK(MissingOf(Classified({2, 2}, {1, 0, 0, 1}, {0, 2}).Evidence(), "accuracy_top1") ==
        "label_out_of_range");
  CHECK(MissingOf(Classified({2, 2}, {1, 0, 0, 1}, {0, -1}).Evidence(), "f1_macro") == "label_out_of_range");
  CHECK(MissingOf(Classified({2, 2}, {1, 0, 0, 1}, {0, 1, 1}).Evidence(Task::kRegression), "rmse") ==
        "label_mismatch");
  CHECK(MissingOf(Classified({2, 2}, {1, 0, 0, 1}, {1, 1}).Evidence(), "auc") == "one_class");
}

TEST_CASE("a sample with a NaN counts as wrong", "[kpi][catalog]") {
  const auto answers = Classified({2, 2}, {1, 0, kNan, 1}, {0, 1});
  CHECK(ValueOf(answers.Evidence(), "accuracy_top1") == 0.5);
  CHECK(ValueOf(answers.Evidence(), "f1_macro") == 0.5);  // class 0: 1, class 1: 0
  CHECK(ValueOf(answers.Evidence(), "cross_entropy") == Approx(-std::log(1e-12) / 2));
  CHECK(ValueOf(answers.Evidence(), "auc") == Approx(0.5));  // class 0: 0, class 1: 1
  RunEvidence evidence = answers.Evidence();
  evidence.reference = evidence.predictions;
  CHECK(ValueOf(evidence, "output_agreement") == 0.5);
  CHECK(ComputeKpis(Classified({2}, {1, kNan}, {0, 1}).Evidence(Task::kRegression)).missing.at("rmse") ==
        "not_finite");
}

TEST_CASE("ties of scores go to the lowest index", "[kpi][catalog]") {
  CHECK(ValueOf(Classified({2, 2}, {1, 1, 1, 1}, {0, 1}).Evidence(), "accuracy_top1") == 0.5);
  CHECK(ValueOf(Classified({7, 7}, std::vector<float>(49, 0.F), {0, 1, 2, 3, 4, 5, 6}).Evidence(),
                "accuracy_top5") == Approx(5.0 / 7));
}

TEST_CASE("one column of scores is class 1 of two, chosen above one half", "[kpi][catalog]") {
  const auto answers = Classified({4, 1}, {0.5F, 0.51F, 0.9F, 0.2F}, {0, 1, 0, 1});
  CHECK(ValueOf(answers.Evidence(), "accuracy_top1") == 0.5);
  CHECK(ValueOf(answers.Evidence(), "auc") == Approx(0.25));
  CHECK(ValueOf(answers.Evidence(), "cross_entropy") ==
        Approx(-(std::log(0.5) + std::log(0.51F) + std::log(1 - 0.9F) + std::log(0.2F)) / 4));
}

TEST_CASE("quantised scores rank classes but are no probabilities", "[kpi][catalog]") {
  Answers answers = Classified({2, 3}, {}, {2, 0});
  answers.scores = MakeTensor<std::int8_t>("scores", ElementType::kInt8, {2, 3}, {-128, 0, 127, 5, 4, 3});
  CHECK(ValueOf(answers.Evidence(), "accuracy_top1") == 1);
  CHECK(ValueOf(answers.Evidence(), "auc") == 1);
  CHECK(MissingOf(answers.Evidence(), "cross_entropy") == "quantised_outputs");
  answers.scores = MakeTensor<std::int8_t>("scores", ElementType::kInt8, {2, 1}, {-128, 0});
  answers.labels = MakeTensor<std::int64_t>("labels", ElementType::kInt64, {2}, {1, 0});
  CHECK(MissingOf(answers.Evidence(), "accuracy_top1") == "quantised_outputs");
  CHECK(MissingOf(answers.Evidence(), "f1_macro") == "quantised_outputs");
  answers.labels = MakeTensor<float>("targets", ElementType::kFloat32, {2}, {1, 0});
  CHECK(MissingOf(answers.Evidence(Task::kRegression), "rmse") == "quantised_outputs");
}

TEST_CASE("agreement compares classes, or every element of every output", "[kpi][catalog]") {
  const auto mine = Classified({2, 2}, {0.9F, 0.1F, 0.4F, 0.6F}, {0, 1});
  const auto near = Classified({2, 2}, {0.8F, 0.2F, 0.6F, 0.4F}, {0, 1});
  RunEvidence evidence = mine.Evidence();
  evidence.reference = {ViewOf(near.scores)};
  CHECK(ValueOf(evidence, "output_agreement") == 0.5);
  evidence.task = Task::kRegression;
  CHECK(ValueOf(evidence, "output_agreement") == 0);
  evidence.reference = evidence.predictions;
  CHECK(ValueOf(evidence, "output_agreement") == 1);
  // 1e-5 + 1e-3 * |reference|: 0.9 may be 0.00091 off.
  const auto edge = Classified({2, 2}, {0.9009F, 0.1F, 0.4F, 0.6007F}, {0, 1});
  evidence.reference = {ViewOf(edge.scores)};
  CHECK(ValueOf(evidence, "output_agreement") == 0.5);
  evidence.predictions.push_back(ViewOf(mine.scores));
  CHECK(MissingOf(evidence, "output_agreement") == "reference_mismatch");
  evidence.reference.push_back(ViewOf(near.scores));
  CHECK(ValueOf(evidence, "output_agreement") == 0);
  const auto shorter = Classified({1, 2}, {0.9F, 0.1F}, {0});
  evidence.reference[1] = ViewOf(shorter.scores);
  CHECK(MissingOf(evidence, "output_agreement") == "reference_mismatch");
}

TEST_CASE("a tensor without numbers gives no figure", "[kpi][catalog]") {
  Answers answers = Classified({2, 2}, {1, 0, 0, 1}, {0, 1});
  answers.scores.info.type = ElementType::kString;
  CHECK(MissingOf(answers.Evidence(), "accuracy_top1") == "unsupported_outputs");
  answers.scores.bytes.clear();
  answers.scores.info = {"scores", ElementType::kFloat32, {0, 2}};
  CHECK(MissingOf(answers.Evidence(), "accuracy_top1") == "unsupported_outputs");
}

TEST_CASE("tasks and directions are found by their names", "[kpi][catalog]") {
  for (const Task task : {Task::kNone, Task::kClassification, Task::kRegression, Task::kSegmentation,
                          Task::kDetection, Task::kEvents})
    CHECK(*ParseTask(TaskName(task)) == task);
  CHECK_THAT(ParseTask("detect").status().message(),
             Catch::Contains("detect") && Catch::Contains("regression") && Catch::Contains("events"));
  CHECK(BetterName(FindKpi("throughput")->better) == "higher");
  CHECK(BetterName(FindKpi("latency_p99")->better) == "lower");
}

}  // namespace
}  // namespace paddock
