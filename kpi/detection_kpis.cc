#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include "kpi/scores.h"
#include "kpi/task_kpis.h"

namespace paddock {
namespace {

constexpr std::size_t kThresholds = 10;
constexpr std::size_t kRecallPoints = 101;
constexpr std::size_t kMaxDetections = 100;  // per image and class

struct Box {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
  double area() const { return (right - left) * (bottom - top); }
};

struct Truth {
  Box box;
  bool crowd = false;  // a region with many objects: detections inside it count neither as right nor as wrong
};

struct ScoredBox {
  Box box;
  double score = 0;
};

// What became of a detection at each threshold.
struct MatchedDetection {
  double score = 0;
  std::array<bool, kThresholds> right{};
  std::array<bool, kThresholds> ignored{};
};

struct ClassMatches {
  std::size_t objects = 0;
  std::vector<MatchedDetection> detections;  // image by image
};
using MatchesByClass = std::map<double, ClassMatches>;

// As numpy.linspace(0.5, 0.95, 10) rounds, so that an overlap exactly at a threshold falls on the same side.
double ThresholdAt(std::size_t i) {
  return i + 1 == kThresholds ? 0.95 : 0.5 + static_cast<double>(i) * ((0.95 - 0.5) / (kThresholds - 1));
}

// Intersection over union; over the detection's own area for a crowd.
double OverlapOf(const Box& detection, const Truth& truth) {
  const double width = std::min(detection.right, truth.box.right) - std::max(detection.left, truth.box.left);
  const double height = std::min(detection.bottom, truth.box.bottom) - std::max(detection.top, truth.box.top);
  if (!(width > 0) || !(height > 0)) return 0;
  const double both = width * height;
  const double whole = truth.crowd ? detection.area() : detection.area() + truth.box.area() - both;
  return whole > 0 ? both / whole : 0;
}

// The object that a detection takes at a threshold: of those not taken yet the one with the largest overlap, the last of
// equal ones; a crowd only when there is no object. `truths` have the crowds last. Empty: none.
std::optional<std::size_t> MatchOf(const std::vector<double>& overlaps, const std::vector<Truth>& truths,
                                   const std::vector<bool>& taken, double threshold) {
  double best = std::min(threshold, 1 - 1e-10);
  std::optional<std::size_t> match;
  for (std::size_t i = 0; i < truths.size(); ++i) {
    if (taken[i] && !truths[i].crowd) continue;
    if (match && truths[i].crowd && !truths[*match].crowd) break;
    if (overlaps[i] < best) continue;
    best = overlaps[i];
    match = i;
  }
  return match;
}

// One class in one image.
void MatchImage(std::vector<ScoredBox> found, std::vector<Truth> truths, ClassMatches* matches) {
  std::stable_sort(found.begin(), found.end(),
                   [](const ScoredBox& a, const ScoredBox& b) { return a.score > b.score; });
  if (found.size() > kMaxDetections) found.resize(kMaxDetections);
  std::stable_partition(truths.begin(), truths.end(), [](const Truth& truth) { return !truth.crowd; });
  for (const Truth& truth : truths) matches->objects += truth.crowd ? 0 : 1;

  std::vector<std::vector<bool>> taken(kThresholds, std::vector<bool>(truths.size()));
  for (const ScoredBox& detection : found) {
    std::vector<double> overlaps;
    for (const Truth& truth : truths) overlaps.push_back(OverlapOf(detection.box, truth));
    MatchedDetection matched{detection.score, {}, {}};
    for (std::size_t t = 0; t < kThresholds; ++t) {
      const auto match = MatchOf(overlaps, truths, taken[t], ThresholdAt(t));
      if (!match) continue;
      taken[t][*match] = true;
      matched.right[t] = !truths[*match].crowd;
      matched.ignored[t] = truths[*match].crowd;
    }
    matches->detections.push_back(matched);
  }
}

// The mean over 101 recalls of the best precision at that recall or a higher one. REQUIRES: detections by falling score.
double AveragePrecision(const ClassMatches& matches, std::size_t threshold) {
  std::vector<double> recall;
  std::vector<double> precision;
  double right = 0;
  double wrong = 0;
  for (const MatchedDetection& detection : matches.detections) {
    if (!detection.ignored[threshold]) ++(detection.right[threshold] ? right : wrong);
    recall.push_back(right / static_cast<double>(matches.objects));
    precision.push_back(right / (right + wrong + std::numeric_limits<double>::epsilon()));
  }
  for (std::size_t i = precision.size(); i-- > 1;)
    precision[i - 1] = std::max(precision[i - 1], precision[i]);
  double sum = 0;
  for (std::size_t i = 0; i < kRecallPoints; ++i) {
    const double wanted = i + 1 == kRecallPoints ? 1.0 : static_cast<double>(i) * 0.01;
    const auto reached = std::lower_bound(recall.begin(), recall.end(), wanted);
    if (reached != recall.end()) sum += precision[static_cast<std::size_t>(reached - recall.begin())];
  }
  return sum / kRecallPoints;
}

// The one output whose name holds one of the words.
std::optional<Scores> OutputNamed(const RunEvidence& evidence,
                                  std::initializer_list<std::string_view> words) {
  std::optional<Scores> found;
  for (const NamedTensorView& output : evidence.predictions) {
    std::string name = output.name;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    const bool named = std::any_of(words.begin(), words.end(), [&](std::string_view word) {
      return name.find(word) != std::string::npos;
    });
    if (!named) continue;
    if (found) return std::nullopt;
    found = ScoresOf(output.tensor);
    if (!found) return std::nullopt;
  }
  return found;
}

struct DetectionOutputs {
  Scores boxes;
  Scores scores;
  Scores classes;
};

Found<DetectionOutputs> ReadOutputs(const RunEvidence& evidence) {
  const auto first = ReadScores(evidence);
  if (!first.value) return {std::nullopt, first.missing};
  const auto boxes = OutputNamed(evidence, {"box"});
  const auto scores = OutputNamed(evidence, {"score"});
  const auto classes = OutputNamed(evidence, {"class", "label"});
  if (!boxes || !scores || !classes) return {std::nullopt, "unsupported_outputs"};
  const bool fit = scores->samples == boxes->samples && classes->samples == boxes->samples &&
                   boxes->columns == scores->columns * 4 && classes->columns == scores->columns;
  if (boxes->quantised) return {std::nullopt, "quantised_outputs"};
  if (!fit) return {std::nullopt, "unsupported_outputs"};
  return {DetectionOutputs{*boxes, *scores, *classes}, ""};
}

Box BoxAt(const Scores& rows, std::size_t sample, std::size_t column) {
  return {rows.At(sample, column), rows.At(sample, column + 1), rows.At(sample, column + 2),
          rows.At(sample, column + 3)};
}

Found<MatchesByClass> MatchAll(const RunEvidence& evidence) {
  if (!evidence.labels && evidence.computes_outputs) return {std::nullopt, "no_labels"};
  const auto outputs = ReadOutputs(evidence);
  if (!outputs.value) return {std::nullopt, outputs.missing};
  const auto& [boxes, scores, classes] = *outputs.value;
  const auto labels = ScoresOf(evidence.labels->tensor);
  const Shape& shape = evidence.labels->tensor.shape;
  if (!labels || labels->samples != boxes.samples || shape.size() != 3 || (shape[2] != 5 && shape[2] != 6)) {
    return {std::nullopt, "label_mismatch"};
  }
  const auto width = static_cast<std::size_t>(shape[2]);
  MatchesByClass matches;
  for (std::size_t image = 0; image < boxes.samples; ++image) {
    std::map<double, std::pair<std::vector<ScoredBox>, std::vector<Truth>>> by_class;
    for (std::size_t column = 0; column < labels->columns; column += width) {
      const double label = labels->At(image, column + 4);
      if (label < 0) continue;
      const Box box = BoxAt(*labels, image, column);
      const bool is_box = box.right >= box.left && box.bottom >= box.top;
      if (label != std::floor(label) || !is_box) return {std::nullopt, "label_out_of_range"};
      by_class[label].second.push_back({box, width == 6 && labels->At(image, column + 5) > 0});
    }
    for (std::size_t i = 0; i < scores.columns; ++i) {
      const double score = scores.At(image, i);
      const double label = classes.At(image, i);
      if (!(label >= 0) || std::isnan(score)) continue;
      by_class[label].first.push_back({BoxAt(boxes, image, i * 4), score});
    }
    for (auto& [label, both] : by_class) {
      MatchImage(std::move(both.first), std::move(both.second), &matches[label]);
    }
  }
  for (auto& [label, of_class] : matches) {
    std::stable_sort(of_class.detections.begin(), of_class.detections.end(),
                     [](const MatchedDetection& a, const MatchedDetection& b) { return a.score > b.score; });
  }
  std::erase_if(matches, [](const auto& of_class) { return of_class.second.objects == 0; });
  if (matches.empty()) return {std::nullopt, "no_objects"};
  return {std::move(matches), ""};
}

// Over the first `thresholds` thresholds.
template <std::size_t thresholds>
KpiOutcome MeanAveragePrecision(const RunEvidence& evidence) {
  const auto matches = MatchAll(evidence);
  if (!matches.value) return {std::nullopt, std::string(matches.missing)};
  double sum = 0;
  for (const auto& [label, of_class] : *matches.value) {
    for (std::size_t t = 0; t < thresholds; ++t) sum += AveragePrecision(of_class, t);
  }
  return {KpiValue{sum / static_cast<double>(matches.value->size() * thresholds), std::nullopt}, ""};
}

constexpr std::string_view kNeedsBoxes = "boxes with scores and classes, and labelled boxes";

constexpr std::array kDetectionKpis = {
    KpiDefinition{"map", "1", Better::kHigher, Task::kDetection, kNeedsBoxes,
                  MeanAveragePrecision<kThresholds>},
    KpiDefinition{"map_50", "1", Better::kHigher, Task::kDetection, kNeedsBoxes, MeanAveragePrecision<1>},
};

}  // namespace

std::span<const KpiDefinition> DetectionKpis() { return kDetectionKpis; }

}  // namespace paddock
