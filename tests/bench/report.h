// What every benchmark prints, and how it gives up. Benchmarks judge nothing: they put the figure, its goal and its floor of
// the same run side by side.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"

namespace paddock::bench {

struct Spread {
  double min = 0;
  double median = 0;
  double max = 0;
};
// REQUIRES: at least one value.
Spread SpreadOf(std::vector<double> values);
// sorted[floor(n * p)].
double Percentile(std::vector<double> values, double p);

class Table {
 public:
  // Prints the head at once.
  explicit Table(const std::string& title);
  // One line; empty cells are shown as "-".
  void Row(const std::string& what, const std::string& measured, const std::string& goal,
           const std::string& floor, const std::string& spread);
};

// "12.3" with `digits` behind the point.
std::string Number(double value, int digits);
// "0.98 .. 1.04".
std::string Range(const Spread& spread, int digits);
// A line of explanation below the table.
void Note(const std::string& text);

// Ends the program with the message.
[[noreturn]] void GiveUp(const std::string& message);
void Must(const Status& status);
template <typename T>
T Must(Result<T> result) {
  if (!result.ok()) GiveUp(result.status().ToString());
  return std::move(result).value();
}

}  // namespace paddock::bench
