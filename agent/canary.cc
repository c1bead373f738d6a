#include "agent/canary.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

namespace paddock::agent {
namespace {

constexpr int kIterations = 350'000;
constexpr std::uint64_t kSeed = 0x9e3779b97f4a7c15;
constexpr std::uint64_t kExpected = 0xcb4fa46930299419;

// Two chains of dependent steps, so that the time follows the core's clock and neither its width nor its caches. IEEE
// arithmetic without fused steps (this file is compiled with -ffp-contract=off) gives the same bits on every CPU.
std::uint64_t Pass(std::uint64_t seed) {
  std::uint64_t integer = seed;
  double real = 0.5;
  for (int i = 0; i < kIterations; ++i) {
    integer ^= integer >> 29;
    integer *= 0xbf58476d1ce4e5b9;
    real = real * 3.75;
    real = real * (1.0 - real / 3.75);  // the logistic map: chaotic, so that one wrong bit shows
  }
  std::uint64_t bits = 0;
  std::memcpy(&bits, &real, sizeof bits);
  return integer ^ bits;
}

}  // namespace

Result<std::uint64_t> RunCanary(const Clock& clock, int passes) {
  volatile std::uint64_t seed = kSeed;  // read anew for every pass: the compiler cannot compute a pass ahead
  std::int64_t shortest = std::numeric_limits<std::int64_t>::max();
  for (int i = 0; i < passes; ++i) {
    const MonotonicTime begin = clock.Now();
    const std::uint64_t computed = Pass(seed);
    const MonotonicTime end = clock.Now();
    if (computed != kExpected) {
      return InternalError("canary: this CPU computed " + std::to_string(computed) + " where " +
                           std::to_string(kExpected) + " is right; check its memory, clock and voltage");
    }
    shortest = std::min<std::int64_t>(shortest, (end - begin).count());
  }
  return static_cast<std::uint64_t>(shortest);
}

}  // namespace paddock::agent
