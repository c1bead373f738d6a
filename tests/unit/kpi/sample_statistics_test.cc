#include "kpi/sample_statistics.h"

#include <cmath>

#include "base/random.h"
#include "kpi/statistics.h"
#include "series.h"

#include <catch2/catch.hpp>

namespace paddock {
namespace {

TEST_CASE("ranks of quantile intervals are those of the binomial table", "[kpi][samples]") {
  struct Row {
    std::uint64_t n;
    double p;
    std::uint64_t lower;
    std::uint64_t upper;
  };
  // R's asht::quantileTest at 95 %; n + 1 is an unbounded interval.
  for (const Row& row :
       {Row{30, 0.5, 10, 21}, Row{30, 0.9, 23, 31}, Row{100, 0.5, 40, 61}, Row{100, 0.9, 84, 96},
        Row{100, 0.99, 97, 101}, Row{500, 0.9, 436, 464}, Row{500, 0.99, 490, 500}, Row{1000, 0.9, 881, 919},
        Row{1000, 0.99, 983, 997}, Row{1000, 0.999, 997, 1001}, Row{5000, 0.99, 4936, 4964},
        Row{5000, 0.999, 4990, 5000}, Row{10000, 0.9, 8941, 9059}, Row{10000, 0.99, 9880, 9920},
        Row{10000, 0.999, 9983, 9997}, Row{50000, 0.9, 44868, 45132}, Row{50000, 0.99, 49456, 49544},
        Row{50000, 0.999, 49936, 49964}}) {
    const QuantileRanks ranks = OrderStatisticRanks(row.n, row.p, 0.95);
    CAPTURE(row.n, row.p);
    CHECK(ranks.lower == row.lower);
    CHECK(ranks.upper == row.upper);
  }
  const QuantileRanks few = OrderStatisticRanks(5, 0.5, 0.95);
  CHECK(few.lower == 0);
  CHECK(few.upper == 6);
}

TEST_CASE("ranks at 80 % and type 7 quantiles are those of asv's vectors from R", "[kpi][samples]") {
  const std::vector<double> x = {-2.47946614, -1.49595963, -1.02812482, -0.76592323, -0.09452743, 0.10732743,
                                 0.27798342,  0.50173779,  0.57829823,  0.60474948,  0.94695675,  1.20159789};
  const auto check = [&](double p, double lower, double upper, double quantile) {
    const QuantileRanks ranks = OrderStatisticRanks(x.size(), p, 0.8);
    CHECK(x[ranks.lower - 1] == lower);
    CHECK(x[ranks.upper - 1] == upper);
    CHECK(Type7Quantile(x, p) == Approx(quantile).margin(5e-8));
  };
  check(0.2, -2.47946614, -0.09452743, -0.9756845);
  check(0.5, -0.76592323, 0.57829823, 0.1926554);
  check(0.8, 0.50173779, 1.20159789, 0.5994592);
}

TEST_CASE("bounds of a quantile tell what they cover and stay absent where the sample is too small",
          "[kpi][samples]") {
  const Series sorted = Counting(1000);
  const QuantileBounds median = OrderStatisticBounds(sorted, 0.5, 0.95, 1000);
  CHECK(median.lower == 469U);
  CHECK(median.upper == 532U);
  CHECK(median.confidence >= 0.95);
  CHECK(median.confidence < 0.96);
  const QuantileBounds tail = OrderStatisticBounds(sorted, 0.999, 0.95, 1000);
  CHECK(tail.lower == 997U);
  CHECK_FALSE(tail.upper.has_value());
}

TEST_CASE("correlated samples have the ranks of fewer ones, scaled outwards", "[kpi][samples]") {
  const Series sorted = Counting(1000);
  // n = 30 has [10, 21]: 10 * 1000 / 30 down and 21 * 1000 / 30 up.
  const QuantileBounds bounds = OrderStatisticBounds(sorted, 0.5, 0.95, 30.9);
  CHECK(bounds.lower == 333U);
  CHECK(bounds.upper == 700U);
  for (const double p : {0.5, 0.9, 0.99, 0.999}) {
    for (const double effective : {1.0, 2.0, 3.0, 17.0, 100.0, 999.0, 1000.0}) {
      const QuantileBounds any = OrderStatisticBounds(sorted, p, 0.95, effective);
      const std::uint64_t estimate = PercentileOfSorted(sorted, p);
      CHECK(any.lower.value_or(0) <= estimate);
      CHECK(any.upper.value_or(2000) >= estimate);
      CHECK(any.confidence >= 0.95 - 1e-12);
    }
  }
}

TEST_CASE("ranks hold for ten million samples", "[kpi][samples]") {
  // Normal approximation: 5e6 -+ 1.959964 * sqrt(1e7) / 2.
  const QuantileRanks ranks = OrderStatisticRanks(10'000'000, 0.5, 0.95);
  CHECK(std::abs(static_cast<double>(ranks.lower) - (5e6 - 3099)) <= 2);
  CHECK(std::abs(static_cast<double>(ranks.upper) - (5e6 + 3099)) <= 2);
}

TEST_CASE("early stopping takes the queries of LoadGen's table", "[kpi][samples]") {
  struct Row {
    double p;
    std::vector<std::uint64_t> totals;
  };
  const std::vector<std::uint64_t> overs = {0, 1, 2, 3, 5, 10, 100, 1000};
  // mlcommons/inference loadgen/early_stopping.cc: h + t at 99 %.
  for (const Row& row :
       {Row{0.5, {7, 11, 14, 17, 22, 35, 237, 2108}}, Row{0.9, {44, 64, 81, 97, 127, 197, 1246, 10722}},
        Row{0.95, {90, 130, 165, 198, 259, 398, 2504, 21483}},
        Row{0.97, {152, 219, 277, 332, 433, 667, 4182, 35831}},
        Row{0.99, {459, 662, 838, 1001, 1307, 2010, 12571, 107569}},
        Row{0.999, {4603, 6636, 8403, 10042, 13105, 20140, 125826, 1076032}}}) {
    for (std::size_t i = 0; i < overs.size(); ++i) {
      CAPTURE(row.p, overs[i]);
      CHECK(EarlyStoppingUnder(row.p, overs[i]) + overs[i] == row.totals[i]);
      // The count for n queries turns exactly there.
      if (overs[i] == 0) continue;
      CHECK(EarlyStoppingOver(row.totals[i], row.p) == overs[i]);
      CHECK(EarlyStoppingOver(row.totals[i] - 1, row.p).value_or(0) == overs[i] - 1);
    }
    if (row.p > 0.5) CHECK(MinSamplesForPercentile(row.p) == row.totals[1]);
  }
}

TEST_CASE("the early-stopping estimate is the value with t queries over it", "[kpi][samples]") {
  CHECK(EarlyStoppingOver(1024, 0.9) == 80U);
  CHECK(EarlyStoppingOver(1000, 0.99) == 2U);
  CHECK(EarlyStoppingOver(24576, 0.99) == 209U);
  CHECK(EarlyStoppingPercentile(Counting(1024), 0.9) == 945U);
  CHECK(EarlyStoppingPercentile(Counting(64), 0.9) == 64U);
  CHECK_FALSE(EarlyStoppingPercentile(Counting(63), 0.9).has_value());
  CHECK_FALSE(EarlyStoppingPercentile({}, 0.9).has_value());
  for (const std::uint64_t n : {662U, 1000U, 5000U}) {
    CHECK(EarlyStoppingPercentile(Counting(n), 0.99).value() >= PercentileOfSorted(Counting(n), 0.99));
  }
}

TEST_CASE("a tail is claimed only with as many queries as early stopping needs", "[kpi][samples]") {
  for (const double p : {0.6, 0.75, 0.9, 0.95, 0.97, 0.99, 0.995, 0.999}) {
    CHECK(MinSamplesForPercentile(p) == EarlyStoppingUnder(p, 1) + 1);
  }
}

TEST_CASE("outliers are counted by Tukey's fences and by the modified z", "[kpi][samples]") {
  // Type 7 quartiles of 1 .. 9 with 15 and 40 are 3.5 and 8.5: fences at -4 and 16, -11.5 and 23.5.
  Series values = Counting(9);
  values.push_back(16);
  values.push_back(17);
  values[10] = 40;
  OutlierCounts counts = CountOutliers(values);
  CHECK(counts.severe == 1);
  CHECK(counts.mild == 0);
  values[9] = 17;
  counts = CountOutliers(values);
  CHECK(counts.mild == 1);
  CHECK(counts.severe == 1);
  // hyperfine's vectors, outlier_detection.rs, in integers: median 11, MAD 2; and ten times 7 with one 100.
  CHECK(CountOutliers(Series{8, 10, 12, 50}).modified_z == 1);
  Series seven(10, 7);
  seven.push_back(100);
  CHECK(CountOutliers(seven).modified_z == 1);
  // Half of the readings at one step of the clock: the next step is no outlier.
  seven.back() = 8;
  CHECK(CountOutliers(seven).modified_z == 0);
  CHECK(CountOutliers({}).severe == 0);
}

TEST_CASE("the median absolute deviation is of the deviations", "[kpi][samples]") {
  // Boost.Math 1.74 to 1.81 answers 4 and 12.
  CHECK(MedianAbsoluteDeviation({1, 2, 3, 4, 100}) == 1);
  CHECK(MedianAbsoluteDeviation({14, 11, 13, 12}) == 1);
  CHECK(MedianAbsoluteDeviation({3}) == 0);
}

TEST_CASE("two clock frequencies are two modes, noise and a coarse clock are one", "[kpi][samples]") {
  Random random(37);
  struct Row {
    const char* what;
    double (*draw)(Random&);
    int least;
    int most;
  };
  const Row rows[] = {
      {"lognormal, 2 %", [](Random& r) { return 1e6 * std::exp(0.02 * r.Normal()); }, 0, 0},
      {"lognormal, 30 %", [](Random& r) { return 1e6 * std::exp(0.3 * r.Normal()); }, 0, 0},
      {"lognormal, 100 %", [](Random& r) { return 1e6 * std::exp(r.Normal()); }, 0, 0},
      {"uniform", [](Random& r) { return 1e6 * (1 + 0.1 * r.Uniform()); }, 0, 6},
      {"two steps of a clock", [](Random& r) { return 30.0 + (r.Uniform() < 0.5 ? 1 : 0); }, 0, 0},
      {"1 % of spikes",
       [](Random& r) { return 1e6 * (1 + 0.01 * r.Normal()) * (r.Uniform() < 0.01 ? 3 : 1); }, 0, 0},
      {"20 % at 5 % more",
       [](Random& r) { return 1e6 * (1 + 0.01 * r.Normal()) * (r.Uniform() < 0.2 ? 1.05 : 1); }, 290, 300},
      {"half at 10 % more, with spikes",
       [](Random& r) {
         return 1e6 * (1 + 0.01 * r.Normal()) * (r.Uniform() < 0.5 ? 1.1 : 1) * (r.Uniform() < 0.01 ? 3 : 1);
       },
       270, 300},
  };
  for (const Row& row : rows) {
    int seen = 0;
    for (int i = 0; i < 300; ++i) {
      Series series;
      for (int j = 0; j < 200; ++j) series.push_back(static_cast<std::uint64_t>(row.draw(random)));
      seen += Bimodal(Sorted(series));
    }
    CAPTURE(row.what);
    CHECK(seen >= row.least);
    CHECK(seen <= row.most);
  }
  CHECK_FALSE(Bimodal({}));
  CHECK_FALSE(Bimodal(Series(1000, 5)));
  CHECK_FALSE(Bimodal(Series(1000, 0)));
}

// NIST StRD, univariate summary statistics, Lottery (public domain).
const Series kLottery = {
    162, 671, 933, 414, 788, 730, 817, 33,  536, 875, 670, 236, 473, 167, 877, 980, 316, 950, 456, 92,
    517, 557, 956, 954, 104, 178, 794, 278, 147, 773, 437, 435, 502, 610, 582, 780, 689, 562, 964, 791,
    28,  97,  848, 281, 858, 538, 660, 972, 671, 613, 867, 448, 738, 966, 139, 636, 847, 659, 754, 243,
    122, 455, 195, 968, 793, 59,  730, 361, 574, 522, 97,  762, 431, 158, 429, 414, 22,  629, 788, 999,
    187, 215, 810, 782, 47,  34,  108, 986, 25,  644, 829, 630, 315, 567, 919, 331, 207, 412, 242, 607,
    668, 944, 749, 168, 864, 442, 533, 805, 372, 63,  458, 777, 416, 340, 436, 140, 919, 350, 510, 572,
    905, 900, 85,  389, 473, 758, 444, 169, 625, 692, 140, 897, 672, 288, 312, 860, 724, 226, 884, 508,
    976, 741, 476, 417, 831, 15,  318, 432, 241, 114, 799, 955, 833, 358, 935, 146, 630, 830, 440, 642,
    356, 373, 271, 715, 367, 393, 190, 669, 8,   861, 108, 795, 269, 590, 326, 866, 64,  523, 862, 840,
    219, 382, 998, 4,   628, 305, 747, 247, 34,  747, 729, 645, 856, 974, 24,  568, 24,  694, 608, 480,
    410, 729, 947, 293, 53,  930, 223, 203, 677, 227, 62,  455, 387, 318, 562, 242, 428, 968};

TEST_CASE("NIST's certified values of the lottery numbers hold", "[kpi][samples]") {
  REQUIRE(kLottery.size() == 218);
  const std::vector<double> values(kLottery.begin(), kLottery.end());
  CHECK(Mean(values) == Approx(518.958715596330).epsilon(1e-13));
  CHECK(SampleStandardDeviation(values).value() == Approx(291.699727470969).epsilon(1e-13));
  CHECK(LagOneAutocorrelation(kLottery).value() == Approx(-0.120948622967393).epsilon(1e-12));
}

TEST_CASE("the first autocorrelation holds NIST's alternating set with a large mean", "[kpi][samples]") {
  // NumAcc in tenths: c, then 1000 values alternating c - 1 and c + 1; the certified correlation is -0.999.
  for (const std::uint64_t c : {12ULL, 10'000'002ULL, 1'000'000'000'002ULL}) {
    Series series = {c};
    for (int i = 0; i < 500; ++i) {
      series.push_back(c - 1);
      series.push_back(c + 1);
    }
    CHECK(LagOneAutocorrelation(series).value() == Approx(-0.999).epsilon(1e-9));
  }
  CHECK_FALSE(LagOneAutocorrelation(Series{4, 4, 4}).has_value());
  CHECK_FALSE(LagOneAutocorrelation(Series{4}).has_value());
}

TEST_CASE("Ljung and Box find correlation and are uniform without", "[kpi][samples]") {
  Random random(41);
  int rejected = 0;
  for (int i = 0; i < 400; ++i) rejected += LjungBoxPValue(Autoregressive(random, 500, 0)).value() < 0.05;
  CHECK(rejected >= 5);
  CHECK(rejected <= 40);
  CHECK(LjungBoxPValue(Autoregressive(random, 500, 0.5)).value() < 1e-6);
  CHECK_FALSE(LjungBoxPValue(Series(100, 3)).has_value());
  CHECK_FALSE(LjungBoxPValue(Counting(20)).has_value());
}

}  // namespace
}  // namespace paddock
