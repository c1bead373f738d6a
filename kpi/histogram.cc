#include "kpi/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

namespace paddock {
namespace {

constexpr std::int64_t kMostLowest = std::int64_t{1} << 40;
constexpr int kMostDigits = 3;
constexpr std::uint64_t kMostTotal = std::numeric_limits<std::int64_t>::max();

int FloorLog2(std::int64_t value) {
  return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(value))) - 1;
}

// The smallest power of two that tells 2 * 10^digits steps apart, halved: an octave needs the upper half only.
int HalfMagnitude(int digits) {
  std::uint64_t steps = 2;
  for (int i = 0; i < digits; ++i) steps *= 10;
  return static_cast<int>(std::bit_width(steps - 1)) - 1;
}

}  // namespace

bool HistogramLayout::IsValid() const {
  return lowest >= 1 && lowest <= kMostLowest && highest / 2 >= lowest && significant_digits >= 1 &&
         significant_digits <= kMostDigits;
}

Histogram::Histogram(const HistogramLayout& layout)
    : layout_(layout),
      unit_magnitude_(FloorLog2(std::max<std::int64_t>(layout.lowest, 1))),
      half_magnitude_(HalfMagnitude(layout.significant_digits)) {
  PADDOCK_CHECK(layout.IsValid(), "a histogram's layout is within the ranges of HistogramLayout");
  // Octave 0 has the values below 2^half_magnitude units, octave 1 those up to twice as much, each further one twice as much
  // again.
  const int covered = unit_magnitude_ + half_magnitude_;
  octaves_.resize(static_cast<std::size_t>(std::max(FloorLog2(layout.highest) - covered, 0)) + 2);
}

std::size_t Histogram::IndexOf(std::int64_t value) const {
  const std::int64_t units = value >> unit_magnitude_;
  const int octave = std::max(FloorLog2(units | (std::int64_t{1} << half_magnitude_)) - half_magnitude_, 0);
  return (static_cast<std::size_t>(octave) << half_magnitude_) + static_cast<std::size_t>(units >> octave);
}

std::int64_t Histogram::ValueAt(std::size_t index) const {
  const std::size_t per_octave = std::size_t{1} << half_magnitude_;
  const std::size_t octave = index >> half_magnitude_;
  if (octave == 0) return static_cast<std::int64_t>(index) << unit_magnitude_;
  const auto step = static_cast<std::int64_t>((index & (per_octave - 1)) + per_octave);
  return step << (octave - 1 + static_cast<std::size_t>(unit_magnitude_));
}

void Histogram::AddAt(std::size_t index, std::uint64_t count) {
  std::vector<std::uint64_t>& octave = octaves_[index >> half_magnitude_];
  if (octave.empty()) octave.resize(std::size_t{1} << half_magnitude_);
  octave[index & ((std::size_t{1} << half_magnitude_) - 1)] += count;
  total_ += count;
}

std::uint64_t Histogram::CountAtIndex(std::size_t index) const {
  const std::vector<std::uint64_t>& octave = octaves_[index >> half_magnitude_];
  return octave.empty() ? 0 : octave[index & ((std::size_t{1} << half_magnitude_) - 1)];
}

bool Histogram::Record(std::int64_t value, std::uint64_t count) {
  if (value < 0 || count > kMostTotal - total_) return false;
  const std::size_t index = IndexOf(value);
  if (index >= counts_length()) return false;
  if (count > 0) AddAt(index, count);
  return true;
}

bool Histogram::RecordWithExpectedInterval(std::int64_t value, std::int64_t interval) {
  if (!Record(value)) return false;
  if (interval <= 0) return true;
  // A counter at a time: a stall of an hour at an interval of 1 ns would otherwise be 3.6e12 steps.
  std::int64_t missing = value - interval;
  while (missing >= interval) {
    const std::int64_t within = (missing - std::max(LowestEquivalent(missing), interval)) / interval;
    if (!Record(missing, static_cast<std::uint64_t>(within) + 1)) return false;
    missing -= within * interval;
    missing -= interval;
  }
  return true;
}

Status Histogram::Merge(const Histogram& other) {
  if (other.unit_magnitude_ != unit_magnitude_ || other.half_magnitude_ != half_magnitude_) {
    return InvalidArgumentError("histograms of different units or significant digits cannot be merged");
  }
  if (other.total_ > kMostTotal - total_) {
    return InvalidArgumentError("merged histograms would hold more than 2^63 - 1 values");
  }
  for (std::size_t i = octaves_.size(); i < other.octaves_.size(); ++i) {
    if (!other.octaves_[i].empty()) {
      return InvalidArgumentError("the histogram goes up to " + std::to_string(layout_.highest) +
                                  ", the one to merge holds " + std::to_string(other.Max()));
    }
  }
  for (std::size_t i = 0; i < std::min(octaves_.size(), other.octaves_.size()); ++i) {
    if (other.octaves_[i].empty()) continue;
    octaves_[i].resize(std::size_t{1} << half_magnitude_);
    std::transform(octaves_[i].begin(), octaves_[i].end(), other.octaves_[i].begin(), octaves_[i].begin(),
                   std::plus<>());
  }
  total_ += other.total_;
  return OkStatus();
}

std::int64_t Histogram::Min() const {
  for (std::size_t i = 0; i < counts_length(); ++i) {
    if (CountAtIndex(i) > 0) return ValueAt(i);
  }
  return 0;
}

std::int64_t Histogram::Max() const {
  for (std::size_t i = counts_length(); i-- > 0;) {
    if (CountAtIndex(i) > 0) return HighestEquivalent(ValueAt(i));
  }
  return 0;
}

double Histogram::Mean() const {
  if (total_ == 0) return 0;
  double sum = 0;
  for (std::size_t i = 0; i < counts_length(); ++i) {
    const std::uint64_t count = CountAtIndex(i);
    if (count == 0) continue;
    const std::int64_t lowest = ValueAt(i);
    const std::int64_t middle = lowest + (HighestEquivalent(lowest) - lowest + 1) / 2;
    sum += static_cast<double>(count) * static_cast<double>(middle);
  }
  return sum / static_cast<double>(total_);
}

std::int64_t Histogram::ValueAtPercentile(double percentile) const {
  PADDOCK_CHECK(percentile >= 0 && percentile <= 100, "a percentile lies in 0 .. 100");
  if (percentile == 0) return Min();
  if (percentile == 100) return Max();  // whatever the rounding below does to totals over 2^53
  // The next smaller number, so that rounding in the product does not make 99.9 % of 1000 the 1000th.
  const double share = std::nextafter(percentile, 0.0) / 100;
  const double rank = std::max(1.0, std::ceil(share * static_cast<double>(total_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_length(); ++i) {
    seen += CountAtIndex(i);
    if (static_cast<double>(seen) >= rank) return HighestEquivalent(ValueAt(i));
  }
  return Max();
}

std::uint64_t Histogram::CountAt(std::int64_t value) const {
  if (value < 0) return 0;
  const std::size_t index = IndexOf(value);
  return index < counts_length() ? CountAtIndex(index) : 0;
}

std::int64_t Histogram::LowestEquivalent(std::int64_t value) const { return ValueAt(IndexOf(value)); }

std::int64_t Histogram::HighestEquivalent(std::int64_t value) const {
  const std::size_t index = IndexOf(value);
  const std::size_t octave = index >> half_magnitude_;
  const std::size_t doublings = (octave == 0 ? 0 : octave - 1) + static_cast<std::size_t>(unit_magnitude_);
  return ValueAt(index) + ((std::int64_t{1} << doublings) - 1);
}

bool operator==(const Histogram& a, const Histogram& b) {
  if (a.layout_ != b.layout_ || a.total_ != b.total_) return false;
  for (std::size_t i = 0; i < a.counts_length(); ++i) {
    if (a.CountAtIndex(i) != b.CountAtIndex(i)) return false;
  }
  return true;
}

}  // namespace paddock
