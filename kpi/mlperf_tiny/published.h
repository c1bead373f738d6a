// The figures that a submission published: results.txt (v0.5 to v1.3), or the same lines at the end of a log. They are kept
// beside what is recomputed, never used in its place. Pure; unknown lines are passed over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paddock::mlperf_tiny {

struct PublishedFigure {
  double value = 0;  // as printed: inf./sec., uJ/inf., per cent, 1
  int decimals = 0;  // how many were printed
};

struct Published {
  std::optional<PublishedFigure> throughput;
  std::optional<PublishedFigure> energy_uj;
  std::optional<PublishedFigure> top1_percent;
  std::optional<PublishedFigure> auc;
  std::vector<std::uint64_t> inferences;  // of each window
  std::vector<std::string> errors;        // what the runner printed as e-[...] or ERROR; at most 20
};

// Of several runs appended to one file the last counts.
Published ParsePublished(std::string_view text);

}  // namespace paddock::mlperf_tiny
