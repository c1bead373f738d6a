#include "base/clock.h"

#include <catch2/catch.hpp>

namespace paddock {

TEST_CASE("the system clock's monotonic time does not go back", "[base][clock]") {
  const MonotonicTime first = SystemClock().Now();
  CHECK(SystemClock().Now() >= first);
  CHECK(SystemClock().WallMs() > 1'600'000'000'000);
}

TEST_CASE("a deadline in the past has passed and has nothing left", "[base][clock]") {
  const Deadline past(std::chrono::steady_clock::now() - std::chrono::seconds(1));
  CHECK(past.passed());
  CHECK(past.remaining().count() == 0);
}

TEST_CASE("a deadline that never comes does not pass", "[base][clock]") {
  CHECK(Deadline::Never().never());
  CHECK_FALSE(Deadline::Never().passed());
  CHECK(Deadline::Never().remaining() > std::chrono::hours(24));
  CHECK_FALSE(Deadline::After(std::chrono::hours(1)).passed());
}

}  // namespace paddock
