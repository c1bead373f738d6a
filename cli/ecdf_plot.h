// Distributions of latencies for people: the empirical distribution function as text, and percentiles as a table.
#pragma once

#include <cstddef>
#include <string>

#include "cli/format.h"
#include "kpi/histogram.h"

namespace paddock {

struct PlotStyle {
  std::size_t width = 80;  // characters of a line, at least 40
  bool braille = false;    // eight dots a character; otherwise plain ASCII
};
// Of stdout: the terminal's width and, where it shows UTF-8, braille; 80 columns of ASCII for files and pipes.
PlotStyle StyleOfStdout();

// The share of latencies up to each value, over an axis whose steps are factors, with the percentiles that the values
// support marked below. REQUIRES: a histogram of nanoseconds that is not empty.
std::string EcdfPlot(const Histogram& histogram, const PlotStyle& style);

// A percentile that too few values support is "-" with the number that is missing. `invocations_per_value` above 1: values
// are means of blocks, which say nothing of tails. `exact`: seconds in full and no remarks, for programs.
Table PercentileTable(const Histogram& histogram, std::uint32_t invocations_per_value, bool exact);

}  // namespace paddock
