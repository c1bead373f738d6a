#include <algorithm>
#include <array>
#include <cmath>

#include "kpi/scores.h"
#include "kpi/task_kpis.h"

namespace paddock {
namespace {

constexpr double kLateS = 1;      // an activation counts for an event until so long after its end
constexpr double kDebounceS = 1;  // a false activation hides those that follow within this time

struct EventWindow {
  double begin = 0;
  double end = 0;
};

struct EventCounts {
  std::size_t missed = 0;
  std::size_t false_activations = 0;
};

// Every window takes all activations inside it; what is left is debounced.
EventCounts CountEvents(std::vector<double> activations, std::vector<EventWindow> windows) {
  std::sort(activations.begin(), activations.end());
  std::sort(windows.begin(), windows.end(),
            [](const EventWindow& a, const EventWindow& b) { return a.begin < b.begin; });
  EventCounts counts;
  for (const EventWindow& window : windows) {
    const auto first = std::lower_bound(activations.begin(), activations.end(), window.begin);
    const auto last = std::upper_bound(first, activations.end(), window.end + kLateS);
    if (first == last) ++counts.missed;
    activations.erase(first, last);
  }
  double quiet_until = -HUGE_VAL;
  for (const double activation : activations) {
    if (activation <= quiet_until) continue;
    ++counts.false_activations;
    quiet_until = activation + kDebounceS;
  }
  return counts;
}

Found<EventCounts> ReadEvents(const RunEvidence& evidence) {
  if (!evidence.labels && evidence.computes_outputs) return {std::nullopt, "no_labels"};
  const auto times = ReadScores(evidence);
  if (!times.value) return {std::nullopt, times.missing};
  const auto labels = ScoresOf(evidence.labels->tensor);
  if (!labels || labels->samples != times.value->samples || labels->columns % 2 != 0) {
    return {std::nullopt, "label_mismatch"};
  }
  if (times.value->quantised) return {std::nullopt, "quantised_outputs"};
  EventCounts sum;
  for (std::size_t sample = 0; sample < labels->samples; ++sample) {
    std::vector<double> activations;
    for (std::size_t i = 0; i < times.value->columns; ++i) {
      if (const double at = times.value->At(sample, i); at >= 0) activations.push_back(at);
    }
    std::vector<EventWindow> windows;
    for (std::size_t i = 0; i < labels->columns; i += 2) {
      const EventWindow window{labels->At(sample, i), labels->At(sample, i + 1)};
      if (!(window.begin >= 0)) continue;
      if (!(window.begin <= window.end)) return {std::nullopt, "label_out_of_range"};
      windows.push_back(window);
    }
    const EventCounts counts = CountEvents(std::move(activations), std::move(windows));
    sum.missed += counts.missed;
    sum.false_activations += counts.false_activations;
  }
  return {sum, ""};
}

template <std::size_t EventCounts::*count>
KpiOutcome EventCount(const RunEvidence& evidence) {
  const auto events = ReadEvents(evidence);
  if (!events.value) return {std::nullopt, std::string(events.missing)};
  return {KpiValue{static_cast<double>((*events.value).*count), std::nullopt}, ""};
}

constexpr std::string_view kNeedsEvents = "times of activations, and the windows of the events";

constexpr std::array kEventKpis = {
    KpiDefinition{"event_false_positives", "1", Better::kLower, Task::kEvents, kNeedsEvents,
                  EventCount<&EventCounts::false_activations>},
    KpiDefinition{"event_false_negatives", "1", Better::kLower, Task::kEvents, kNeedsEvents,
                  EventCount<&EventCounts::missed>},
};

}  // namespace

std::span<const KpiDefinition> EventKpis() { return kEventKpis; }

}  // namespace paddock
