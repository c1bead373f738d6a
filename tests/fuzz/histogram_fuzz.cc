// Hostile bytes as a histogram: one that is whole and survives its own encoding, or an error.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kpi/histogram.h"

namespace {

void Check(std::string_view bytes) {
  const auto histogram = paddock::Histogram::Decode(bytes);
  if (!histogram.ok()) {
    PADDOCK_CHECK(!histogram.status().message().empty(), "an error says what is wrong");
    return;
  }
  PADDOCK_CHECK(histogram->Min() <= histogram->Max(), "the smallest value is not above the largest");
  PADDOCK_CHECK(histogram->ValueAtPercentile(50) <= histogram->ValueAtPercentile(100),
                "percentiles are in order");
  PADDOCK_CHECK(histogram->ValueAtPercentile(100) == histogram->Max(),
                "the last percentile is the largest value");
  PADDOCK_CHECK(histogram->Mean() >= 0, "a mean of values that are not negative");
  const auto again = paddock::Histogram::Decode(histogram->Encode());
  PADDOCK_CHECK(again.ok() && *again == *histogram, "what was read survives its encoding");
  paddock::Histogram merged(histogram->layout());
  PADDOCK_CHECK(merged.Merge(*histogram).ok() && merged == *histogram,
                "a merge into nothing is the histogram");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  Check(bytes);
  const auto decoded = paddock::Base64Decode(bytes);
  if (!decoded.ok()) return 0;
  PADDOCK_CHECK(paddock::Base64Encode(*decoded) == bytes, "base64 has one form only");
  Check(*decoded);
  return 0;
}
