// Outputs and labels of a task, and the KPIs that they give.
#pragma once

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "evidence.h"

namespace paddock {

inline Tensor Doubles(std::string name, Shape shape, const std::vector<double>& values) {
  return MakeTensor(std::move(name), ElementType::kFloat64, std::move(shape), values);
}

struct TaskAnswers {
  Task task = Task::kNone;
  std::vector<Tensor> outputs;
  Tensor labels;

  KpiOutcome Compute(std::string_view name) const {
    RunEvidence evidence;
    evidence.task = task;
    for (const Tensor& output : outputs) evidence.predictions.push_back(ViewOf(output));
    evidence.labels = ViewOf(labels);
    const KpiDefinition* kpi = FindKpi(name);
    REQUIRE(kpi != nullptr);
    return kpi->compute(evidence);
  }
  double Value(std::string_view name) const {
    const KpiOutcome outcome = Compute(name);
    INFO(name << " is missing: " << outcome.missing);
    REQUIRE(outcome.value.has_value());
    return outcome.value->value;
  }
  std::string Missing(std::string_view name) const { return Compute(name).missing; }
};

}  // namespace paddock
