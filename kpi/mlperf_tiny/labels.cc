#include "kpi/mlperf_tiny/labels.h"

#include <charconv>

#include "kpi/mlperf_tiny/runner_log.h"

namespace paddock::mlperf_tiny {
namespace {

constexpr std::size_t kMaxRows = 1'000'000;
constexpr std::size_t kMaxClass = 10'000;

std::optional<std::size_t> ClassIn(std::string_view text) {
  while (text.ends_with(' ')) text.remove_suffix(1);
  while (text.starts_with(' ')) text.remove_prefix(1);
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > kMaxClass) return std::nullopt;
  return value;
}

std::string_view TakeColumn(std::string_view& row) {
  const std::string_view column = row.substr(0, row.find(','));
  row.remove_prefix(std::min(column.size() + 1, row.size()));
  return column;
}

}  // namespace

Result<LabelTable> ParseLabels(std::string_view csv, std::string_view source) {
  LabelTable labels;
  for (std::size_t line = 1; !csv.empty(); ++line) {
    std::string_view row = TakeLine(csv);
    if (row.find_first_not_of(" \t") == std::string_view::npos) continue;
    const std::string where = std::string(source) + ":" + std::to_string(line) + ": ";
    if (labels.size() == kMaxRows) return InvalidArgumentError(where + "more than a million labels");
    const std::string_view name = TakeColumn(row);
    TakeColumn(row);
    const auto label = ClassIn(TakeColumn(row));
    if (name.empty() || !label) return InvalidArgumentError(where + "not 'file,classes,class'");
    const auto [known, is_new] = labels.emplace(name, *label);
    if (!is_new && known->second != *label)
      return InvalidArgumentError(where + "a second class for " + known->first);
  }
  return labels;
}

std::optional<std::size_t> LabelInName(std::string_view name) {
  if (name.starts_with("anomaly_id_")) return 1;
  if (name.starts_with("normal_id_")) return 0;
  if (!name.starts_with("tst_") || !name.ends_with(".bin")) return std::nullopt;
  name.remove_suffix(4);
  return ClassIn(name.substr(name.rfind('_') + 1));
}

}  // namespace paddock::mlperf_tiny
