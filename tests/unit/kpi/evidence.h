// Evidence made of numbers that a test writes down.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"
#include "kpi/catalog.h"
#include "kpi/scenario.h"

namespace paddock {

template <typename T>
Tensor MakeTensor(std::string name, ElementType type, Shape shape, const std::vector<T>& values) {
  Tensor tensor{{std::move(name), type, std::move(shape)}, std::vector<std::byte>(values.size() * sizeof(T))};
  if (!values.empty()) std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

inline NamedTensorView ViewOf(const Tensor& tensor) { return {tensor.info.name, tensor.view()}; }

// `count` queries, one after the other, each of `latency_ns`; the first `warmup` are not measured.
inline RepetitionRecord MakeRepetition(std::uint32_t index, std::size_t count, std::uint64_t latency_ns,
                                       std::size_t warmup = 0) {
  RepetitionRecord record;
  record.index = index;
  for (std::size_t i = 0; i < count; ++i) record.queries.start_offset_ns.push_back(i * latency_ns);
  record.queries.latency_ns.assign(count, latency_ns);
  record.queries.warmup_count = warmup;
  record.window_ns = (count - warmup) * latency_ns;
  return record;
}

// Five repetitions of a device with 1 % noise about a millisecond, changed by `change(index, latency_ns)`.
template <typename Change>
RunEvidence NoisyEvidence(std::uint64_t seed, std::size_t queries, Change change) {
  RunEvidence evidence;
  evidence.repetitions_planned = 5;
  Random random(seed);
  for (std::uint32_t i = 0; i < 5; ++i) {
    RepetitionRecord record;
    record.index = i;
    std::uint64_t now_ns = 0;
    for (std::size_t query = 0; query < queries; ++query) {
      const double ns = change(query, 1e6 * (1 + 0.01 * random.Normal()), random);
      record.queries.start_offset_ns.push_back(now_ns);
      record.queries.latency_ns.push_back(static_cast<std::uint64_t>(ns));
      now_ns += record.queries.latency_ns.back();
    }
    record.window_ns = now_ns;
    evidence.repetitions.emplace_back(std::move(record));
  }
  return evidence;
}

inline Scenario ShortScenario() {
  Scenario scenario;
  scenario.min_duration_s = 0.1;
  return scenario;
}

}  // namespace paddock
