#include "agent/arrival_schedule.h"

#include <bit>
#include <cmath>

namespace paddock::agent {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr int kLogBits = 56;  // of the fraction of a logarithm

// -log2(m / 2^53), 0 < m <= 2^53, in units of 2^-56. In integers, a bit a squaring: the logarithms of C libraries differ in
// their last digit, and some compilers fuse multiplications with additions.
std::uint64_t NegativeLog2(std::uint64_t m) {
  const int zeros = std::countl_zero(m);
  std::uint64_t mantissa = m << zeros;  // 1 <= mantissa / 2^63 < 2
  std::uint64_t fraction = 0;
  for (int bit = kLogBits - 1; bit >= 0; --bit) {
    const auto square = static_cast<Wide>(mantissa) * mantissa >> 63;
    const bool above_two = (square >> 64) != 0;
    if (above_two) fraction |= std::uint64_t{1} << bit;
    mantissa = static_cast<std::uint64_t>(above_two ? square >> 1 : square);
  }
  const std::uint64_t whole = 63 - static_cast<std::uint64_t>(zeros);
  return (std::uint64_t{53} << kLogBits) - ((whole << kLogBits) | fraction);
}

}  // namespace

std::uint64_t ArrivalSchedule::Next() {
  if (!is_random_)
    return static_cast<std::uint64_t>(std::llround(mean_gap_ns_ * static_cast<double>(count_++)));
  const std::uint64_t now_ns = next_ns_;
  // 1 - u with u = k / 2^53, as Random::Uniform() makes it.
  const std::uint64_t m = (std::uint64_t{1} << 53) - (random_.Next() >> 11);
  constexpr double kLn2 = 0.693147180559945309417232121458;
  const double unit_gap = static_cast<double>(NegativeLog2(m)) * (kLn2 / (std::uint64_t{1} << kLogBits));
  next_ns_ += static_cast<std::uint64_t>(std::llround(unit_gap * mean_gap_ns_));
  return now_ns;
}

}  // namespace paddock::agent
