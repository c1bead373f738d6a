#include "kpi/timing_kpis.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "kpi/repetition_figures.h"

namespace paddock {
namespace {

// Why the record's nanoseconds are no time; null: they are.
const char* NoTime(const AnalysedRepetition& repetition) {
  return repetition.clock == kInstructionClock ? "emulated" : nullptr;
}

// KPIs of the latencies of one repetition. REQUIRES of `statistic`: total over non-empty, sorted latencies.
template <typename Statistic>
KpiOutcome OfLatencies(const RunEvidence& evidence, Statistic statistic) {
  return OverRepetitions(evidence, [&](const AnalysedRepetition& repetition) -> Figure {
    if (const char* missing = NoTime(repetition)) return missing;
    if (repetition.latency.sorted.empty()) return "no_measured_queries";
    return statistic(repetition);
  });
}

// Where readings are batched, an entry is a block: its share for one query is a mean of several.
double Seconds(const AnalysedRepetition& repetition, double entry_ns) {
  return entry_ns / repetition.queries.invocations_per_reading / kNanosecondsPerSecond;
}

double PercentileSeconds(const AnalysedRepetition& repetition, double p) {
  return Seconds(repetition, static_cast<double>(PercentileOfSorted(repetition.latency.sorted, p)));
}

// Why there is no tail; empty: there is one. Means of blocks hide the tails of single queries.
const char* TailMissing(const AnalysedRepetition& repetition, double p) {
  if (p > 0.5 && repetition.queries.invocations_per_reading > 1) return "batched_readings";
  if (repetition.latency.sorted.size() < MinSamplesForPercentile(p)) return "too_few_samples";
  return nullptr;
}

template <int kPerMille>
KpiOutcome LatencyPercentile(const RunEvidence& evidence) {
  constexpr double p = kPerMille / 1000.0;
  return OfLatencies(evidence, [](const AnalysedRepetition& repetition) -> Figure {
    if (const char* missing = TailMissing(repetition, p)) return missing;
    return PercentileSeconds(repetition, p);
  });
}

template <int kPerMille>
KpiOutcome LatencyEarlyStopping(const RunEvidence& evidence) {
  constexpr double p = kPerMille / 1000.0;
  return OfLatencies(evidence, [](const AnalysedRepetition& repetition) -> Figure {
    if (const char* missing = TailMissing(repetition, p)) return missing;
    const auto estimate = EarlyStoppingPercentile(repetition.latency.sorted, p);
    if (!estimate) return "too_few_samples";
    return Seconds(repetition, static_cast<double>(*estimate));
  });
}

KpiOutcome LatencyMin(const RunEvidence& evidence) {
  return OfLatencies(evidence, [](const AnalysedRepetition& repetition) -> Figure {
    return Seconds(repetition, static_cast<double>(repetition.latency.sorted.front()));
  });
}

KpiOutcome LatencyMax(const RunEvidence& evidence) {
  return OfLatencies(evidence, [](const AnalysedRepetition& repetition) -> Figure {
    if (repetition.queries.invocations_per_reading > 1) return "batched_readings";
    return Seconds(repetition, static_cast<double>(repetition.latency.sorted.back()));
  });
}

KpiOutcome LatencyMean(const RunEvidence& evidence) {
  return OfLatencies(evidence, [](const AnalysedRepetition& repetition) -> Figure {
    return Seconds(repetition, Mean(repetition.latency.sorted));
  });
}

KpiOutcome LatencyCv(const RunEvidence& evidence) {
  return OfLatencies(evidence, [](const AnalysedRepetition& repetition) -> Figure {
    const auto deviation = SampleStandardDeviation(repetition.latency.sorted);
    if (!deviation) return "too_few_samples";
    const double mean = Mean(repetition.latency.sorted);
    if (mean == 0) return "zero_latency";
    return *deviation / mean;
  });
}

KpiOutcome Jitter(const RunEvidence& evidence) {
  return OfLatencies(evidence, [](const AnalysedRepetition& repetition) -> Figure {
    if (const char* missing = TailMissing(repetition, 0.99)) return missing;
    const double median = PercentileSeconds(repetition, 0.5);
    if (median == 0) return "zero_latency";
    return PercentileSeconds(repetition, 0.99) / median;
  });
}

KpiOutcome DeadlineMissRate(const RunEvidence& evidence) {
  if (!evidence.deadline_s) return MissingKpi("no_deadline");
  return OfLatencies(evidence, [&](const AnalysedRepetition& repetition) -> Figure {
    const auto& sorted = repetition.latency.sorted;
    const auto deadline_ns = static_cast<std::uint64_t>(*evidence.deadline_s * kNanosecondsPerSecond);
    const auto late = sorted.end() - std::upper_bound(sorted.begin(), sorted.end(), deadline_ns);
    return static_cast<double>(late) / static_cast<double>(sorted.size());
  });
}

KpiOutcome RateMax(const RunEvidence& evidence) {
  return OverRepetitions(evidence, [](const AnalysedRepetition& repetition) -> Figure {
    if (const char* missing = NoTime(repetition)) return missing;
    if (repetition.rate_probes.empty()) return "not_searched";
    double highest = 0;
    for (const RateProbe& probe : repetition.rate_probes) {
      if (probe.passed) highest = std::max(highest, probe.rate_hz);
    }
    if (highest == 0) return "no_rate_passed";
    return highest;
  });
}

KpiOutcome Throughput(const RunEvidence& evidence) {
  return OverRepetitions(evidence, [](const AnalysedRepetition& repetition) -> Figure {
    if (const char* missing = NoTime(repetition)) return missing;
    if (repetition.latency.samples == 0) return "no_measured_queries";
    if (repetition.latency.window_ns == 0) return "no_window";
    return static_cast<double>(repetition.latency.samples) /
           (static_cast<double>(repetition.latency.window_ns) / kNanosecondsPerSecond);
  });
}

KpiOutcome HarnessOverhead(const RunEvidence& evidence) {
  return OfLatencies(evidence, [](const AnalysedRepetition& repetition) -> Figure {
    if (repetition.latency.open_loop) return "open_loop";
    const auto& latencies = repetition.latency.sorted;
    const auto busy_ns = std::accumulate(latencies.begin(), latencies.end(), std::uint64_t{0});
    const std::uint64_t window_ns = repetition.latency.window_ns;
    if (busy_ns > window_ns) return "no_window";  // queries overlapped, or the window is not known
    return Seconds(repetition,
                   static_cast<double>(window_ns - busy_ns) / static_cast<double>(latencies.size()));
  });
}

template <std::optional<std::uint64_t> RepetitionRecord::*kField>
KpiOutcome FieldSeconds(const RunEvidence& evidence) {
  return OverRepetitions(evidence, [](const AnalysedRepetition& repetition) -> Figure {
    if (const char* missing = NoTime(repetition)) return missing;
    const auto& nanoseconds = repetition.*kField;
    if (!nanoseconds) return "not_measured";
    return static_cast<double>(*nanoseconds) / kNanosecondsPerSecond;
  });
}

KpiOutcome PeakMemory(const RunEvidence& evidence) {
  return OverRepetitions(evidence, [](const AnalysedRepetition& repetition) -> Figure {
    if (!repetition.peak_memory_bytes) return "not_measured";
    return static_cast<double>(*repetition.peak_memory_bytes);
  });
}

// Of what the compiler said of the network that ran.
template <typename Member>
KpiOutcome OfNetwork(const RunEvidence& evidence, Member member) {
  return OverRepetitions(evidence, [&](const AnalysedRepetition& repetition) -> Figure {
    if (!repetition.network) return "not_compiled";
    const std::optional<std::uint64_t> bytes = member(*repetition.network);
    if (!bytes) return "no_image";
    return static_cast<double>(*bytes);
  });
}

KpiOutcome FlashUsed(const RunEvidence& evidence) {
  return OfNetwork(evidence, [](const NetworkFacts& network) { return network.flash_bytes; });
}
KpiOutcome RamUsed(const RunEvidence& evidence) {
  return OfNetwork(evidence, [](const NetworkFacts& network) { return network.ram_bytes; });
}
KpiOutcome TextSize(const RunEvidence& evidence) {
  return OfNetwork(evidence, [](const NetworkFacts& network) { return network.text_bytes; });
}
KpiOutcome ArenaSize(const RunEvidence& evidence) {
  return OfNetwork(evidence, [](const NetworkFacts& network) {
    return std::optional<std::uint64_t>(network.arena_bytes);
  });
}
KpiOutcome NetworkMultiplyAccumulates(const RunEvidence& evidence) {
  return OfNetwork(evidence, [](const NetworkFacts& network) {
    std::uint64_t sum = 0;
    for (const LayerFacts& layer : network.layers) sum += layer.multiply_accumulates;
    return std::optional<std::uint64_t>(sum);
  });
}

KpiOutcome ArtifactSize(const RunEvidence& evidence) {
  if (evidence.artifact_bytes == 0) return MissingKpi("no_artifact");
  return {KpiValue{static_cast<double>(evidence.artifact_bytes), std::nullopt}, ""};
}

constexpr std::string_view kQueries = "measured queries";
constexpr std::string_view kImage = "a model compiled to a board's image";
constexpr std::string_view kCompiled = "a model compiled to a program";
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
    KpiDefinition{"latency_p90_early_stopping", "s", Better::kLower, kAny, "64 measured queries",
                  LatencyEarlyStopping<900>},
    KpiDefinition{"latency_p99_early_stopping", "s", Better::kLower, kAny, "662 measured queries",
                  LatencyEarlyStopping<990>},
    KpiDefinition{"deadline_miss_rate", "1", Better::kLower, kAny, "a deadline", DeadlineMissRate},
    KpiDefinition{"rate_max", "1/s", Better::kHigher, kAny, "a search for the highest rate", RateMax},
    KpiDefinition{"throughput", "1/s", Better::kHigher, kAny, "a measured window", Throughput},
    KpiDefinition{"harness_overhead", "s", Better::kLower, kAny, "a closed-loop window", HarnessOverhead},
    KpiDefinition{"first_inference", "s", Better::kLower, kAny, "the first inference timed",
                  FieldSeconds<&RepetitionRecord::first_inference_ns>},
    KpiDefinition{"model_load", "s", Better::kLower, kAny, "the load timed",
                  FieldSeconds<&RepetitionRecord::model_load_ns>},
    KpiDefinition{"cold_start", "s", Better::kLower, kAny, "the start of the process timed",
                  FieldSeconds<&RepetitionRecord::cold_start_ns>},
    KpiDefinition{"peak_memory", "B", Better::kLower, kAny, "the worker's high-water mark", PeakMemory},
    KpiDefinition{"artifact_size", "B", Better::kLower, kAny, "the prepared model", ArtifactSize},
    KpiDefinition{"flash_used", "B", Better::kLower, kAny, kImage, FlashUsed},
    KpiDefinition{"ram_used", "B", Better::kLower, kAny, kImage, RamUsed},
    KpiDefinition{"text_size", "B", Better::kLower, kAny, kImage, TextSize},
    KpiDefinition{"arena_size", "B", Better::kLower, kAny, kCompiled, ArenaSize},
    KpiDefinition{"multiply_accumulates", "1", Better::kLower, kAny, kCompiled, NetworkMultiplyAccumulates},
};

}  // namespace

std::span<const KpiDefinition> TimingKpis() { return kTimingKpis; }

}  // namespace paddock
