// What a power meter delivered over one repetition, raw, with the marks that say which part of it is what. Energies are
// computed from it and from nothing else (kpi/energy.h). All times are integer nanoseconds of the measured machine's
// monotonic clock, the one of base/clock.h, so every window is a range of sample indices.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock {

enum class MeterKind {
  kCounter,   // cumulative energy
  kSampled,   // the power at the moment of the reading
  kAveraged,  // the mean power over the averaging time that ends with the reading
};
std::string_view MeterKindName(MeterKind kind);  // "counter", "sampled", "averaged"

struct MeterDescription {
  std::string source;  // "rapl-perf", "ina3221-hwmon", "nvml", "lpm01a", "model", ...
  std::string
      boundary;  // what the number contains: "package", "module", "soc-rails", "board-input", "external"
  MeterKind kind = MeterKind::kSampled;
  // kAveraged: the averaging time. kCounter: how often the hardware refreshes its value, so how old a reading can be.
  std::int64_t averaging_ns = 0;
  // The sampler runs on the measured machine and disturbs it: times come from repetitions without it.
  bool on_device = true;
  std::vector<std::string> rails;  // whose sum every sample is
  std::int64_t period_ns = 0;      // nominal; a sampler on the device jitters around it
  double lsb = 0;                  // the smallest step of a sample: watts, or joules of a counter
  // Relative, of the whole chain, where somebody states it. Absent is unknown, not exact.
  std::optional<double> gain_uncertainty;
  // A counter that wraps: the value after which it is 0 again. Absent: it does not wrap.
  std::optional<std::int64_t> counter_range_uj;
  // Its input that sees the edges of a pin of the device: "d7". Empty: it sees none.
  std::string edge_input{};
  bool operator==(const MeterDescription&) const = default;
};

// [begin_ns, end_ns)
struct TimeSpan {
  std::int64_t begin_ns = 0;
  std::int64_t end_ns = 0;
  std::int64_t duration_ns() const { return end_ns - begin_ns; }
  bool operator==(const TimeSpan&) const = default;
};

// The first three are parallel arrays, one entry per sample, in order of time.
struct PowerTrace {
  MeterDescription meter;
  std::vector<std::int64_t> at_ns;  // midpoint of the reading, or the instrument's time brought to our clock
  std::vector<std::int64_t> read_ns;  // how long the reading took; 0 when it was pushed to us
  std::vector<std::int64_t> value;    // kCounter: microjoules so far, as delivered; otherwise microwatts
  std::uint64_t failed_reads = 0;     // readings that gave no sample
  std::string last_failure;           // what the meter said about the last of them
  std::uint64_t overflow_count = 0;   // samples that were lost because nobody drained them
  // Edges of the device's pin, in order: edge `e` came after the sample e - 1 and before the sample e. Of power, not of counters.
  std::vector<std::uint64_t> edges{};
  std::uint64_t lost_edges = 0;  // that the meter counted and did not tell
  std::optional<TimeSpan> idle_before;
  std::optional<TimeSpan> window;
  std::optional<TimeSpan> idle_after;

  // Samples with begin_ns <= at_ns < end_ns: [first, last).
  struct IndexRange {
    std::size_t first = 0;
    std::size_t last = 0;
    std::size_t count() const { return last - first; }
  };
  IndexRange IndicesOf(const TimeSpan& span) const;
  bool operator==(const PowerTrace&) const = default;
};

// "PDKPWR1\n", little-endian u32 length and JSON header, then the three arrays, and the edges where there are any, as one zlib
// stream of delta varints (kpi/delta_stream.h): about 3 bytes a sample.
// REQUIRES: the arrays are as long as each other.
std::string EncodePowerTrace(const PowerTrace& trace);
// Foreign bytes: INVALID_ARGUMENT says what is wrong. At most 64 million samples; times must not decrease and marks
// must not end before they begin; edges must not decrease or lie behind the last sample.
Result<PowerTrace> DecodePowerTrace(std::string_view bytes);

}  // namespace paddock
