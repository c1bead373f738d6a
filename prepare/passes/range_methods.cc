// Which part of a histogram eight bits shall cover.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "prepare/passes/activation_ranges.h"

namespace paddock {
namespace {

struct Part {
  double center;
  double count;
};

// Those that were met. Exact zeros are most of what Relu gives, and are exact in every range.
std::vector<Part> PartsOf(const ActivationHistogram& histogram) {
  std::vector<Part> parts;
  const double width =
      (histogram.range.max - histogram.range.min) / static_cast<double>(histogram.counts.size());
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    const double low = histogram.range.min + width * static_cast<double>(i);
    if (histogram.counts[i] == 0 || (low <= 0 && low + width > 0)) continue;
    parts.push_back({low + width / 2, static_cast<double>(histogram.counts[i])});
  }
  return parts;
}

Range Percentile(const ActivationHistogram& histogram, double percentile) {
  double total = 0;
  for (const std::uint64_t count : histogram.counts) total += static_cast<double>(count);
  const double cut = total * (100 - percentile) / 200;
  const double width =
      (histogram.range.max - histogram.range.min) / static_cast<double>(histogram.counts.size());
  std::size_t low = 0;
  for (double below = 0; low < histogram.counts.size(); ++low) {
    below += static_cast<double>(histogram.counts[low]);
    if (below > cut) break;
  }
  std::size_t high = histogram.counts.size();
  for (double above = 0; high > 0; --high) {
    above += static_cast<double>(histogram.counts[high - 1]);
    if (above > cut) break;
  }
  return {std::min(0.0, histogram.range.min + width * static_cast<double>(low)),
          std::max(0.0, histogram.range.min + width * static_cast<double>(high))};
}

double SquareError(const std::vector<Part>& parts, Range range) {
  const Int8Parameters parameters = ParametersOf(range);
  double sum = 0;
  for (const Part& part : parts) {
    const double error = part.center - FakeQuantized(part.center, parameters);
    sum += part.count * error * error;
  }
  return sum;
}

double Divergence(const std::vector<Part>& parts, Range range) {
  const Int8Parameters parameters = ParametersOf(range);
  constexpr std::size_t kLevels = 256;
  std::array<double, kLevels> clipped{};  // what each level stands for, values beyond the range among them
  std::array<double, kLevels> inside{};
  std::array<double, kLevels> distinct{};
  double total = 0;
  double total_inside = 0;
  const auto level_of = [&](double value) {
    const double level = std::nearbyint(value / static_cast<double>(parameters.scale)) + 128 +
                         static_cast<double>(parameters.zero_point);
    return static_cast<std::size_t>(std::clamp(level, 0.0, 255.0));
  };
  for (const Part& part : parts) {
    const std::size_t level = level_of(part.center);
    total += part.count;
    if (part.center < range.min || part.center > range.max) {
      clipped[level] += part.count;
      continue;
    }
    inside[level] += part.count;
    distinct[level] += 1;
    total_inside += part.count;
  }
  if (total_inside <= 0) return std::numeric_limits<double>::infinity();
  // A level spreads its share evenly over the parts that it stands for; what is clipped piles up at the ends.
  double divergence = 0;
  constexpr double kUnseen = 1e-4;  // the share of a level that stands for nothing inside the range
  std::array<double, kLevels> piled = clipped;
  for (const Part& part : parts) {
    if (part.center < range.min || part.center > range.max) continue;
    const std::size_t level = level_of(part.center);
    const double actual = (part.count + piled[level]) / total;
    piled[level] = 0;
    const double modelled = inside[level] / distinct[level] / total_inside;
    divergence += actual * std::log(actual / modelled);
  }
  for (const double rest : piled) {
    if (rest > 0) divergence += rest / total * std::log(rest / total / kUnseen);
  }
  return divergence;
}

// First both ends together, then each alone.
template <typename Cost>
Range Search(Range full, Cost cost) {
  Range best = full;
  double least = cost(full);
  const auto consider = [&](Range range) {
    const double found = cost(range);
    if (found < least) {
      least = found;
      best = range;
    }
  };
  constexpr int kSteps = 50;
  const auto share = [](int step) { return 1.0 - 0.9 * step / kSteps; };
  for (int step = 1; step <= kSteps; ++step) consider({full.min * share(step), full.max * share(step)});
  const Range together = best;
  for (int step = 0; step <= kSteps; ++step) consider({together.min, full.max * share(step)});
  const double max = best.max;
  for (int step = 0; full.min < 0 && step <= kSteps; ++step) consider({full.min * share(step), max});
  return best;
}

}  // namespace

std::string_view RangeMethodName(RangeMethod method) {
  switch (method) {
    case RangeMethod::kMinMax:
      return "minmax";
    case RangeMethod::kPercentile:
      return "percentile";
    case RangeMethod::kMse:
      return "mse";
    case RangeMethod::kEntropy:
      return "entropy";
  }
  return "";
}

Range ChooseRange(const ActivationHistogram& histogram, RangeMethod method, double percentile) {
  if (method == RangeMethod::kMinMax || histogram.counts.empty() ||
      histogram.range.max <= histogram.range.min) {
    return histogram.range;
  }
  if (method == RangeMethod::kPercentile) return Percentile(histogram, percentile);
  const std::vector<Part> parts = PartsOf(histogram);
  if (parts.empty()) return histogram.range;
  if (method == RangeMethod::kMse) {
    return Search(histogram.range, [&](Range range) { return SquareError(parts, range); });
  }
  return Search(histogram.range, [&](Range range) { return Divergence(parts, range); });
}

}  // namespace paddock
