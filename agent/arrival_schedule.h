// When the queries of an open loop are due, in nanoseconds after the window's beginning. The first is due at 0. The same
// seed and rate give the same schedule on every platform.
#pragma once

#include <cstdint>

#include "base/random.h"

namespace paddock::agent {

class ArrivalSchedule {
 public:
  // Exponential gaps of mean 1 / rate_hz, rounded to nanoseconds: -ln(1 - u) / rate_hz, u from xoshiro256**. Two rates with one seed have the same
  // gaps in units of their means. REQUIRES: rate_hz > 0.
  static ArrivalSchedule Poisson(double rate_hz, std::uint64_t seed) {
    return ArrivalSchedule(1e9 / rate_hz, seed, true);
  }
  // Query i at i * period. REQUIRES: period_s > 0.
  static ArrivalSchedule Periodic(double period_s) { return ArrivalSchedule(period_s * 1e9, 0, false); }

  std::uint64_t Next();

 private:
  ArrivalSchedule(double mean_gap_ns, std::uint64_t seed, bool random)
      : mean_gap_ns_(mean_gap_ns), is_random_(random), random_(seed) {}

  double mean_gap_ns_;
  bool is_random_;
  Random random_;
  std::uint64_t next_ns_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace paddock::agent
