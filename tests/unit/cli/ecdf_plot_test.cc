#include "cli/ecdf_plot.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <sstream>

namespace paddock {
namespace {

Histogram Bimodal(std::uint64_t fast, std::uint64_t slow) {
  Histogram histogram;
  histogram.Record(1'000'000, fast);
  histogram.Record(100'000'000, slow);
  return histogram;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST_CASE("a curve jumps where the values are and ends at all of them") {
  const auto lines = Lines(EcdfPlot(Bimodal(9000, 1000), {60, false}));
  REQUIRE(lines.size() == 15);
  CHECK(lines.front().starts_with("100 % |"));
  CHECK(lines[11].starts_with("  0 % |"));
  CHECK(lines.front().back() == '*');
  // 90 % up to the slow mode: one long flat stretch.
  CHECK(std::count(lines[1].begin(), lines[1].end(), '*') > 40);
  for (const std::string& line : lines) {
    CHECK(line.size() <= 60);
    CHECK(std::all_of(line.begin(), line.end(), [](unsigned char c) { return c < 0x80; }));
  }
}

TEST_CASE("the axis is one of factors, with units and the percentiles that the values support") {
  const auto lines = Lines(EcdfPlot(Bimodal(9000, 1000), {80, false}));
  CHECK(lines[12].find('^') != std::string::npos);
  CHECK(lines[13].find("p50") != std::string::npos);
  CHECK(lines[13].find("p99") != std::string::npos);
  CHECK(lines[14].find("ms") != std::string::npos);
  // Halfway between 0.98 ms and 102 ms.
  CHECK(lines[14].find("9.998 ms") != std::string::npos);
  const std::string few = EcdfPlot(Bimodal(9, 1), {80, false});
  CHECK(few.find("p50") != std::string::npos);
  CHECK(few.find("p99") == std::string::npos);
}

TEST_CASE("a curve of one value alone can be drawn, in dots as well") {
  Histogram histogram;
  histogram.Record(5);
  CHECK(Lines(EcdfPlot(histogram, {10, true})).size() == 15);
  const std::string dots = EcdfPlot(Bimodal(1, 1), {80, true});
  CHECK(dots.find("\xe2\xa0") != std::string::npos);
  CHECK(dots.find('*') == std::string::npos);
}

TEST_CASE("a percentile without enough values under it is empty and says what is missing") {
  const Table table = PercentileTable(Bimodal(90, 10), 1, false);
  const auto row = [&](const Table& of, const std::string& name) {
    return *std::find_if(of.rows.begin(), of.rows.end(), [&](const auto& cells) { return cells[0] == name; });
  };
  CHECK(row(table, "p50")[1].ends_with("ms"));
  CHECK(row(table, "p99")[1] == "-");
  CHECK(row(table, "p99")[2].find("needs 662 values, there are 100") != std::string::npos);
  CHECK(row(PercentileTable(Bimodal(90, 10), 1, true), "p99")[1].empty());
  const Table blocks = PercentileTable(Bimodal(9000, 1000), 20, false);
  CHECK(row(blocks, "p99")[1] == "-");
  CHECK(row(blocks, "p99")[2].find("mean of 20") != std::string::npos);
  CHECK(row(blocks, "p50")[1] != "-");
}

}  // namespace
}  // namespace paddock
