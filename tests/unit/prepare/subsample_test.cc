#include "prepare/subsample.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <set>

#include "base/random.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;
using Indices = std::vector<std::uint64_t>;
using Labels = std::vector<std::int64_t>;

TEST_CASE("without a count every sample is chosen in order") {
  CHECK(*ChooseSamples(4, std::nullopt, std::nullopt, 7) == Indices{0, 1, 2, 3});
  const Labels labels = {1, 0, 1, 0};
  CHECK(*ChooseSamples(4, labels, 4, 7) == Indices{0, 1, 2, 3});
}

TEST_CASE("the choice is the same on every machine") {
  // Worked out with a second implementation of xoshiro256**, Lemire's rejection and Fisher-Yates, in Python.
  CHECK(*ChooseSamples(20, std::nullopt, 6, 1) == Indices{7, 9, 10, 12, 14, 15});
  const Labels labels = {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2};
  CHECK(*ChooseSamples(12, labels, 6, 1) == Indices{0, 1, 5, 6, 7, 8});
}

TEST_CASE("another seed chooses other samples") {
  CHECK(*ChooseSamples(1000, std::nullopt, 100, 1) != *ChooseSamples(1000, std::nullopt, 100, 2));
}

TEST_CASE("each label gets its share by largest remainder") {
  // 50, 30, 15, 5 of 100; ten of them: quotas 5, 3, 1.5, 0.5. The last seat is a tie and goes to the smaller label.
  Labels labels;
  for (const auto& [label, count] : std::map<std::int64_t, int>{{-4, 50}, {1, 30}, {2, 15}, {9, 5}}) {
    labels.insert(labels.end(), static_cast<std::size_t>(count), label);
  }
  std::map<std::int64_t, int> got;
  const auto chosen = ChooseSamples(100, labels, 10, 3);
  for (const std::uint64_t index : *chosen) ++got[labels[index]];
  CHECK(got == std::map<std::int64_t, int>{{-4, 5}, {1, 3}, {2, 2}});
}

TEST_CASE("a choice has the count asked for, ascends, repeats nothing and keeps the shares") {
  Random random(23);
  for (int round = 0; round < 300; ++round) {
    const std::uint64_t total = 1 + random.Below(200);
    const std::uint64_t count = 1 + random.Below(total);
    Labels labels(total);
    std::map<std::int64_t, double> sizes;
    for (auto& label : labels) ++sizes[label = static_cast<std::int64_t>(random.Below(6))];
    const auto chosen = ChooseSamples(total, labels, count, random.Next());
    REQUIRE(chosen.ok());
    REQUIRE(chosen->size() == count);
    REQUIRE(std::is_sorted(chosen->begin(), chosen->end()));
    REQUIRE(std::set<std::uint64_t>(chosen->begin(), chosen->end()).size() == count);
    REQUIRE(chosen->back() < total);
    std::map<std::int64_t, double> got;
    for (const std::uint64_t index : *chosen) ++got[labels[index]];
    for (const auto& [label, size] : sizes) {
      REQUIRE(std::abs(got[label] - size * static_cast<double>(count) / static_cast<double>(total)) < 1.0);
    }
  }
}

TEST_CASE("without labels every sample is as likely as every other") {
  std::vector<int> hits(10);
  for (std::uint64_t seed = 0; seed < 5000; ++seed) {
    const auto chosen = ChooseSamples(10, std::nullopt, 3, seed);
    for (const std::uint64_t index : *chosen) ++hits[index];
  }
  for (const int count : hits) CHECK(std::abs(count - 1500) < 200);
}

TEST_CASE("a count that cannot be met is an error") {
  CHECK_THAT(ChooseSamples(4, std::nullopt, 5, 0).status().message(),
             Contains("5 samples") && Contains("hold 4"));
  CHECK(!ChooseSamples(4, std::nullopt, 0, 0).ok());
  CHECK(!ChooseSamples(0, std::nullopt, std::nullopt, 0).ok());
  CHECK(!ChooseSamples(kMaxSamples + 1, std::nullopt, 1, 0).ok());
  const Labels labels = {1, 2};
  CHECK(!ChooseSamples(4, labels, 1, 0).ok());
}

TEST_CASE("every beginning of a random order holds each label in its share") {
  Random random(31);
  for (int round = 0; round < 100; ++round) {
    Labels labels(1 + random.Below(300));
    std::map<std::int64_t, double> sizes;
    for (auto& label : labels) ++sizes[label = static_cast<std::int64_t>(random.Below(4))];
    std::sort(labels.begin(), labels.end());  // the file has one label after the other
    const auto order = OrderSamples(labels, random.Next());
    REQUIRE(std::set<std::uint64_t>(order.begin(), order.end()).size() == labels.size());
    REQUIRE(order.size() == labels.size());
    std::map<std::int64_t, double> got;
    for (std::size_t i = 0; i < order.size(); ++i) {
      ++got[labels.at(order[i])];
      for (const auto& [label, size] : sizes) {
        const double share = size / static_cast<double>(labels.size());
        REQUIRE(std::abs(got[label] - share * static_cast<double>(i + 1)) <= 1 + 4 * share);
      }
    }
  }
}

TEST_CASE("a random order is another one for another seed and mixes within a label") {
  const Labels labels(200, 5);
  const auto order = OrderSamples(labels, 1);
  CHECK(order == OrderSamples(labels, 1));
  CHECK(order != OrderSamples(labels, 2));
  CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
  CHECK(OrderSamples({}, 1).empty());
}

}  // namespace
}  // namespace paddock
