#include "kpi/hypothesis_tests.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <vector>

#include "base/random.h"
#include "base/status.h"
#include "kpi/sample_statistics.h"

namespace paddock {
namespace {

constexpr double kShiftConfidence = 0.95;
constexpr std::size_t kMostExact = 50;
constexpr int kResamples = 2000;

double Count(std::span<const double> values) { return static_cast<double>(values.size()); }

// Probabilities of a rank statistic that is symmetric about its middle and takes 0, 1, 2 ...
struct RankDistribution {
  std::vector<double> probability;  // empty: normal
  double mean = 0;
  double deviation = 0;

  // P(X <= value), with continuity correction where it is normal.
  double Cumulative(double value) const {
    if (value < 0) return 0;
    if (probability.empty()) {
      return boost::math::cdf(boost::math::normal_distribution<double>(mean, deviation), value + 0.5);
    }
    double sum = 0;
    for (std::size_t i = 0; i < probability.size() && static_cast<double>(i) <= value; ++i)
      sum += probability[i];
    return std::min(sum, 1.0);
  }
  // By symmetry from the tail that `value` lies in.
  double TwoSided(double value) const {
    if (probability.empty() && deviation == 0) return 1;  // all values are equal
    return std::min(1.0, 2 * Cumulative(mean - std::abs(value - mean)));
  }
};

// Number of ways to reach each sum, made a distribution.
void Normalise(std::vector<double>& ways) {
  double total = 0;
  for (const double way : ways) total += way;
  for (double& way : ways) way /= total;
}

// Ways in which n values and m others can be mixed such that a value exceeds another one u times, by whether the largest of
// all is one of the n (which exceeds all m) or of the m.
std::vector<double> MannWhitneyProbabilities(std::size_t n, std::size_t m) {
  std::vector<std::vector<double>> ways(m + 1, std::vector<double>(n * m + 1));
  for (auto& row : ways) row[0] = 1;
  for (std::size_t i = 1; i <= n; ++i) {
    for (std::size_t j = 1; j <= m; ++j) {
      for (std::size_t u = i * j + 1; u-- > 0;) {
        ways[j][u] = (u >= j ? ways[j][u - j] : 0) + ways[j - 1][u];
      }
    }
  }
  Normalise(ways[m]);
  return ways[m];
}

// Ways to pick some of the ranks 1 .. n with each sum.
std::vector<double> SignedRankProbabilities(std::size_t n) {
  std::vector<double> ways(n * (n + 1) / 2 + 1);
  ways[0] = 1;
  for (std::size_t rank = 1; rank <= n; ++rank) {
    for (std::size_t sum = ways.size(); sum-- > rank;) ways[sum] += ways[sum - rank];
  }
  Normalise(ways);
  return ways;
}

RankDistribution MannWhitneyDistribution(std::size_t n, std::size_t m, double tie_term, bool exact) {
  const auto a = static_cast<double>(n);
  const auto b = static_cast<double>(m);
  const double all = a + b;
  RankDistribution distribution;
  distribution.mean = a * b / 2;
  if (exact) {
    distribution.probability = MannWhitneyProbabilities(n, m);
  } else {
    distribution.deviation = std::sqrt(std::max(0.0, a * b / 12 * (all + 1 - tie_term / (all * (all - 1)))));
  }
  return distribution;
}

RankDistribution SignedRankDistribution(std::size_t count, double tie_term, bool exact) {
  const auto n = static_cast<double>(count);
  RankDistribution distribution;
  distribution.mean = n * (n + 1) / 4;
  if (exact) {
    distribution.probability = SignedRankProbabilities(count);
  } else {
    distribution.deviation = std::sqrt(std::max(0.0, n * (n + 1) * (2 * n + 1) / 24 - tie_term / 48));
  }
  return distribution;
}

struct Ranks {
  std::vector<double> of_value;  // 1-based, mid-ranks for ties
  double tie_term = 0;           // sum of t^3 - t over groups of t equal values
};

Ranks RankValues(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  Ranks ranks{std::vector<double>(values.size()), 0};
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin + 1;
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    const auto tied = static_cast<double>(end - begin);
    ranks.tie_term += tied * tied * tied - tied;
    for (std::size_t i = begin; i < end; ++i) {
      ranks.of_value[order[i]] = (static_cast<double>(begin) + 1 + static_cast<double>(end)) / 2;
    }
    begin = end;
  }
  return ranks;
}

// The median of all differences and the bounds at the rank k from either end: the largest k whose tails P(X <= k - 1) are at
// most 2.5 % each, or 1.
ShiftEstimate FromDifferences(std::vector<double> differences, const RankDistribution& distribution) {
  std::sort(differences.begin(), differences.end());
  std::size_t rank = 1;
  std::size_t too_high = differences.size() / 2 + 1;
  while (too_high - rank > 1) {
    const std::size_t middle = rank + (too_high - rank) / 2;
    const double tail = distribution.Cumulative(static_cast<double>(middle) - 1);
    (tail <= (1 - kShiftConfidence) / 2 ? rank : too_high) = middle;
  }
  ShiftEstimate estimate;
  estimate.interval.lower = differences[rank - 1];
  estimate.interval.upper = differences[differences.size() - rank];
  estimate.interval.confidence =
      std::max(0.0, 1 - 2 * distribution.Cumulative(static_cast<double>(rank) - 1));
  estimate.shift = Median(std::move(differences));
  return estimate;
}

}  // namespace

RankTest MannWhitneyTest(std::span<const double> before, std::span<const double> after) {
  PADDOCK_CHECK(!before.empty() && !after.empty(), "a test compares values");
  std::vector<double> values(before.begin(), before.end());
  values.insert(values.end(), after.begin(), after.end());
  const Ranks ranks = RankValues(values);
  RankTest test;
  for (std::size_t i = before.size(); i < values.size(); ++i) test.statistic += ranks.of_value[i];
  test.statistic -= Count(after) * (Count(after) + 1) / 2;
  test.exact = ranks.tie_term == 0 && before.size() <= kMostExact && after.size() <= kMostExact;
  test.p_value = MannWhitneyDistribution(before.size(), after.size(), ranks.tie_term, test.exact)
                     .TwoSided(test.statistic);
  return test;
}

RankTest SignedRankTest(std::span<const double> differences) {
  std::vector<double> sizes;
  std::vector<bool> positive;
  for (const double difference : differences) {
    if (difference == 0) continue;
    sizes.push_back(std::abs(difference));
    positive.push_back(difference > 0);
  }
  RankTest test;
  if (sizes.empty()) return test;
  const Ranks ranks = RankValues(sizes);
  for (std::size_t i = 0; i < sizes.size(); ++i) test.statistic += positive[i] ? ranks.of_value[i] : 0;
  test.exact = ranks.tie_term == 0 && sizes.size() == differences.size() && sizes.size() <= kMostExact;
  test.p_value = SignedRankDistribution(sizes.size(), ranks.tie_term, test.exact).TwoSided(test.statistic);
  return test;
}

ShiftEstimate HodgesLehmannShift(std::span<const double> before, std::span<const double> after) {
  PADDOCK_CHECK(!before.empty() && !after.empty(), "a shift is between values");
  std::vector<double> differences;
  differences.reserve(before.size() * after.size());
  for (const double old_value : before) {
    for (const double new_value : after) differences.push_back(new_value - old_value);
  }
  const bool exact = before.size() <= kMostExact && after.size() <= kMostExact;
  return FromDifferences(std::move(differences),
                         MannWhitneyDistribution(before.size(), after.size(), 0, exact));
}

ShiftEstimate HodgesLehmannPaired(std::span<const double> differences) {
  PADDOCK_CHECK(!differences.empty(), "a shift is between values");
  std::vector<double> averages;
  averages.reserve(differences.size() * (differences.size() + 1) / 2);
  for (std::size_t i = 0; i < differences.size(); ++i) {
    for (std::size_t j = i; j < differences.size(); ++j) {
      averages.push_back(differences[i] + (differences[j] - differences[i]) / 2);
    }
  }
  return FromDifferences(std::move(averages),
                         SignedRankDistribution(differences.size(), 0, differences.size() <= kMostExact));
}

double McNemarPValue(std::uint64_t first_only, std::uint64_t second_only) {
  if (first_only == second_only) return 1;
  const boost::math::binomial_distribution<double> fair(static_cast<double>(first_only + second_only), 0.5);
  return std::min(1.0, 2 * boost::math::cdf(fair, static_cast<double>(std::min(first_only, second_only))));
}

Interval ClopperPearsonInterval(std::uint64_t successes, std::uint64_t n, double confidence) {
  PADDOCK_CHECK(n > 0 && successes <= n && confidence > 0 && confidence < 1,
                "a share is of at least one, at a confidence between 0 and 1");
  using Binomial = boost::math::binomial_distribution<double>;
  const auto count = static_cast<double>(n);
  const auto held = static_cast<double>(successes);
  const double half_alpha = (1 - confidence) / 2;
  return {successes == 0 ? 0 : Binomial::find_lower_bound_on_p(count, held, half_alpha),
          successes == n ? 1 : Binomial::find_upper_bound_on_p(count, held, half_alpha), confidence};
}

std::optional<Interval> BootstrapInterval(
    std::size_t runs, const std::function<double(std::span<const std::size_t>)>& statistic,
    std::uint64_t seed) {
  if (runs < 2) return std::nullopt;
  Random random(seed);
  std::vector<std::size_t> picked(runs);
  std::vector<double> figures;
  figures.reserve(kResamples);
  for (int i = 0; i < kResamples; ++i) {
    for (std::size_t& run : picked) run = random.Below(runs);
    figures.push_back(statistic(picked));
  }
  std::sort(figures.begin(), figures.end());
  const double half_alpha = (1 - kShiftConfidence) / 2;
  return Interval{Type7Quantile(figures, half_alpha), Type7Quantile(figures, 1 - half_alpha),
                  kShiftConfidence};
}

}  // namespace paddock
