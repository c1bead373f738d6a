#include "cli/layer_table.h"

#include <array>
#include <cstdio>
#include <numeric>

namespace paddock {
namespace {

std::string Number(double value, const char* format) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

}  // namespace

Table LayerTable(const RepetitionRecord& record, bool exact) {
  const std::vector<LayerFacts>& layers = record.network->layers;
  const std::vector<std::uint64_t>& counts = record.layer_counts;
  const bool counted = counts.size() == layers.size() && !layers.empty();
  const auto all = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  Table table;
  table.columns = {"layer", "operators", "MACs", "bytes"};
  if (counted) table.columns.insert(table.columns.end(), {record.layer_unit, "share", "per MAC"});
  const auto add = [&](const std::string& name, const std::string& operators, std::uint64_t macs,
                       std::uint64_t bytes, std::uint64_t count) {
    std::vector<std::string> row{name, operators, std::to_string(macs), std::to_string(bytes)};
    if (counted) {
      const double share = all == 0 ? 0 : static_cast<double>(count) / static_cast<double>(all);
      row.push_back(std::to_string(count));
      row.push_back(exact ? Number(share, "%.17g") : Number(100 * share, "%.1f %%"));
      row.push_back(macs == 0 ? "" : Number(static_cast<double>(count) / static_cast<double>(macs), "%.2f"));
    }
    table.rows.push_back(std::move(row));
  };
  std::uint64_t macs = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    add(layers[i].name, layers[i].operators, layers[i].multiply_accumulates, layers[i].bytes,
        counted ? counts[i] : 0);
    macs += layers[i].multiply_accumulates;
    bytes += layers[i].bytes;
  }
  if (!exact) add("all", "", macs, bytes, all);
  return table;
}

}  // namespace paddock
