#include "base/random.h"

#include <algorithm>
#include <numeric>

#include <catch2/catch.hpp>

namespace paddock {

TEST_CASE("a seed gives the numbers of the reference code", "[base][random]") {
  // splitmix64(0) gives e220a8397b1dcdaf, 6e789e6aa1b965f4, 06c45d188009454f, f88bb8a8724c81ec as the state.
  Random random(0);
  CHECK(random.Next() == 0x99ec5f36cb75f2b4);
  CHECK(random.Next() == 0xbf6e1f784956452a);
  Random same(0);
  CHECK(same.Next() == 0x99ec5f36cb75f2b4);
  CHECK(Random(1).Next() != 0x99ec5f36cb75f2b4);
}

TEST_CASE("bounded numbers stay below the bound and reach every value", "[base][random]") {
  Random random(7);
  std::vector<int> counts(6);
  for (int i = 0; i < 6000; ++i) ++counts.at(random.Below(6));
  for (const int count : counts) CHECK(count == Approx(1000).margin(200));
  CHECK(random.Below(1) == 0);
}

TEST_CASE("uniform and normal draws have the moments they should", "[base][random]") {
  Random random(11);
  double sum = 0;
  double normal_sum = 0;
  double normal_squares = 0;
  for (int i = 0; i < 20000; ++i) {
    const double uniform = random.Uniform();
    REQUIRE(uniform >= 0);
    REQUIRE(uniform < 1);
    sum += uniform;
    const double normal = random.Normal();
    normal_sum += normal;
    normal_squares += normal * normal;
  }
  CHECK(sum / 20000 == Approx(0.5).margin(0.02));
  CHECK(normal_sum / 20000 == Approx(0).margin(0.03));
  CHECK(normal_squares / 20000 == Approx(1).margin(0.05));
}

TEST_CASE("a shuffle is a permutation that depends on the seed alone", "[base][random]") {
  std::vector<int> items(50);
  std::iota(items.begin(), items.end(), 0);
  std::vector<int> first = items;
  std::vector<int> second = items;
  Random one(3);
  Random two(3);
  Shuffle(first, one);
  Shuffle(second, two);
  CHECK(first == second);
  CHECK(first != items);
  CHECK(std::is_permutation(first.begin(), first.end(), items.begin()));
}

}  // namespace paddock
