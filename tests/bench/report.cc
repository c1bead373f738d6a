#include "tests/bench/report.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace paddock::bench {
namespace {

void PrintRow(const std::string& what, const std::string& measured, const std::string& goal,
              const std::string& floor, const std::string& spread) {
  std::printf("%-50s %14s  %12s  %14s  %s\n", what.c_str(), measured.c_str(), goal.c_str(), floor.c_str(),
              spread.c_str());
  std::fflush(stdout);
}

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

}  // namespace

Spread SpreadOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values.front(), values[values.size() / 2], values.back()};
}

double Percentile(std::vector<double> values, double p) {
  std::sort(values.begin(), values.end());
  const auto index = static_cast<std::size_t>(static_cast<double>(values.size()) * p);
  return values[std::min(index, values.size() - 1)];
}

Table::Table(const std::string& title) {
  std::printf("\n%s\n", title.c_str());
  PrintRow("figure", "measured", "goal", "floor", "spread (min .. max)");
}

void Table::Row(const std::string& what, const std::string& measured, const std::string& goal,
                const std::string& floor, const std::string& spread) {
  PrintRow(what, OrDash(measured), OrDash(goal), OrDash(floor), OrDash(spread));
}

std::string Number(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

std::string Range(const Spread& spread, int digits) {
  return Number(spread.min, digits) + " .. " + Number(spread.max, digits);
}

void Note(const std::string& text) {
  std::printf("  %s\n", text.c_str());
  std::fflush(stdout);
}

void GiveUp(const std::string& message) {
  std::fprintf(stderr, "benchmark: %s\n", message.c_str());
  std::exit(1);
}

void Must(const Status& status) {
  if (!status.ok()) GiveUp(status.ToString());
}

}  // namespace paddock::bench
