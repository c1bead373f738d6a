// A run that was asked for an accuracy interval.
#pragma once

#include <vector>

#include "evidence.h"

namespace paddock {

// `right` of `answered` samples have their label, of a data set of `all`.
struct AnsweredSamples {
  Tensor scores;
  Tensor labels;
  AnsweredSamples(std::uint64_t right, std::uint64_t answered, std::uint64_t all) {
    std::vector<float> values;
    for (std::uint64_t i = 0; i < answered; ++i) {
      values.push_back(i < right ? 1.F : 0.F);
      values.push_back(i < right ? 0.F : 1.F);
    }
    scores = MakeTensor("scores", ElementType::kFloat32, {static_cast<std::int64_t>(answered), 2}, values);
    labels = MakeTensor("labels", ElementType::kInt64, {static_cast<std::int64_t>(all)},
                        std::vector<std::int64_t>(all, 0));
  }
  RunEvidence Evidence(double width) const {
    RunEvidence evidence;
    evidence.task = Task::kClassification;
    evidence.accuracy_interval = width;
    evidence.predictions = {ViewOf(scores)};
    evidence.labels = ViewOf(labels);
    evidence.repetitions = {MakeRepetition(0, 100, 1'000'000'000)};
    evidence.repetitions_planned = 1;
    return evidence;
  }
};

}  // namespace paddock
