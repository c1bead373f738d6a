#include "kpi/accuracy_kpis.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "kpi/scores.h"

namespace paddock {
namespace {

constexpr double kSmallestProbability = 1e-12;
constexpr double kRelativeTolerance = 1e-3;
constexpr double kAbsoluteTolerance = 1e-5;

KpiOutcome Missing(std::string_view code) { return {std::nullopt, std::string(code)}; }

KpiOutcome Share(std::uint64_t successes, std::uint64_t count) {
  return {
      KpiValue{static_cast<double>(successes) / static_cast<double>(count), WilsonInterval(successes, count)},
      ""};
}

// Share of samples whose label is among the `k` largest scores.
template <std::size_t k>
KpiOutcome AccuracyTop(const RunEvidence& evidence) {
  const auto data = ReadLabelled(evidence);
  if (!data.value) return Missing(data.missing);
  const Scores& scores = data.value->scores;
  if (k > 1 && scores.classes() <= k) return Missing("too_few_classes");
  if (scores.columns == 1 && scores.quantised) return Missing("quantised_outputs");
  std::uint64_t right = 0;
  for (std::size_t sample = 0; sample < scores.samples; ++sample) {
    const auto rank = RankOf(scores, sample, data.value->labels[sample]);
    if (rank && *rank < k) ++right;
  }
  return Share(right, scores.samples);
}

KpiOutcome F1Macro(const RunEvidence& evidence) {
  const auto data = ReadLabelled(evidence);
  if (!data.value) return Missing(data.missing);
  const Scores& scores = data.value->scores;
  if (scores.columns == 1 && scores.quantised) return Missing("quantised_outputs");
  struct Counts {
    double right = 0;
    double wrong = 0;  // false positives and false negatives
  };
  std::vector<Counts> classes(scores.classes());
  for (std::size_t sample = 0; sample < scores.samples; ++sample) {
    const std::size_t label = data.value->labels[sample];
    const auto predicted = PredictedClass(scores, sample);
    if (predicted == label) {
      ++classes[label].right;
      continue;
    }
    ++classes[label].wrong;
    if (predicted) ++classes[*predicted].wrong;
  }
  std::vector<double> f1;
  for (const Counts& counts : classes) {
    if (counts.right + counts.wrong > 0) f1.push_back(2 * counts.right / (2 * counts.right + counts.wrong));
  }
  return {KpiValue{Mean(f1), std::nullopt}, ""};
}

KpiOutcome CrossEntropy(const RunEvidence& evidence) {
  const auto data = ReadLabelled(evidence);
  if (!data.value) return Missing(data.missing);
  const Scores& scores = data.value->scores;
  if (scores.quantised) return Missing("quantised_outputs");
  const bool probabilities = AreProbabilities(scores);
  double sum = 0;
  for (std::size_t sample = 0; sample < scores.samples; ++sample) {
    const double p = ProbabilityOf(scores, sample, data.value->labels[sample], probabilities);
    // A NaN fails the comparison too.
    sum -= std::log(p > kSmallestProbability ? p : kSmallestProbability);
  }
  return {KpiValue{sum / static_cast<double>(scores.samples), std::nullopt}, ""};
}

// Mann-Whitney with mid-ranks. `items` are (score, is positive). REQUIRES: both kinds occur, no NaN.
double AreaUnderCurve(std::vector<std::pair<double, bool>> items) {
  std::sort(items.begin(), items.end());
  double positive_ranks = 0;
  double positives = 0;
  for (std::size_t begin = 0; begin < items.size();) {
    std::size_t end = begin;
    double positives_of_tie = 0;
    for (; end < items.size() && items[end].first == items[begin].first; ++end)
      positives_of_tie += items[end].second;
    positive_ranks +=
        positives_of_tie * (static_cast<double>(begin + 1 + end) / 2);  // ranks begin + 1 to end
    positives += positives_of_tie;
    begin = end;
  }
  const double negatives = static_cast<double>(items.size()) - positives;
  return (positive_ranks - positives * (positives + 1) / 2) / (positives * negatives);
}

KpiOutcome Auc(const RunEvidence& evidence) {
  const auto data = ReadLabelled(evidence);
  if (!data.value) return Missing(data.missing);
  const Scores& scores = data.value->scores;
  const auto& labels = data.value->labels;
  std::vector<double> areas;
  for (std::size_t column = 0; column < scores.columns; ++column) {
    const std::size_t positive = scores.columns == 1 ? 1 : column;
    const auto positives = std::count(labels.begin(), labels.end(), positive);
    if (positives == 0 || positives == static_cast<std::ptrdiff_t>(labels.size())) continue;
    std::vector<std::pair<double, bool>> items;
    items.reserve(scores.samples);
    for (std::size_t sample = 0; sample < scores.samples; ++sample) {
      const bool is_positive = labels[sample] == positive;
      const double score = scores.At(sample, column);
      // A NaN is placed where it does the most harm.
      items.emplace_back(std::isnan(score) ? (is_positive ? -HUGE_VAL : HUGE_VAL) : score, is_positive);
    }
    areas.push_back(AreaUnderCurve(std::move(items)));
  }
  if (areas.empty()) return Missing("one_class");
  return {KpiValue{Mean(areas), std::nullopt}, ""};
}

// `error` maps a difference to what is averaged, `result` the mean to the KPI.
template <typename Error, typename Finish>
KpiOutcome RegressionError(const RunEvidence& evidence, Error error, Finish finish) {
  if (!evidence.labels && evidence.computes_outputs) return Missing("no_labels");
  const auto data = ReadScores(evidence);
  if (!data.value) return Missing(data.missing);
  const Scores& scores = *data.value;
  const auto targets = ScoresOf(evidence.labels->tensor);
  if (!targets || targets->samples != scores.samples || targets->columns != scores.columns) {
    return Missing("label_mismatch");
  }
  if (scores.quantised && !targets->quantised) return Missing("quantised_outputs");
  double sum = 0;
  const std::size_t count = scores.samples * scores.columns;
  for (std::size_t i = 0; i < count; ++i) {
    sum += error(ElementAsDouble(scores.tensor, i) - ElementAsDouble(targets->tensor, i));
  }
  return {KpiValue{finish(sum / static_cast<double>(count)), std::nullopt}, ""};
}

KpiOutcome Rmse(const RunEvidence& evidence) {
  return RegressionError(
      evidence, [](double difference) { return difference * difference; },
      [](double mean) { return std::sqrt(mean); });
}

KpiOutcome Mae(const RunEvidence& evidence) {
  return RegressionError(
      evidence, [](double difference) { return std::abs(difference); }, [](double mean) { return mean; });
}

bool Agree(double value, double reference) {
  return value == reference ||
         std::abs(value - reference) <= kAbsoluteTolerance + kRelativeTolerance * std::abs(reference);
}

bool SampleAgrees(const Scores& scores, const Scores& reference, std::size_t sample) {
  for (std::size_t column = 0; column < scores.columns; ++column) {
    if (!Agree(scores.At(sample, column), reference.At(sample, column))) return false;
  }
  return true;
}

bool SameClass(const Scores& scores, const Scores& reference, std::size_t sample) {
  const auto predicted = PredictedClass(scores, sample);
  return predicted && predicted == PredictedClass(reference, sample);
}

// Classification: the same class from the first output; otherwise every element of every output within the
// tolerances.
KpiOutcome OutputAgreement(const RunEvidence& evidence) {
  const auto first = ReadScores(evidence);
  if (!first.value) return Missing(first.missing);
  if (evidence.reference.empty()) return Missing("no_reference");
  const bool classes_only = evidence.task == Task::kClassification;
  const std::size_t outputs = classes_only ? 1 : evidence.predictions.size();
  if (!classes_only && evidence.reference.size() != outputs) return Missing("reference_mismatch");
  std::vector<bool> agrees(first.value->samples, true);
  for (std::size_t output = 0; output < outputs; ++output) {
    const auto mine = ScoresOf(evidence.predictions[output].tensor);
    const auto other = ScoresOf(evidence.reference[output].tensor);
    if (!mine || !other) return Missing("unsupported_outputs");
    if (mine->samples != agrees.size() || other->samples != agrees.size() ||
        mine->columns != other->columns) {
      return Missing("reference_mismatch");
    }
    const bool scale_unknown = classes_only ? mine->columns == 1 && (mine->quantised || other->quantised)
                                            : mine->quantised != other->quantised;
    if (scale_unknown) return Missing("quantised_outputs");
    for (std::size_t sample = 0; sample < mine->samples; ++sample) {
      agrees[sample] = agrees[sample] && (classes_only ? SameClass(*mine, *other, sample)
                                                       : SampleAgrees(*mine, *other, sample));
    }
  }
  return Share(static_cast<std::uint64_t>(std::count(agrees.begin(), agrees.end(), true)), agrees.size());
}

constexpr std::string_view kLabelled = "predictions and labels";
constexpr Task kClasses = Task::kClassification;
constexpr Task kNumbers = Task::kRegression;

constexpr std::array kAccuracyKpis = {
    KpiDefinition{"accuracy_top1", "1", Better::kHigher, kClasses, kLabelled, AccuracyTop<1>},
    KpiDefinition{"accuracy_top5", "1", Better::kHigher, kClasses,
                  "predictions of 6 classes or more, and labels", AccuracyTop<5>},
    KpiDefinition{"f1_macro", "1", Better::kHigher, kClasses, kLabelled, F1Macro},
    KpiDefinition{"cross_entropy", "1", Better::kLower, kClasses, kLabelled, CrossEntropy},
    KpiDefinition{"auc", "1", Better::kHigher, kClasses, kLabelled, Auc},
    KpiDefinition{"rmse", "1", Better::kLower, kNumbers, kLabelled, Rmse},
    KpiDefinition{"mae", "1", Better::kLower, kNumbers, kLabelled, Mae},
    KpiDefinition{"output_agreement", "1", Better::kHigher, Task::kNone,
                  "predictions of this run and of a reference run", OutputAgreement},
};

}  // namespace

std::span<const KpiDefinition> AccuracyKpis() { return kAccuracyKpis; }

}  // namespace paddock
