#include "kpi/hypothesis_tests.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "base/random.h"

#include <catch2/catch.hpp>

namespace paddock {
namespace {

using Values = std::vector<double>;

Values Normals(Random& random, int count, double mean) {
  Values values;
  for (int i = 0; i < count; ++i) values.push_back(mean + random.Normal());
  return values;
}

TEST_CASE("Mann-Whitney of separate samples has the smallest p-value there is", "[kpi][tests]") {
  // 2 / C(2n, n).
  const auto separate = [](int n) {
    Values low;
    Values high;
    for (int i = 0; i < n; ++i) {
      low.push_back(i);
      high.push_back(100 + i);
    }
    const RankTest test = MannWhitneyTest(low, high);
    CHECK(test.exact);
    CHECK(test.statistic == n * n);
    CHECK(MannWhitneyTest(high, low).statistic == 0);
    CHECK(MannWhitneyTest(high, low).p_value == Approx(test.p_value).epsilon(1e-12));
    return test.p_value;
  };
  CHECK(separate(4) == Approx(2.0 / 70));
  CHECK(separate(5) == Approx(2.0 / 252));
  CHECK(separate(10) == Approx(2.0 / 184756));
  CHECK(separate(1) == 1);
}

TEST_CASE("Mann-Whitney has R's p-values, without and with ties", "[kpi][tests]") {
  // Hollander and Wolfe (1973), p. 69, in R's help of wilcox.test: W = 35, one-sided p = 0.1272.
  const Values before = {1.15, 0.88, 0.90, 0.74, 1.21};
  const Values after = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
  const RankTest exact = MannWhitneyTest(before, after);
  CHECK(exact.exact);
  CHECK(exact.statistic == 35);
  CHECK(exact.p_value == Approx(0.2544).margin(1e-4));
  // wilcox.test(Ozone ~ Month, airquality, subset = Month %in% c(5, 8)): W = 127.5, p = 0.0001208.
  const Values may = {41, 36, 12, 18, 28, 23, 19, 8, 7,  16, 11, 14,  18,
                      14, 34, 6,  30, 11, 1,  11, 4, 32, 23, 45, 115, 37};
  const Values august = {39, 9,  16, 78, 35, 66, 122, 89,  110, 44, 28,  65, 22,
                         59, 23, 31, 44, 21, 9,  45,  168, 73,  76, 118, 84, 85};
  const RankTest tied = MannWhitneyTest(august, may);
  CHECK_FALSE(tied.exact);
  CHECK(tied.statistic == 127.5);
  CHECK(tied.p_value == Approx(0.0001208).margin(5e-8));
}

TEST_CASE("equal values are no difference", "[kpi][tests]") {
  const Values same = {5, 5, 5};
  CHECK(MannWhitneyTest(same, same).p_value == 1);
  CHECK(SignedRankTest(Values{0, 0}).p_value == 1);
  CHECK(SignedRankTest({}).p_value == 1);
  CHECK(HodgesLehmannShift(same, same).shift == 0);
}

TEST_CASE("the exact Mann-Whitney p-value is the share of arrangements as extreme", "[kpi][tests]") {
  // Every choice of 3 among the ranks 1 .. 7, by counting bits.
  Values distances;
  for (unsigned mask = 0; mask < 128; ++mask) {
    if (std::popcount(mask) != 3) continue;
    double u = -6;
    for (int rank = 1; rank <= 7; ++rank) u += (mask >> (rank - 1) & 1) != 0 ? rank : 0;
    distances.push_back(std::abs(u - 6));
  }
  REQUIRE(distances.size() == 35);
  for (unsigned mask = 0; mask < 128; ++mask) {
    if (std::popcount(mask) != 3) continue;
    Values before;
    Values after;
    for (int rank = 1; rank <= 7; ++rank) ((mask >> (rank - 1) & 1) != 0 ? after : before).push_back(rank);
    const RankTest test = MannWhitneyTest(before, after);
    const auto extreme = std::count_if(distances.begin(), distances.end(),
                                       [&](double d) { return d >= std::abs(test.statistic - 6); });
    CHECK(test.p_value == Approx(static_cast<double>(extreme) / 35));
  }
}

TEST_CASE("the normal approximation continues the exact distribution", "[kpi][tests]") {
  Random random(3);
  for (int i = 0; i < 10; ++i) {
    const Values before = Normals(random, 50, 0);
    const Values after = Normals(random, 50, 0.3);
    Values one_more = after;
    one_more.push_back(*std::max_element(before.begin(), before.end()) + 10);
    one_more.push_back(*std::min_element(before.begin(), before.end()) - 10);
    const RankTest exact = MannWhitneyTest(before, after);
    const RankTest normal = MannWhitneyTest(before, one_more);
    CHECK(exact.exact);
    CHECK_FALSE(normal.exact);
    CHECK(normal.p_value == Approx(exact.p_value).margin(0.03));
  }
}

TEST_CASE("Mann-Whitney holds its level under no difference", "[kpi][tests]") {
  Random random(5);
  int rejected = 0;
  for (int i = 0; i < 2000; ++i) {
    rejected += MannWhitneyTest(Normals(random, 8, 0), Normals(random, 8, 0)).p_value <= 0.05;
  }
  CHECK(rejected <= 120);
  CHECK(rejected >= 50);
}

// Hollander and Wolfe (1973), p. 29, in R's help of wilcox.test: a depression scale before and after.
const Values kDepressionDifferences = {1.83 - 0.878, 0.50 - 0.647, 1.62 - 0.598, 2.48 - 2.05, 1.68 - 1.06,
                                       1.88 - 1.29,  1.55 - 1.06,  3.06 - 3.14,  1.30 - 1.29};

TEST_CASE("the signed rank test has R's exact p-value", "[kpi][tests]") {
  // V = 40, one-sided p = 0.01953.
  const RankTest test = SignedRankTest(kDepressionDifferences);
  CHECK(test.exact);
  CHECK(test.statistic == 40);
  CHECK(test.p_value == Approx(20.0 / 512));
}

TEST_CASE("the exact signed rank p-value is the share of signs as extreme", "[kpi][tests]") {
  constexpr unsigned kAll = 1U << 6;
  const auto sum_of = [](unsigned mask) {
    double sum = 0;
    for (int rank = 1; rank <= 6; ++rank) sum += (mask >> (rank - 1) & 1) != 0 ? rank : 0;
    return sum;
  };
  for (unsigned mask = 0; mask < kAll; ++mask) {
    Values differences;
    for (int rank = 1; rank <= 6; ++rank) differences.push_back((mask >> (rank - 1) & 1) != 0 ? rank : -rank);
    int extreme = 0;
    for (unsigned other = 0; other < kAll; ++other) {
      extreme += std::abs(sum_of(other) - 10.5) >= std::abs(sum_of(mask) - 10.5);
    }
    CHECK(SignedRankTest(differences).p_value == Approx(extreme / 64.0));
  }
}

TEST_CASE("the Hodges-Lehmann shift and its interval are order statistics of the differences",
          "[kpi][tests]") {
  // Differences of {1, 2, 3, 4} from {11, 13, 17, 23}: 7 8 9 9 10 10 11 12 13 14 15 16 19 20 21 22. Of the 70 arrangements one
  // has U = 0: the range covers 1 - 2 / 70, and ranks 2 and 15 would cover 1 - 4 / 70 < 95 %.
  const ShiftEstimate four = HodgesLehmannShift(Values{1, 2, 3, 4}, Values{11, 13, 17, 23});
  CHECK(four.shift == 12.5);
  CHECK(four.interval.lower == 7);
  CHECK(four.interval.upper == 22);
  CHECK(four.interval.confidence == Approx(1 - 2.0 / 70));
  // Five against five: P(U <= 2) = 4 / 252 but P(U <= 3) = 7 / 252 > 2.5 %, so ranks 3 and 23 of 25.
  const ShiftEstimate five = HodgesLehmannShift(Values{0, 0, 0, 0, 0}, Values{1, 2, 3, 4, 5});
  CHECK(five.shift == 3);
  CHECK(five.interval.confidence == Approx(1 - 8.0 / 252));
  // Too few for 95 %: the range, with its coverage.
  const ShiftEstimate two = HodgesLehmannShift(Values{1, 2}, Values{5, 9});
  CHECK(two.interval.lower == 3);
  CHECK(two.interval.upper == 8);
  CHECK(two.interval.confidence == Approx(1 - 2.0 / 6));
  CHECK(HodgesLehmannShift(Values{1}, Values{4}).interval.confidence == 0);
}

TEST_CASE("the paired shift is the median of the Walsh averages", "[kpi][tests]") {
  // Averages of 1, 2, 6: 1 1.5 2 3.5 4 6; the range of three covers 1 - 2 / 8.
  const ShiftEstimate three = HodgesLehmannPaired(Values{1, 6, 2});
  CHECK(three.shift == 2.75);
  CHECK(three.interval.lower == 1);
  CHECK(three.interval.upper == 6);
  CHECK(three.interval.confidence == Approx(0.75));
  // Hollander and Wolfe: the estimate is 0.46. Of 512 signs P(V <= 5) = 10 / 512 < 2.5 % < P(V <= 6) = 14 / 512.
  const ShiftEstimate nine = HodgesLehmannPaired(kDepressionDifferences);
  CHECK(nine.shift == Approx(0.46));
  CHECK(nine.interval.confidence == Approx(1 - 20.0 / 512));
  CHECK(nine.interval.lower > 0);  // as the test at 3.9 % says
  CHECK(HodgesLehmannPaired(Values{4}).interval.lower == 4);
}

TEST_CASE("shifts move with the values and their intervals cover them", "[kpi][tests]") {
  Random random(9);
  int covered = 0;
  int paired_covered = 0;
  for (int i = 0; i < 500; ++i) {
    const Values before = Normals(random, 10, 100);
    const Values after = Normals(random, 7, 103);
    const ShiftEstimate forth = HodgesLehmannShift(before, after);
    const ShiftEstimate back = HodgesLehmannShift(after, before);
    CHECK(forth.shift == Approx(-back.shift));
    CHECK(forth.interval.lower == Approx(-back.interval.upper));
    CHECK(forth.interval.lower <= forth.shift);
    CHECK(forth.interval.upper >= forth.shift);
    covered += forth.interval.lower <= 3 && forth.interval.upper >= 3;
    const ShiftEstimate paired = HodgesLehmannPaired(Normals(random, 12, 3));
    paired_covered += paired.interval.lower <= 3 && paired.interval.upper >= 3;
  }
  CHECK(covered >= 460);
  CHECK(paired_covered >= 460);
}

TEST_CASE("an interval without 0 and a test below 5 % say the same", "[kpi][tests]") {
  Random random(15);
  for (int i = 0; i < 200; ++i) {
    const Values before = Normals(random, 9, 0);
    const Values after = Normals(random, 9, 0.7);
    const ShiftEstimate shift = HodgesLehmannShift(before, after);
    const bool excludes = shift.interval.lower > 0 || shift.interval.upper < 0;
    CHECK(excludes == (MannWhitneyTest(before, after).p_value <= 1 - shift.interval.confidence + 1e-9));
  }
}

TEST_CASE("McNemar's exact p-value is a fair coin's", "[kpi][tests]") {
  CHECK(McNemarPValue(0, 0) == 1);
  CHECK(McNemarPValue(5, 5) == 1);
  CHECK(McNemarPValue(1, 9) == Approx(22.0 / 1024));
  CHECK(McNemarPValue(9, 1) == Approx(22.0 / 1024));
  CHECK(McNemarPValue(0, 5) == Approx(2.0 / 32));
  CHECK(McNemarPValue(4, 5) == 1);
  CHECK(McNemarPValue(0, 1000) < 1e-200);
}

TEST_CASE("Clopper and Pearson's interval has R's bounds", "[kpi][tests]") {
  // binom.test(682, 682 + 243): 0.7076683 0.7654066.
  const Interval mendel = ClopperPearsonInterval(682, 925);
  CHECK(mendel.lower == Approx(0.7076683).margin(5e-8));
  CHECK(mendel.upper == Approx(0.7654066).margin(5e-8));
  const Interval none = ClopperPearsonInterval(0, 20);
  CHECK(none.lower == 0);
  CHECK(none.upper == Approx(1 - std::pow(0.025, 1.0 / 20)));
  const Interval all = ClopperPearsonInterval(20, 20);
  CHECK(all.lower == Approx(std::pow(0.025, 1.0 / 20)));
  CHECK(all.upper == 1);
  CHECK(ClopperPearsonInterval(0, 20, 0.99).upper == Approx(1 - std::pow(0.005, 1.0 / 20)));
}

TEST_CASE("the bootstrap resamples runs, the same for the same seed", "[kpi][tests]") {
  Random random(21);
  const Values runs = Normals(random, 100, 50);
  const auto mean = [&](std::span<const std::size_t> picked) {
    double sum = 0;
    for (const std::size_t run : picked) sum += runs[run];
    return sum / static_cast<double>(picked.size());
  };
  const Interval interval = BootstrapInterval(runs.size(), mean, 42).value();
  // About the mean -+ 1.96 standard errors of 0.1.
  const double centre = Mean(runs);
  CHECK(interval.lower == Approx(centre - 0.196).margin(0.04));
  CHECK(interval.upper == Approx(centre + 0.196).margin(0.04));
  const Interval again = BootstrapInterval(runs.size(), mean, 42).value();
  CHECK(again.lower == interval.lower);
  CHECK(again.upper == interval.upper);
  CHECK(BootstrapInterval(runs.size(), mean, 43).value().lower != interval.lower);
  CHECK_FALSE(BootstrapInterval(1, mean, 42).has_value());
}

}  // namespace
}  // namespace paddock
