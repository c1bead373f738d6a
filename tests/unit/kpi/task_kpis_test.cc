#include "kpi/task_kpis.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

#include "base/random.h"
#include "task_answers.h"

namespace paddock {
namespace {

constexpr double kNoNumber = std::numeric_limits<double>::quiet_NaN();

// Calibration

TaskAnswers Probabilities(Shape shape, const std::vector<double>& values, std::vector<std::int64_t> labels) {
  const auto count = static_cast<std::int64_t>(labels.size());
  return {Task::kClassification,
          {Doubles("scores", std::move(shape), values)},
          MakeTensor("labels", ElementType::kInt64, {count}, labels)};
}

// The definition, a pass over all samples for each of the 16 bins.
std::vector<double> ReferenceCalibration(const std::vector<double>& confidences,
                                         const std::vector<bool>& right) {
  double expected = 0, largest = 0, square = 0;
  const auto total = static_cast<double>(confidences.size());
  for (int bin = 0; bin < 16; ++bin) {
    double count = 0, hits = 0, sum = 0;
    for (std::size_t i = 0; i < confidences.size(); ++i) {
      if (confidences[i] < bin / 15.0 || (bin < 15 && confidences[i] >= (bin + 1) / 15.0)) continue;
      count += 1;
      hits += right[i] ? 1 : 0;
      sum += confidences[i];
    }
    if (count == 0) continue;
    const double gap = std::abs(hits / count - sum / count);
    expected += count / total * gap;
    largest = std::max(largest, gap);
    square += count / total * gap * gap;
  }
  return {expected, largest, std::sqrt(square)};
}

TEST_CASE("calibration errors are those of their definition", "[kpi][calibration]") {
  Random random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> values;
    std::vector<double> confidences;
    std::vector<bool> right;
    std::vector<std::int64_t> labels;
    const auto samples = static_cast<std::int64_t>(1 + random.Below(60));
    for (std::int64_t i = 0; i < samples; ++i) {
      const double p =
          static_cast<double>(30 + random.Below(31)) / 60;  // often at the edge of a bin, sometimes 1
      const bool second = random.Below(2) == 1 && p > 0.5;
      values.insert(values.end(), {second ? 1 - p : p, second ? p : 1 - p});
      labels.push_back(static_cast<std::int64_t>(random.Below(2)));
      confidences.push_back(p);
      right.push_back(labels.back() == (second ? 1 : 0));
    }
    const auto answers = Probabilities({samples, 2}, values, labels);
    const auto reference = ReferenceCalibration(confidences, right);
    CHECK(answers.Value("ece") == Approx(reference[0]).margin(1e-12));
    CHECK(answers.Value("mce") == Approx(reference[1]).margin(1e-12));
    CHECK(answers.Value("rmsce") == Approx(reference[2]).margin(1e-12));
  }
}

TEST_CASE("logits are calibrated through softmax, a NaN is sure and wrong", "[kpi][calibration]") {
  // softmax(ln 9, 0) = 0.9
  CHECK(Probabilities({1, 2}, {std::log(9), 0}, {0}).Value("ece") == Approx(0.1));
  CHECK(Probabilities({1, 2}, {std::log(9), 0}, {1}).Value("ece") == Approx(0.9));
  CHECK(Probabilities({1, 2}, {kNoNumber, 1}, {1}).Value("ece") == 1);
  CHECK(Probabilities({1, 1}, {kNoNumber}, {1}).Value("mce") == 1);
  CHECK(Probabilities({1, 2}, {0, 1.0001}, {1}).Value("mce") == Approx(0).margin(1e-3));
  TaskAnswers quantised = Probabilities({1, 2}, {1, 0}, {0});
  quantised.outputs = {MakeTensor<std::int8_t>("scores", ElementType::kInt8, {1, 2}, {1, 0})};
  CHECK(quantised.Missing("ece") == "quantised_outputs");
}

// Segmentation

TaskAnswers Regions(Shape shape, const std::vector<double>& values, Shape label_shape,
                    std::vector<std::int64_t> labels) {
  return {Task::kSegmentation,
          {Doubles("map", std::move(shape), values)},
          MakeTensor("labels", ElementType::kInt64, std::move(label_shape), labels)};
}

double ReferenceMeanIou(const std::vector<double>& predicted, const std::vector<std::int64_t>& labels,
                        int classes) {
  double sum = 0;
  int present = 0;
  for (int c = 0; c < classes; ++c) {
    double both = 0, either = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] < 0) continue;
      both += predicted[i] == c && labels[i] == c ? 1 : 0;
      either += predicted[i] == c || labels[i] == c ? 1 : 0;
    }
    if (either == 0) continue;
    sum += both / either;
    ++present;
  }
  return sum / present;
}

TEST_CASE("mIoU is the same from label maps and from scores in both orders", "[kpi][segmentation]") {
  constexpr int kClasses = 5;
  Random random(11);
  for (int round = 0; round < 100; ++round) {
    const std::size_t images = 1 + random.Below(3);
    constexpr std::size_t kPixels = 6;  // 2 x 3
    std::vector<double> predicted;
    std::vector<std::int64_t> labels;
    std::vector<double> classes_first(images * kPixels * kClasses);
    std::vector<double> classes_last(images * kPixels * kClasses);
    for (std::size_t i = 0; i < images * kPixels; ++i) {
      labels.push_back(static_cast<std::int64_t>(random.Below(kClasses)) - (i == 0                 ? 0
                                                                            : random.Below(2) == 0 ? 1
                                                                                                   : 0));
      predicted.push_back(static_cast<double>(random.Below(kClasses)));
      for (std::size_t c = 0; c < kClasses; ++c) {
        const double score = static_cast<double>(c) == predicted.back() ? 2 : random.Uniform();
        classes_first[(i / kPixels * kClasses + c) * kPixels + i % kPixels] = score;
        classes_last[i * kClasses + c] = score;
      }
    }
    const auto n = static_cast<std::int64_t>(images);
    const double reference = ReferenceMeanIou(predicted, labels, kClasses);
    CHECK(Regions({n, 2, 3}, predicted, {n, 2, 3}, labels).Value("miou") == Approx(reference));
    CHECK(Regions({n, 1, 2, 3}, predicted, {n, 2, 3}, labels).Value("miou") == Approx(reference));
    CHECK(Regions({n, 2, 3, 1}, predicted, {n, 2, 3}, labels).Value("miou") == Approx(reference));
    CHECK(Regions({n, kClasses, 2, 3}, classes_first, {n, 2, 3}, labels).Value("miou") == Approx(reference));
    CHECK(Regions({n, 2, 3, kClasses}, classes_last, {n, 2, 3}, labels).Value("miou") == Approx(reference));
  }
}

TEST_CASE("regions that cannot be judged say why", "[kpi][segmentation]") {
  CHECK(Regions({1, 4}, {0, 1, 2, 3}, {1, 2, 2}, {0, 0, 0, 0}).Missing("miou") == "label_mismatch");
  CHECK(Regions({2, 2}, {0, 1, 2, 3}, {1, 4}, {0, 0, 0, 0}).Missing("miou") == "label_mismatch");
  CHECK(Regions({1, 2, 2}, {0, 1, 2, 3}, {1, 2}, {0, 2}).Missing("miou") == "label_out_of_range");
  CHECK(Regions({1, 2}, {0, 1}, {1, 2}, {255, -1}).Missing("miou") == "no_objects");
  CHECK(Regions({1, 2}, {kNoNumber, 0.5}, {1, 2}, {0, 1}).Value("miou") == 0);
  CHECK(Regions({1, 2, 1, 2}, {0, kNoNumber, 1, 2}, {1, 1, 2}, {1, 1}).Value("miou") == 0.5);
}

// Events

TaskAnswers Activations(const std::vector<double>& times, const std::vector<double>& windows) {
  return {Task::kEvents,
          {Doubles("times", {1, static_cast<std::int64_t>(times.size())}, times)},
          Doubles("labels", {1, static_cast<std::int64_t>(windows.size() / 2), 2}, windows)};
}

TEST_CASE("activations are counted as MLPerf Tiny's runner counts them", "[kpi][events]") {
  Random random(3);
  for (int round = 0; round < 300; ++round) {
    std::vector<double> times;
    for (std::uint64_t i = 1 + random.Below(25); i > 0; --i)
      times.push_back(static_cast<double>(random.Below(400)) / 10);
    std::vector<double> windows;
    for (double at = 0; at < 40; at += 5 + static_cast<double>(random.Below(5)))
      windows.insert(windows.end(), {at, at + 1});
    // Windows take what falls into them; a false activation takes those within a second after it.
    std::vector<double> left(times);
    std::sort(left.begin(), left.end());
    double missed = 0;
    for (std::size_t i = 0; i < windows.size(); i += 2) {
      const auto before = left.size();
      std::erase_if(left, [&](double t) { return t >= windows[i] && t <= windows[i + 1] + 1; });
      missed += left.size() == before ? 1 : 0;
    }
    double wrong = 0;
    while (!left.empty()) {
      const double first = left.front();
      std::erase_if(left, [&](double t) { return t <= first + 1; });
      wrong += 1;
    }
    const TaskAnswers answers = Activations(times, windows);
    CHECK(answers.Value("event_false_positives") == wrong);
    CHECK(answers.Value("event_false_negatives") == missed);
  }
}

TEST_CASE("padding is no event and no activation", "[kpi][events]") {
  CHECK(Activations({-1, kNoNumber}, {-1, -1, kNoNumber, 0, 3, 4}).Value("event_false_negatives") == 1);
  CHECK(Activations({-1, kNoNumber}, {-1, -1, kNoNumber, 0, 3, 4}).Value("event_false_positives") == 0);
  CHECK(Activations({1}, {4, 3}).Missing("event_false_positives") == "label_out_of_range");
  TaskAnswers answers = Activations({1}, {3, 4});
  answers.labels = Doubles("labels", {1, 3}, {1, 2, 3});
  CHECK(answers.Missing("event_false_negatives") == "label_mismatch");
  answers = Activations({1}, {3, 4});
  answers.outputs = {MakeTensor<std::int8_t>("times", ElementType::kInt8, {1, 1}, {1})};
  CHECK(answers.Missing("event_false_negatives") == "quantised_outputs");
}

TEST_CASE("answers to the first samples are judged only when that was asked for", "[kpi][catalog]") {
  const Tensor scores = Doubles("scores", {2, 2}, {1, 0, 1, 0});
  const Tensor labels = MakeTensor<std::int64_t>("labels", ElementType::kInt64, {4}, {0, 1, 1, 1});
  RunEvidence evidence;
  evidence.task = Task::kClassification;
  evidence.predictions = {ViewOf(scores)};
  evidence.labels = ViewOf(labels);
  CHECK(ComputeKpis(evidence).missing.at("accuracy_top1") == "label_mismatch");
  evidence.accuracy_interval = 0.02;
  CHECK(ComputeKpis(evidence).values.at("accuracy_top1").value == 0.5);
  const Tensor fewer = MakeTensor<std::int64_t>("labels", ElementType::kInt64, {1}, {0});
  evidence.labels = ViewOf(fewer);
  CHECK(ComputeKpis(evidence).missing.at("accuracy_top1") == "label_mismatch");
}

}  // namespace
}  // namespace paddock
