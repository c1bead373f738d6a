#include "prepare/subsample.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include "base/random.h"

namespace paddock {
namespace {

// Moves `count` items chosen uniformly to the front (the first steps of Fisher-Yates) and keeps those.
void KeepRandom(std::vector<std::uint64_t>& items, std::uint64_t count, Random& random) {
  for (std::uint64_t i = 0; i < count; ++i) std::swap(items[i], items[i + random.Below(items.size() - i)]);
  items.resize(count);
}

struct Stratum {
  std::vector<std::uint64_t> indices;
  std::uint64_t quota = 0;
};

std::vector<Stratum> Strata(std::span<const std::int64_t> labels, std::uint64_t count) {
  std::map<std::int64_t, Stratum> by_label;
  for (std::uint64_t i = 0; i < labels.size(); ++i) by_label[labels[i]].indices.push_back(i);

  std::vector<Stratum> strata;
  std::vector<std::pair<std::uint64_t, std::size_t>> remainders;  // of quota * total, stratum
  std::uint64_t given = 0;
  for (auto& [label, stratum] : by_label) {
    const std::uint64_t share = stratum.indices.size() * count;  // fits: both are below kMaxSamples
    stratum.quota = share / labels.size();
    given += stratum.quota;
    remainders.emplace_back(share % labels.size(), strata.size());
    strata.push_back(std::move(stratum));
  }
  std::sort(remainders.begin(), remainders.end(), [](const auto& a, const auto& b) {
    return std::tuple(b.first, a.second) < std::tuple(a.first, b.second);
  });
  for (std::size_t i = 0; given < count; ++i, ++given) ++strata[remainders[i].second].quota;
  return strata;
}

}  // namespace

Result<std::vector<std::uint64_t>> ChooseSamples(std::uint64_t total,
                                                 std::optional<std::span<const std::int64_t>> labels,
                                                 std::optional<std::uint64_t> count, std::uint64_t seed) {
  if (total > kMaxSamples) {
    return InvalidArgumentError("the data hold " + std::to_string(total) + " samples and at most " +
                                std::to_string(kMaxSamples) + " are taken; split the file");
  }
  const std::uint64_t wanted = count.value_or(total);
  if (wanted == 0) return InvalidArgumentError("no samples are asked for; `samples` must be at least 1");
  if (wanted > total) {
    return InvalidArgumentError(std::to_string(wanted) + " samples are asked for and the data hold " +
                                std::to_string(total) + "; lower `samples` or leave it out to use all");
  }
  if (labels && labels->size() != total) {
    return InvalidArgumentError("there are " + std::to_string(labels->size()) + " labels for " +
                                std::to_string(total) + " samples");
  }
  std::vector<std::uint64_t> chosen;
  if (wanted == total || !labels) {
    chosen.resize(total);
    std::iota(chosen.begin(), chosen.end(), std::uint64_t{0});
  }
  if (wanted == total) return chosen;

  Random random(seed);
  if (!labels) {
    KeepRandom(chosen, wanted, random);
  } else {
    for (Stratum& stratum : Strata(*labels, wanted)) {
      KeepRandom(stratum.indices, stratum.quota, random);
      chosen.insert(chosen.end(), stratum.indices.begin(), stratum.indices.end());
    }
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

std::vector<std::uint64_t> OrderSamples(std::span<const std::int64_t> labels, std::uint64_t seed) {
  std::map<std::int64_t, std::vector<std::uint64_t>> by_label;
  for (std::uint64_t i = 0; i < labels.size(); ++i) by_label[labels[i]].push_back(i);
  Random random(seed);
  std::vector<std::pair<double, std::uint64_t>> places;  // in [0, 1), index
  places.reserve(labels.size());
  for (auto& [label, indices] : by_label) {
    Shuffle(indices, random);
    const double step = 1 / static_cast<double>(indices.size());
    for (std::size_t i = 0; i < indices.size(); ++i)
      places.emplace_back((static_cast<double>(i) + random.Uniform()) * step, indices[i]);
  }
  std::sort(places.begin(), places.end());
  std::vector<std::uint64_t> order;
  order.reserve(places.size());
  for (const auto& [place, index] : places) order.push_back(index);
  return order;
}

}  // namespace paddock
