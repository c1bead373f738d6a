#include "kpi/scores.h"

#include <algorithm>
#include <cmath>

namespace paddock {
namespace {

bool HasNan(const Scores& scores, std::size_t sample) {
  for (std::size_t column = 0; column < scores.columns; ++column) {
    if (std::isnan(scores.At(sample, column))) return true;
  }
  return false;
}

double Softmax(const Scores& scores, std::size_t sample, std::size_t label) {
  double largest = -HUGE_VAL;
  for (std::size_t column = 0; column < scores.columns; ++column) {
    largest = std::max(largest, scores.At(sample, column));
  }
  // The largest score goes in as e^0, so nothing overflows.
  double sum = 0;
  for (std::size_t column = 0; column < scores.columns; ++column)
    sum += std::exp(scores.At(sample, column) - largest);
  return std::exp(scores.At(sample, label) - largest) / sum;
}

}  // namespace

std::optional<Scores> ScoresOf(const TensorView& tensor) {
  const std::size_t element_bytes = ElementSize(tensor.type);
  if (element_bytes == 0 || tensor.shape.empty() || tensor.bytes.empty()) return std::nullopt;
  Scores scores;
  scores.tensor = tensor;
  scores.samples = static_cast<std::size_t>(tensor.shape.front());
  scores.columns = tensor.bytes.size() / element_bytes / scores.samples;
  scores.quantised = tensor.type == ElementType::kInt8 || tensor.type == ElementType::kUint8 ||
                     tensor.type == ElementType::kInt16 || tensor.type == ElementType::kUint16;
  return scores;
}

Found<Scores> ReadScores(const RunEvidence& evidence) {
  if (!evidence.computes_outputs) return {std::nullopt, "not_computed"};
  if (evidence.predictions.empty()) return {std::nullopt, "no_predictions"};
  auto scores = ScoresOf(evidence.predictions.front().tensor);
  if (!scores) return {std::nullopt, "unsupported_outputs"};
  return {std::move(scores), ""};
}

Found<Labelled> ReadLabelled(const RunEvidence& evidence) {
  if (!evidence.labels && evidence.computes_outputs) return {std::nullopt, "no_labels"};
  const auto scores = ReadScores(evidence);
  if (!scores.value) return {std::nullopt, scores.missing};
  const auto given = ScoresOf(evidence.labels->tensor);
  const std::size_t samples = scores.value->samples;
  if (!given || given->columns != 1 || given->samples < samples ||
      (given->samples > samples && !evidence.accuracy_interval)) {
    return {std::nullopt, "label_mismatch"};
  }
  Labelled labelled{*scores.value, {}};
  labelled.labels.reserve(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    const double label = given->At(i, 0);
    const bool is_class =
        label >= 0 && label < static_cast<double>(labelled.scores.classes()) && label == std::floor(label);
    if (!is_class) return {std::nullopt, "label_out_of_range"};
    labelled.labels.push_back(static_cast<std::size_t>(label));
  }
  return {std::move(labelled), ""};
}

std::optional<std::size_t> RankOf(const Scores& scores, std::size_t sample, std::size_t label) {
  if (HasNan(scores, sample)) return std::nullopt;
  if (scores.columns == 1) return (scores.At(sample, 0) > 0.5) == (label == 1) ? 0 : 1;
  const double score = scores.At(sample, label);
  std::size_t before = 0;
  for (std::size_t column = 0; column < scores.columns; ++column) {
    const double other = scores.At(sample, column);
    if (other > score || (other == score && column < label)) ++before;
  }
  return before;
}

std::optional<std::size_t> PredictedClass(const Scores& scores, std::size_t sample) {
  if (HasNan(scores, sample)) return std::nullopt;
  if (scores.columns == 1) return scores.At(sample, 0) > 0.5 ? 1 : 0;
  std::size_t best = 0;
  for (std::size_t column = 1; column < scores.columns; ++column) {
    if (scores.At(sample, column) > scores.At(sample, best)) best = column;
  }
  return best;
}

bool AreProbabilities(const Scores& scores) {
  for (std::size_t sample = 0; sample < scores.samples; ++sample) {
    if (HasNan(scores, sample)) continue;
    double sum = 0;
    for (std::size_t column = 0; column < scores.columns; ++column) {
      const double score = scores.At(sample, column);
      if (score < 0) return false;
      sum += score;
    }
    if (scores.columns == 1 ? sum > 1 : std::abs(sum - 1) > 1e-3) return false;
  }
  return true;
}

double ProbabilityOf(const Scores& scores, std::size_t sample, std::size_t label, bool probabilities) {
  if (HasNan(scores, sample)) return std::nan("");
  if (scores.columns == 1) {
    const double score = scores.At(sample, 0);
    const double of_one = probabilities ? score : 1 / (1 + std::exp(-score));
    return label == 1 ? of_one : 1 - of_one;
  }
  return probabilities ? scores.At(sample, label) : Softmax(scores, sample, label);
}

}  // namespace paddock
