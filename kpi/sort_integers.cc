#include "kpi/sort_integers.h"

#include <algorithm>
#include <array>
#include <bit>

namespace paddock {
namespace {

constexpr int kDigitBits = 11;
constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;
constexpr std::size_t kFewValues = 2048;  // counting the digits costs more than comparing so few

using DigitCounts = std::array<std::size_t, kDigits>;

std::size_t DigitOf(std::uint64_t value, int pass) {
  return static_cast<std::size_t>(value >> (pass * kDigitBits)) & (kDigits - 1);
}

// Stable: to each value's place among those with its digit.
void PlaceByDigit(std::span<const std::uint64_t> from, std::uint64_t lowest, int pass, DigitCounts& places,
                  std::uint64_t* to) {
  std::size_t place = 0;
  for (std::size_t& count : places) {
    const std::size_t of_digit = count;
    count = place;
    place += of_digit;
  }
  for (const std::uint64_t value : from) to[places[DigitOf(value - lowest, pass)]++] = value;
}

}  // namespace

void SortIntegers(std::span<const std::uint64_t> values, std::vector<std::uint64_t>* sorted,
                  std::vector<std::uint64_t>* scratch) {
  const std::size_t count = values.size();
  if (count < kFewValues) {
    sorted->assign(values.begin(), values.end());
    std::sort(sorted->begin(), sorted->end());
    return;
  }
  const auto [lowest_at, highest_at] = std::minmax_element(values.begin(), values.end());
  const std::uint64_t lowest = *lowest_at;
  const int passes = (std::bit_width(*highest_at - lowest) + kDigitBits - 1) / kDigitBits;
  std::vector<DigitCounts> counts(static_cast<std::size_t>(passes));
  for (const std::uint64_t value : values) {
    for (int pass = 0; pass < passes; ++pass)
      ++counts[static_cast<std::size_t>(pass)][DigitOf(value - lowest, pass)];
  }
  sorted->resize(count);
  if (passes == 0) std::copy(values.begin(), values.end(), sorted->begin());
  for (int pass = 0; pass < passes; ++pass) {
    if (pass == 1 && scratch->size() < count) scratch->resize(count);
    if (pass > 0) values = std::span(pass % 2 == 1 ? *sorted : *scratch).first(count);
    std::uint64_t* const to = pass % 2 == 0 ? sorted->data() : scratch->data();
    PlaceByDigit(values, lowest, pass, counts[static_cast<std::size_t>(pass)], to);
  }
  if (passes > 0 && passes % 2 == 0) {
    sorted->swap(*scratch);
    sorted->resize(count);
  }
}

}  // namespace paddock
