// A histogram of values with a relative error of at most 10^-3, whatever their size; merging is exact. Its layout, percentiles
// and bytes are those of HdrHistogram (http://hdrhistogram.org), V2 encoding, so that readers in other languages read them.
// Memory grows with the octaves that hold values: 8 KiB each. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock {

// What decides which values share a counter. Two histograms with equal unit and digits can be merged.
struct HistogramLayout {
  std::int64_t lowest = 1;                   // values below are not told from 0 ... 1 .. 2^40
  std::int64_t highest = 3'600'000'000'000;  // at least 2 * lowest; an hour in ns
  int significant_digits = 3;                // 1 .. 3

  bool IsValid() const;
  bool operator==(const HistogramLayout&) const = default;
};

class Histogram {
 public:
  // REQUIRES: the ranges noted in HistogramLayout.
  explicit Histogram(const HistogramLayout& layout = {});

  // False, and nothing is recorded, for a value below 0 or without a counter (above `highest`, rounded up to an octave), or
  // when more than 2^63 - 1 values would be in.
  bool Record(std::int64_t value, std::uint64_t count = 1);
  // For a closed loop that should have issued every `interval`: also records value - interval, value - 2 interval, ... down to
  // `interval`, the latencies of the queries that were never issued meanwhile. An interval of 0 adds nothing.
  bool RecordWithExpectedInterval(std::int64_t value, std::int64_t interval);
  // Adds all of `other`. INVALID_ARGUMENT, and nothing is added, for another unit or number of digits, or a value without a
  // counter here.
  Status Merge(const Histogram& other);

  const HistogramLayout& layout() const { return layout_; }
  std::uint64_t total_count() const { return total_; }
  // Number of counters a dense histogram of this layout has.
  std::size_t counts_length() const { return octaves_.size() << half_magnitude_; }
  // Smallest and largest recorded value as far as the counters tell: lowest and highest value of theirs. 0 when empty.
  std::int64_t Min() const;
  std::int64_t Max() const;
  // Every value counts as the middle of its counter's range. 0 when empty.
  double Mean() const;
  // The highest value that shares a counter with the value of rank ceil(percentile / 100 * n); Min() for 0; 0 when empty.
  // REQUIRES: 0 <= percentile <= 100.
  std::int64_t ValueAtPercentile(double percentile) const;
  // Values recorded in the counter of `value`.
  std::uint64_t CountAt(std::int64_t value) const;
  // The smallest and the largest value that share a counter with `value`. REQUIRES: value >= 0.
  std::int64_t LowestEquivalent(std::int64_t value) const;
  std::int64_t HighestEquivalent(std::int64_t value) const;

  // V2, compressed by zlib; the same bytes for the same counts on one zlib version.
  std::string Encode() const;
  // V2, compressed or plain. Foreign bytes are safe: memory is bounded by the layout (at most 0.5 MiB of counters), and
  // anything short, long, contradictory or out of range is INVALID_ARGUMENT.
  static Result<Histogram> Decode(std::string_view bytes);

  // Equal layouts and counts.
  friend bool operator==(const Histogram& a, const Histogram& b);

 private:
  std::size_t IndexOf(std::int64_t value) const;
  std::int64_t ValueAt(std::size_t index) const;  // lowest value of a counter
  std::uint64_t CountAtIndex(std::size_t index) const;
  void AddAt(std::size_t index, std::uint64_t count);
  std::string EncodePlain() const;
  static Result<Histogram> DecodePlain(std::string_view bytes);

  HistogramLayout layout_;
  int unit_magnitude_ = 0;                           // log2 of the unit
  int half_magnitude_ = 0;                           // log2 of the counters per octave
  std::vector<std::vector<std::uint64_t>> octaves_;  // empty until a value falls in
  std::uint64_t total_ = 0;
};

// The form of HdrHistogram's logs: RFC 4648 with padding. Decoding is strict: INVALID_ARGUMENT for anything else.
std::string Base64Encode(std::string_view bytes);
Result<std::string> Base64Decode(std::string_view text);

}  // namespace paddock
