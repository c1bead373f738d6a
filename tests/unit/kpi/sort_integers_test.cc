#include "kpi/sort_integers.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>

#include "base/random.h"

namespace paddock {
namespace {

TEST_CASE("integers of any spread come out in order, whatever was in the room they were given",
          "[kpi][sort_integers]") {
  Random random(3);
  for (const int bits : {0, 1, 5, 11, 12, 22, 25, 33, 40, 63, 64}) {
    for (const std::size_t count : {0, 1, 2, 100, 2047, 2048, 5000}) {
      std::vector<std::uint64_t> values(count);
      const std::uint64_t offset = bits < 60 ? random.Below(1'000'000'000) : 0;
      for (std::uint64_t& value : values) value = offset + (bits == 0 ? 0 : random.Next() >> (64 - bits));
      std::vector<std::uint64_t> expected = values;
      std::sort(expected.begin(), expected.end());
      std::vector<std::uint64_t> sorted(random.Below(2) * 7000, 5);
      std::vector<std::uint64_t> scratch(random.Below(2) * 7000, 6);
      SortIntegers(values, &sorted, &scratch);
      CHECK(sorted == expected);
      SortIntegers(values, &sorted, &values);
      CHECK(sorted == expected);
    }
  }
}

TEST_CASE("the smallest and the largest integer sort together", "[kpi][sort_integers]") {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  std::vector<std::uint64_t> values(3000, 7);
  values[1000] = kMost;
  values[2000] = 0;
  std::vector<std::uint64_t> sorted;
  std::vector<std::uint64_t> scratch;
  SortIntegers(values, &sorted, &scratch);
  CHECK(sorted.front() == 0);
  CHECK(sorted[1] == 7);
  CHECK(sorted.back() == kMost);
}

}  // namespace
}  // namespace paddock
