// Sorts long series of integers in a time that does not depend on their order: by digits (LSD radix), eleven bits at a time, of
// which only those are looked at in which the values differ. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace paddock {

// `values` in ascending order, as all of `sorted`. `scratch` gives room for as many, and holds nothing of use afterwards.
// `values` may lie in `scratch`, not in `sorted`.
void SortIntegers(std::span<const std::uint64_t> values, std::vector<std::uint64_t>* sorted,
                  std::vector<std::uint64_t>* scratch);

}  // namespace paddock
