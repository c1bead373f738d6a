#include "kpi/paired_accuracy.h"

#include <algorithm>
#include <cmath>

#include "kpi/hypothesis_tests.h"

namespace paddock {
namespace {

Found<Labelled> ReadRun(const NamedTensorView& predictions, const NamedTensorView& labels,
                        bool first_samples) {
  RunEvidence evidence;
  evidence.task = Task::kClassification;
  evidence.predictions = {predictions};
  evidence.labels = labels;
  if (first_samples) evidence.accuracy_interval = 1;
  auto run = ReadLabelled(evidence);
  if (run.value && run.value->scores.columns == 1 && run.value->scores.quantised) {
    return {std::nullopt, "quantised_outputs"};
  }
  return run;
}

// Of second - first, where the shares are of the same samples.
Interval DifferenceInterval(const PairedAccuracy& pairs) {
  const auto n = static_cast<double>(pairs.samples());
  const auto a = static_cast<double>(pairs.both_right);
  const auto b = static_cast<double>(pairs.only_second);
  const auto c = static_cast<double>(pairs.only_first);
  const auto d = static_cast<double>(pairs.both_wrong);
  const double second = (a + b) / n;
  const double first = (a + c) / n;
  const Interval of_second = WilsonInterval(pairs.both_right + pairs.only_second, pairs.samples());
  const Interval of_first = WilsonInterval(pairs.both_right + pairs.only_first, pairs.samples());
  double covariance = a * d - b * c;
  if (covariance > 0) covariance = std::max(covariance - n / 2, 0.0);
  const double scale = std::sqrt((a + b) * (c + d) * (a + c) * (b + d));
  const double correlation = scale > 0 ? covariance / scale : 0;
  const auto distance = [correlation](double x, double y) {
    return std::sqrt(std::max(0.0, x * x - 2 * correlation * x * y + y * y));
  };
  const double difference = second - first;
  return {std::max(-1.0, difference - distance(second - of_second.lower, of_first.upper - first)),
          std::min(1.0, difference + distance(first - of_first.lower, of_second.upper - second)),
          of_second.confidence};
}

}  // namespace

PairedAccuracy PairedAccuracyOf(std::uint64_t both_right, std::uint64_t only_first, std::uint64_t only_second,
                                std::uint64_t both_wrong) {
  PairedAccuracy pairs{both_right, only_first, only_second, both_wrong, 1, 0, {}};
  pairs.p_value = McNemarPValue(only_first, only_second);
  pairs.difference = (static_cast<double>(only_second) - static_cast<double>(only_first)) /
                     static_cast<double>(pairs.samples());
  pairs.interval = DifferenceInterval(pairs);
  return pairs;
}

Found<PairedAccuracy> ComparePairedAccuracy(const NamedTensorView& first, const NamedTensorView& second,
                                            const NamedTensorView& labels, bool first_samples) {
  const auto a = ReadRun(first, labels, first_samples);
  if (!a.value) return {std::nullopt, a.missing};
  const auto b = ReadRun(second, labels, first_samples);
  if (!b.value) return {std::nullopt, b.missing};
  std::uint64_t counts[2][2] = {};
  const std::size_t samples = std::min(a.value->labels.size(), b.value->labels.size());
  for (std::size_t sample = 0; sample < samples; ++sample) {
    const bool first_right = PredictedClass(a.value->scores, sample) == a.value->labels[sample];
    const bool second_right = PredictedClass(b.value->scores, sample) == b.value->labels[sample];
    ++counts[first_right ? 1 : 0][second_right ? 1 : 0];
  }
  return {PairedAccuracyOf(counts[1][1], counts[1][0], counts[0][1], counts[0][0]), ""};
}

}  // namespace paddock
