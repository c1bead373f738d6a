#include "base/utc_text.h"

#include <catch2/catch.hpp>

namespace paddock {
namespace {

TEST_CASE("a wall time is written in UTC, whatever the machine's zone", "[base][utc_text]") {
  CHECK(UtcText(0, kUtcSecond) == "1970-01-01 00:00:00 UTC");
  CHECK(UtcText(1'795'229'110'999, kUtcSecond) == "2026-11-21 02:45:10 UTC");
  CHECK(UtcText(1'795'229'110'999, kUtcDay) == "2026-11-21");
  CHECK(UtcText(1'795'229'110'999, kUtcIso) == "2026-11-21T02:45:10Z");
}

}  // namespace
}  // namespace paddock
