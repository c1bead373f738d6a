#include <algorithm>
#include <array>
#include <cmath>

#include "kpi/scores.h"
#include "kpi/task_kpis.h"

namespace paddock {
namespace {

constexpr std::size_t kConfidenceBinCount = 15;

struct ConfidenceBin {
  double count = 0;
  double right = 0;
  double confidence = 0;
  double gap() const { return std::abs(right - confidence) / count; }
};

// ConfidenceBins that hold a sample.
using ConfidenceBins = std::vector<ConfidenceBin>;

Found<ConfidenceBins> ReadBins(const RunEvidence& evidence) {
  const auto data = ReadLabelled(evidence);
  if (!data.value) return {std::nullopt, data.missing};
  const Scores& scores = data.value->scores;
  if (scores.quantised) return {std::nullopt, "quantised_outputs"};
  const bool probabilities = AreProbabilities(scores);
  std::array<ConfidenceBin, kConfidenceBinCount + 1> bins{};  // the last one is for a confidence of 1
  for (std::size_t sample = 0; sample < scores.samples; ++sample) {
    const std::size_t label = data.value->labels[sample];
    const auto predicted = PredictedClass(scores, sample);
    const std::size_t judged = scores.columns == 1 ? 1 : predicted.value_or(0);
    // A row with a NaN is taken as sure and wrong, and so is a sum of probabilities that rounds to above 1 taken as 1.
    const double confidence =
        predicted ? std::min(1.0, ProbabilityOf(scores, sample, judged, probabilities)) : 1.0;
    const auto edge = [](std::size_t i) { return static_cast<double>(i) / kConfidenceBinCount; };
    auto index = static_cast<std::size_t>(confidence * kConfidenceBinCount);
    if (index > 0 && confidence < edge(index)) --index;
    if (index < kConfidenceBinCount && confidence >= edge(index + 1)) ++index;
    ConfidenceBin& bin = bins.at(index);
    bin.count += 1;
    bin.confidence += confidence;
    if (predicted && judged == label) bin.right += 1;
  }
  ConfidenceBins filled;
  std::copy_if(bins.begin(), bins.end(), std::back_inserter(filled),
               [](const ConfidenceBin& bin) { return bin.count > 0; });
  return {std::move(filled), ""};
}

// The mean over samples of a function of the gap between accuracy and confidence of their bin.
template <typename Function>
double MeanOverSamples(const ConfidenceBins& bins, Function function) {
  double sum = 0;
  double count = 0;
  for (const ConfidenceBin& bin : bins) {
    sum += bin.count * function(bin.gap());
    count += bin.count;
  }
  return sum / count;
}

template <typename Norm>
KpiOutcome CalibrationError(const RunEvidence& evidence, Norm norm) {
  const auto bins = ReadBins(evidence);
  if (!bins.value) return {std::nullopt, std::string(bins.missing)};
  return {KpiValue{norm(*bins.value), std::nullopt}, ""};
}

KpiOutcome Expected(const RunEvidence& evidence) {
  return CalibrationError(evidence, [](const ConfidenceBins& bins) {
    return MeanOverSamples(bins, [](double gap) { return gap; });
  });
}

KpiOutcome Largest(const RunEvidence& evidence) {
  return CalibrationError(evidence, [](const ConfidenceBins& bins) {
    double largest = 0;
    for (const ConfidenceBin& bin : bins) largest = std::max(largest, bin.gap());
    return largest;
  });
}

KpiOutcome RootMeanSquare(const RunEvidence& evidence) {
  return CalibrationError(evidence, [](const ConfidenceBins& bins) {
    return std::sqrt(MeanOverSamples(bins, [](double gap) { return gap * gap; }));
  });
}

constexpr std::string_view kNeedsProbabilities = "predictions as probabilities or logits, and labels";

constexpr std::array kCalibrationKpis = {
    KpiDefinition{"ece", "1", Better::kLower, Task::kClassification, kNeedsProbabilities, Expected},
    KpiDefinition{"mce", "1", Better::kLower, Task::kClassification, kNeedsProbabilities, Largest},
    KpiDefinition{"rmsce", "1", Better::kLower, Task::kClassification, kNeedsProbabilities, RootMeanSquare},
};

}  // namespace

std::span<const KpiDefinition> CalibrationKpis() { return kCalibrationKpis; }

}  // namespace paddock
