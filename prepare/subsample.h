// Which samples of a data set are used. The same arguments give the same answer on every machine (base/random.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"

namespace paddock {

inline constexpr std::uint64_t kMaxSamples = std::uint64_t{1} << 27;

// `count` of `total` sample indices, ascending; all of them when `count` is absent. With labels (one per sample) each label
// gets its share of the count by the largest-remainder method (Hamilton; ties go to the smaller label), so every share is off
// by less than one sample; within a label, and without labels, the choice is uniform.
// INVALID_ARGUMENT when count is 0 or more than total, total is above
// kMaxSamples, or labels are not one per sample.
Result<std::vector<std::uint64_t>> ChooseSamples(std::uint64_t total,
                                                 std::optional<std::span<const std::int64_t>> labels,
                                                 std::optional<std::uint64_t> count, std::uint64_t seed);

// All indices of `labels` in a random order of which every beginning holds each label in about its share: within a label the
// order is uniform, and the labels are spread evenly.
std::vector<std::uint64_t> OrderSamples(std::span<const std::int64_t> labels, std::uint64_t seed);

}  // namespace paddock
