#include "prepare/subsample.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/random.h"

namespace paddock {
namespace {

// `count` of 0 .. total-1, uniformly: what the first steps of a Fisher-Yates shuffle move to the front, ascending. When few are
// chosen, only the places that the shuffle touched are kept.
std::vector<std::uint64_t> ChooseRanks(std::uint64_t total, std::uint64_t count, Random& random) {
  std::vector<std::uint64_t> chosen;
  if (count > total / 16) {
    chosen.resize(total);
    std::iota(chosen.begin(), chosen.end(), std::uint64_t{0});
    for (std::uint64_t i = 0; i < count; ++i) std::swap(chosen[i], chosen[i + random.Below(total - i)]);
    chosen.resize(count);
  } else {
    std::unordered_map<std::uint64_t, std::uint64_t>
        moved;  // place -> what lies there instead of the place's own number
    const auto at = [&](std::uint64_t place) {
      const auto found = moved.find(place);
      return found == moved.end() ? place : found->second;
    };
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t other = i + random.Below(total - i);
      chosen.push_back(at(other));
      moved[other] = at(i);
    }
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

struct Stratum {
  std::uint64_t size = 0;
  std::uint64_t quota = 0;
  std::vector<std::uint64_t> ranks;  // of those chosen, among the samples with this label
  std::uint64_t seen = 0;
  std::size_t taken = 0;
};
using Strata = std::map<std::int64_t, Stratum>;

Strata StrataOf(std::span<const std::int64_t> labels, std::uint64_t count) {
  Strata strata;
  for (const std::int64_t label : labels) ++strata[label].size;
  std::vector<std::pair<std::uint64_t, Stratum*>> remainders;  // of quota * total; in the order of labels
  std::uint64_t given = 0;
  for (auto& [label, stratum] : strata) {
    const std::uint64_t share = stratum.size * count;  // fits: both are below kMaxSamples
    stratum.quota = share / labels.size();
    given += stratum.quota;
    remainders.emplace_back(share % labels.size(), &stratum);
  }
  std::stable_sort(remainders.begin(), remainders.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t i = 0; given < count; ++i, ++given) ++remainders[i].second->quota;
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
  Random random(seed);
  if (wanted == total) {
    chosen.resize(total);
    std::iota(chosen.begin(), chosen.end(), std::uint64_t{0});
    return chosen;
  }
  if (!labels) return ChooseRanks(total, wanted, random);
  Strata strata = StrataOf(*labels, wanted);
  for (auto& [label, stratum] : strata) stratum.ranks = ChooseRanks(stratum.size, stratum.quota, random);
  chosen.reserve(wanted);
  for (std::uint64_t i = 0; i < total; ++i) {
    Stratum& stratum = strata.find((*labels)[i])->second;
    const std::uint64_t rank = stratum.seen++;
    if (stratum.taken == stratum.ranks.size() || stratum.ranks[stratum.taken] != rank) continue;
    ++stratum.taken;
    chosen.push_back(i);
  }
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
