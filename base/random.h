// xoshiro256** seeded through splitmix64 (Blackman and Vigna, public domain reference code): the same numbers on every
// platform and standard library, which std:: distributions do not promise. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace paddock {

class Random {
 public:
  explicit Random(std::uint64_t seed);
  std::uint64_t Next();
  // Uniform in [0, bound) without bias (Lemire's rejection); bound > 0.
  std::uint64_t Below(std::uint64_t bound);
  // Uniform in [0, 1) with 53 bits.
  double Uniform();
  // Standard normal by Box-Muller; two draws a call.
  double Normal();

 private:
  std::uint64_t state_[4];
};

// Fisher-Yates; the same order for the same seed everywhere.
template <typename T>
void Shuffle(std::vector<T>& items, Random& random) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.Below(i)]);
}

}  // namespace paddock
