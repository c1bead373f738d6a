// Evidence made of numbers that a test writes down.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "kpi/catalog.h"

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

}  // namespace paddock
