#include "agent/arrival_schedule.h"

#include <catch2/catch.hpp>

#include <vector>

namespace paddock::agent {
namespace {

std::vector<std::uint64_t> First(ArrivalSchedule schedule, int count) {
  std::vector<std::uint64_t> arrivals;
  for (int i = 0; i < count; ++i) arrivals.push_back(schedule.Next());
  return arrivals;
}

// The figures were computed with 50 decimal digits from the reference code of the generator.
TEST_CASE("a seed gives the same arrivals on every platform", "[load][schedule]") {
  CHECK(First(ArrivalSchedule::Poisson(1000, 42), 10) ==
        std::vector<std::uint64_t>{0, 87589, 563981, 1703551, 4289732, 9093831, 10562375, 11832696, 13729872,
                                   15162731});
  CHECK(First(ArrivalSchedule::Poisson(7, 1), 10) ==
        std::vector<std::uint64_t>{0, 173394284, 278377029, 400314756, 471240004, 641898787, 664039511,
                                   674567399, 743131403, 1031496162});
  CHECK(First(ArrivalSchedule::Poisson(1000, 42), 100'001).back() == 100'422'732'288);
}

TEST_CASE("gaps of Poisson arrivals have the mean and the spread of the exponential distribution",
          "[load][schedule]") {
  const auto arrivals = First(ArrivalSchedule::Poisson(100, 3), 100'001);
  double squares = 0;
  int above_mean = 0;
  for (std::size_t i = 1; i < arrivals.size(); ++i) {
    const auto gap_s = static_cast<double>(arrivals[i] - arrivals[i - 1]) * 1e-9;
    squares += gap_s * gap_s;
    if (gap_s > 0.01) ++above_mean;
  }
  CHECK(static_cast<double>(arrivals.back()) * 1e-9 / 100'000 == Approx(0.01).epsilon(0.01));
  CHECK(squares / 100'000 == Approx(2e-4).epsilon(0.03));
  CHECK(above_mean / 1e5 == Approx(0.3679).epsilon(0.02));
}

TEST_CASE("periodic arrivals do not drift", "[load][schedule]") {
  CHECK(First(ArrivalSchedule::Periodic(0.04), 4) ==
        std::vector<std::uint64_t>{0, 40'000'000, 80'000'000, 120'000'000});
  // A third of a second is no whole number of nanoseconds.
  CHECK(First(ArrivalSchedule::Periodic(1.0 / 3), 3'000'001).back() == 1'000'000'000'000'000);
}

}  // namespace
}  // namespace paddock::agent
