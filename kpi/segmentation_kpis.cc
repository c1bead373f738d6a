#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "kpi/scores.h"
#include "kpi/task_kpis.h"

namespace paddock {
namespace {

constexpr std::int64_t kUnlabelled = 255;  // in label maps of 8 bits, where no number below 0 exists

// How the answers for a sample are laid out: classes x pixels, pixels x classes, or (classes == 0) one class number a pixel.
struct PixelLayout {
  std::size_t pixels = 0;
  std::size_t classes = 0;
  bool classes_first = true;
};

// The layout of `answers` for labels [n, ...pixels]; empty when they do not belong together.
std::optional<PixelLayout> LayoutOf(const Shape& answers, const Shape& labels) {
  if (labels.size() < 2 || answers.front() != labels.front()) return std::nullopt;
  const Shape pixels(labels.begin() + 1, labels.end());
  const Shape row(answers.begin() + 1, answers.end());
  const auto count = ElementCount(pixels);
  if (!count) return std::nullopt;
  PixelLayout layout{static_cast<std::size_t>(*count), 0, true};
  if (row == pixels) return layout;
  if (row.size() != pixels.size() + 1) return std::nullopt;
  const bool first = std::equal(pixels.begin(), pixels.end(), row.begin() + 1);
  if (!first && !std::equal(pixels.begin(), pixels.end(), row.begin())) return std::nullopt;
  const std::int64_t classes = first ? row.front() : row.back();
  layout.classes = classes == 1 ? 0 : static_cast<std::size_t>(classes);
  layout.classes_first = first;
  return layout;
}

struct RegionCounts {
  double right = 0;
  double wrong = 0;  // false positives and false negatives
};

// The class of the largest score, ties to the lowest; empty for a NaN among them and for a number that is no class.
std::optional<std::int64_t> PredictedPixel(const Scores& scores, const PixelLayout& layout,
                                           std::size_t sample, std::size_t pixel) {
  if (layout.classes == 0) {
    const double value = scores.At(sample, pixel);
    if (!(std::abs(value) < 1e9) || value != std::floor(value) || value < 0) return std::nullopt;
    return static_cast<std::int64_t>(value);
  }
  std::int64_t best = 0;
  double best_score = 0;
  for (std::size_t i = 0; i < layout.classes; ++i) {
    const double score =
        scores.At(sample, layout.classes_first ? i * layout.pixels + pixel : pixel * layout.classes + i);
    if (std::isnan(score)) return std::nullopt;
    if (i > 0 && score <= best_score) continue;
    best = static_cast<std::int64_t>(i);
    best_score = score;
  }
  return best;
}

KpiOutcome NoRegions(std::string_view code) { return {std::nullopt, std::string(code)}; }

KpiOutcome MeanIntersectionOverUnion(const RunEvidence& evidence) {
  if (!evidence.labels && evidence.computes_outputs) return NoRegions("no_labels");
  const auto data = ReadScores(evidence);
  if (!data.value) return NoRegions(data.missing);
  const Scores& scores = *data.value;
  const auto labels = ScoresOf(evidence.labels->tensor);
  if (!labels) return NoRegions("label_mismatch");
  const auto layout = LayoutOf(scores.tensor.shape, labels->tensor.shape);
  if (!layout) return NoRegions("label_mismatch");

  const auto classes = static_cast<std::int64_t>(layout->classes);
  std::map<std::int64_t, RegionCounts> counts;
  for (std::size_t sample = 0; sample < scores.samples; ++sample) {
    for (std::size_t pixel = 0; pixel < layout->pixels; ++pixel) {
      const double given = labels->At(sample, pixel);
      const bool is_number = std::abs(given) < 1e9 && given == std::floor(given);
      if (!is_number) return NoRegions("label_out_of_range");
      const auto label = static_cast<std::int64_t>(given);
      if (label < 0 || (label == kUnlabelled && classes <= kUnlabelled)) continue;
      if (classes > 0 && label >= classes) return NoRegions("label_out_of_range");
      const auto predicted = PredictedPixel(scores, *layout, sample, pixel);
      if (predicted == label) {
        ++counts[label].right;
        continue;
      }
      ++counts[label].wrong;
      if (predicted) ++counts[*predicted].wrong;
    }
  }
  if (counts.empty()) return NoRegions("no_objects");
  double sum = 0;
  for (const auto& [label, count] : counts) sum += count.right / (count.right + count.wrong);
  return {KpiValue{sum / static_cast<double>(counts.size()), std::nullopt}, ""};
}

constexpr std::array kSegmentationKpis = {
    KpiDefinition{"miou", "1", Better::kHigher, Task::kSegmentation,
                  "a class or scores per pixel, and label maps", MeanIntersectionOverUnion},
};

}  // namespace

std::span<const KpiDefinition> SegmentationKpis() { return kSegmentationKpis; }

}  // namespace paddock
