// Made-up series of latencies.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "base/random.h"

namespace paddock {

using Series = std::vector<std::uint64_t>;

inline Series Counting(std::uint64_t count) {
  Series series(count);
  std::iota(series.begin(), series.end(), std::uint64_t{1});
  return series;
}

// First-order autoregressive noise of 1 % about 1'000'000.
inline Series Autoregressive(Random& random, int count, double correlation) {
  Series series;
  double state = random.Normal();
  for (int i = 0; i < count; ++i) {
    state = correlation * state + std::sqrt(1 - correlation * correlation) * random.Normal();
    series.push_back(static_cast<std::uint64_t>(1e6 + 1e4 * state));
  }
  return series;
}

inline Series Sorted(Series series) {
  std::sort(series.begin(), series.end());
  return series;
}

}  // namespace paddock
