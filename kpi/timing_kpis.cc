#include "kpi/timing_kpis.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace paddock {
namespace {

constexpr double kNanosecondsPerSecond = 1e9;

KpiOutcome Missing(std::string_view code) { return {std::nullopt, std::string(code)}; }

// One repetition's figure, or the code of why it has none.
struct Figure {
  Figure(double number) : value(number) {}     // NOLINT(google-explicit-constructor)
  Figure(const char* code) : missing(code) {}  // NOLINT(google-explicit-constructor)
  std::optional<double> value;
  std::string_view missing;
};

// A KPI is only as good as its weakest repetition: one without the figure leaves the run without the KPI.
template <typename Statistic>
KpiOutcome OverRepetitions(const RunEvidence& evidence, Statistic statistic) {
  if (evidence.repetitions.empty()) return Missing("no_repetitions");
  std::vector<double> figures;
  for (const RepetitionRecord& repetition : evidence.repetitions) {
    const Figure figure = statistic(repetition);
    if (!figure.value) return Missing(figure.missing);
    figures.push_back(*figure.value);
  }
  return {KpiValue{Median(figures), MedianInterval(figures), figures}, ""};
}

// Latencies after the warm-up.
std::span<const std::uint64_t> Measured(const RepetitionRecord& repetition) {
  const std::span<const std::uint64_t> all(repetition.queries.latency_ns);
  return all.subspan(std::min<std::size_t>(repetition.queries.warmup_count, all.size()));
}

// Samples answered in the measured window: every query counts for samples_per_query but the short ones.
std::uint64_t MeasuredSamples(const RepetitionRecord& repetition) {
  const QuerySeries& queries = repetition.queries;
  std::uint64_t samples = Measured(repetition).size() * std::uint64_t{queries.samples_per_query};
  for (auto query = queries.short_queries.lower_bound(queries.warmup_count);
       query != queries.short_queries.end(); ++query) {
    if (query->first < queries.latency_ns.size()) samples -= queries.samples_per_query - query->second;
  }
  return samples;
}

// KPIs of the latencies of one repetition. REQUIRES of `statistic`: total over non-empty spans.
template <typename Statistic>
KpiOutcome OfLatencies(const RunEvidence& evidence, Statistic statistic) {
  return OverRepetitions(evidence, [&](const RepetitionRecord& repetition) -> Figure {
    const auto latencies = Measured(repetition);
    if (latencies.empty()) return "no_measured_queries";
    return statistic(latencies);
  });
}

// PercentileOfSorted without sorting: series have millions of entries.
double PercentileNs(std::span<const std::uint64_t> latencies, double p) {
  std::vector<std::uint64_t> copy(latencies.begin(), latencies.end());
  const auto wanted = copy.begin() + static_cast<std::ptrdiff_t>(PercentileIndex(copy.size(), p));
  std::nth_element(copy.begin(), wanted, copy.end());
  return static_cast<double>(*wanted);
}

template <int kPerMille>
KpiOutcome LatencyPercentile(const RunEvidence& evidence) {
  constexpr double p = kPerMille / 1000.0;
  return OfLatencies(evidence, [](std::span<const std::uint64_t> latencies) -> Figure {
    if (latencies.size() < MinSamplesForPercentile(p)) return "too_few_samples";
    return PercentileNs(latencies, p) / kNanosecondsPerSecond;
  });
}

KpiOutcome LatencyMin(const RunEvidence& evidence) {
  return OfLatencies(evidence, [](std::span<const std::uint64_t> latencies) -> Figure {
    return static_cast<double>(*std::min_element(latencies.begin(), latencies.end())) / kNanosecondsPerSecond;
  });
}

KpiOutcome LatencyMax(const RunEvidence& evidence) {
  return OfLatencies(evidence, [](std::span<const std::uint64_t> latencies) -> Figure {
    return static_cast<double>(*std::max_element(latencies.begin(), latencies.end())) / kNanosecondsPerSecond;
  });
}

KpiOutcome LatencyMean(const RunEvidence& evidence) {
  return OfLatencies(evidence, [](std::span<const std::uint64_t> latencies) -> Figure {
    return Mean(std::vector<double>(latencies.begin(), latencies.end())) / kNanosecondsPerSecond;
  });
}

KpiOutcome LatencyCv(const RunEvidence& evidence) {
  return OfLatencies(evidence, [](std::span<const std::uint64_t> latencies) -> Figure {
    const std::vector<double> values(latencies.begin(), latencies.end());
    const auto deviation = SampleStandardDeviation(values);
    if (!deviation) return "too_few_samples";
    const double mean = Mean(values);
    if (mean == 0) return "zero_latency";
    return *deviation / mean;
  });
}

KpiOutcome Jitter(const RunEvidence& evidence) {
  return OfLatencies(evidence, [](std::span<const std::uint64_t> latencies) -> Figure {
    if (latencies.size() < MinSamplesForPercentile(0.99)) return "too_few_samples";
    const double median = PercentileNs(latencies, 0.5);
    if (median == 0) return "zero_latency";
    return PercentileNs(latencies, 0.99) / median;
  });
}

KpiOutcome Throughput(const RunEvidence& evidence) {
  return OverRepetitions(evidence, [](const RepetitionRecord& repetition) -> Figure {
    const std::uint64_t samples = MeasuredSamples(repetition);
    if (samples == 0) return "no_measured_queries";
    if (repetition.window_ns == 0) return "no_window";
    return static_cast<double>(samples) / (static_cast<double>(repetition.window_ns) / kNanosecondsPerSecond);
  });
}

KpiOutcome HarnessOverhead(const RunEvidence& evidence) {
  return OverRepetitions(evidence, [](const RepetitionRecord& repetition) -> Figure {
    if (!repetition.queries.intended_offset_ns.empty()) return "open_loop";
    const auto latencies = Measured(repetition);
    if (latencies.empty()) return "no_measured_queries";
    const auto busy_ns = std::accumulate(latencies.begin(), latencies.end(), std::uint64_t{0});
    if (busy_ns > repetition.window_ns) return "no_window";  // queries overlapped, or the window is not known
    const auto idle_ns = static_cast<double>(repetition.window_ns - busy_ns);
    return idle_ns / kNanosecondsPerSecond / static_cast<double>(latencies.size());
  });
}

template <std::optional<std::uint64_t> RepetitionRecord::*kField>
KpiOutcome Seconds(const RunEvidence& evidence) {
  return OverRepetitions(evidence, [](const RepetitionRecord& repetition) -> Figure {
    const auto& nanoseconds = repetition.*kField;
    if (!nanoseconds) return "not_measured";
    return static_cast<double>(*nanoseconds) / kNanosecondsPerSecond;
  });
}

KpiOutcome PeakMemory(const RunEvidence& evidence) {
  return OverRepetitions(evidence, [](const RepetitionRecord& repetition) -> Figure {
    if (!repetition.peak_memory_bytes) return "not_measured";
    return static_cast<double>(*repetition.peak_memory_bytes);
  });
}

KpiOutcome ArtifactSize(const RunEvidence& evidence) {
  if (evidence.artifact_bytes == 0) return Missing("no_artifact");
  return {KpiValue{static_cast<double>(evidence.artifact_bytes), std::nullopt}, ""};
}

KpiOutcome EnergyPerInference(const RunEvidence& evidence) {
  return OverRepetitions(evidence, [](const RepetitionRecord& repetition) -> Figure {
    if (!repetition.energy_j) return "no_sensor";
    const std::uint64_t samples = MeasuredSamples(repetition);
    if (samples == 0) return "no_measured_queries";
    return *repetition.energy_j / static_cast<double>(samples);
  });
}

KpiOutcome PowerMean(const RunEvidence& evidence) {
  return OverRepetitions(evidence, [](const RepetitionRecord& repetition) -> Figure {
    if (!repetition.energy_j) return "no_sensor";
    if (repetition.window_ns == 0) return "no_window";
    return *repetition.energy_j / (static_cast<double>(repetition.window_ns) / kNanosecondsPerSecond);
  });
}

// No record carries a cycle count.
KpiOutcome CyclesPerInference(const RunEvidence&) { return Missing("no_counter"); }

constexpr std::string_view kQueries = "measured queries";
constexpr Task kAny = Task::kNone;

constexpr std::array kTimingKpis = {
    KpiDefinition{"latency_min", "s", Better::kLower, kAny, kQueries, LatencyMin},
    KpiDefinition{"latency_mean", "s", Better::kLower, kAny, kQueries, LatencyMean},
    KpiDefinition{"latency_p50", "s", Better::kLower, kAny, kQueries, LatencyPercentile<500>},
    KpiDefinition{"latency_p90", "s", Better::kLower, kAny, "64 measured queries", LatencyPercentile<900>},
    KpiDefinition{"latency_p95", "s", Better::kLower, kAny, "130 measured queries", LatencyPercentile<950>},
    KpiDefinition{"latency_p99", "s", Better::kLower, kAny, "662 measured queries", LatencyPercentile<990>},
    KpiDefinition{"latency_p999", "s", Better::kLower, kAny, "6636 measured queries", LatencyPercentile<999>},
    KpiDefinition{"latency_max", "s", Better::kLower, kAny, kQueries, LatencyMax},
    KpiDefinition{"latency_cv", "1", Better::kLower, kAny, "2 measured queries", LatencyCv},
    KpiDefinition{"jitter", "1", Better::kLower, kAny, "662 measured queries", Jitter},
    KpiDefinition{"throughput", "1/s", Better::kHigher, kAny, "a measured window", Throughput},
    KpiDefinition{"harness_overhead", "s", Better::kLower, kAny, "a closed-loop window", HarnessOverhead},
    KpiDefinition{"first_inference", "s", Better::kLower, kAny, "the first inference timed",
                  Seconds<&RepetitionRecord::first_inference_ns>},
    KpiDefinition{"model_load", "s", Better::kLower, kAny, "the load timed",
                  Seconds<&RepetitionRecord::model_load_ns>},
    KpiDefinition{"cold_start", "s", Better::kLower, kAny, "the start of the process timed",
                  Seconds<&RepetitionRecord::cold_start_ns>},
    KpiDefinition{"peak_memory", "B", Better::kLower, kAny, "the worker's high-water mark", PeakMemory},
    KpiDefinition{"artifact_size", "B", Better::kLower, kAny, "the prepared model", ArtifactSize},
    KpiDefinition{"energy_per_inference", "J", Better::kLower, kAny, "a power meter", EnergyPerInference},
    KpiDefinition{"power_mean", "W", Better::kLower, kAny, "a power meter", PowerMean},
    KpiDefinition{"cycles_per_inference", "cycles", Better::kLower, kAny, "a cycle counter",
                  CyclesPerInference},
};

}  // namespace

std::span<const KpiDefinition> TimingKpis() { return kTimingKpis; }

}  // namespace paddock
