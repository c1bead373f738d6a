#include "cli/waterfall.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "cli/format.h"

namespace paddock {
namespace {

constexpr double kBarWidth = 40;

struct StageBar {
  std::string stage;
  double seconds = 0;
  int count = 0;
  std::optional<double> bytes;
  std::optional<double> energy_j;
};

void Add(std::optional<double>& sum, bool known, double value) {
  if (known) sum = sum.value_or(0) + value;
}

std::vector<StageBar> BarsOf(const v1::RunResult& result) {
  std::vector<StageBar> bars;
  for (const v1::StageTime& stage : result.waterfall()) {
    auto bar =
        std::find_if(bars.begin(), bars.end(), [&](const StageBar& b) { return b.stage == stage.stage(); });
    if (bar == bars.end()) bar = bars.insert(bars.end(), {stage.stage(), 0, 0, {}, {}});
    bar->seconds += stage.seconds();
    ++bar->count;
    Add(bar->bytes, stage.has_bytes(), static_cast<double>(stage.bytes()));
    Add(bar->energy_j, stage.has_energy_j(), stage.energy_j());
  }
  return bars;
}

}  // namespace

OrderedJson WaterfallDocument(const v1::RunResult& result) {
  OrderedJson out = OrderedJson::array();
  for (const v1::StageTime& stage : result.waterfall()) {
    OrderedJson entry = {{"stage", stage.stage()}};
    entry["repetition"] = stage.has_repetition() ? OrderedJson(stage.repetition()) : OrderedJson(nullptr);
    entry["seconds"] = stage.seconds();
    entry["bytes"] = stage.has_bytes() ? OrderedJson(stage.bytes()) : OrderedJson(nullptr);
    entry["energy_j"] = stage.has_energy_j() ? OrderedJson(stage.energy_j()) : OrderedJson(nullptr);
    out.push_back(std::move(entry));
  }
  return out;
}

std::string WaterfallText(const v1::RunResult& result) {
  const std::vector<StageBar> bars = BarsOf(result);
  double total_s = 0;
  for (const StageBar& bar : bars) total_s += bar.seconds;
  if (total_s <= 0) return "";
  Table table{{"STAGE", "TIMES", "TIME", "BYTES", "ENERGY", ""}, {}};
  double before_s = 0;
  for (const StageBar& bar : bars) {
    // Each bar begins where the one before ends.
    const auto begin = static_cast<std::size_t>(std::lround(before_s / total_s * kBarWidth));
    before_s += bar.seconds;
    const auto end = static_cast<std::size_t>(std::lround(before_s / total_s * kBarWidth));
    table.rows.push_back(
        {bar.stage, std::to_string(bar.count), Figure(bar.seconds, "s"),
         bar.bytes ? Figure(*bar.bytes, "B") : "-", bar.energy_j ? Figure(*bar.energy_j, "J") : "-",
         "|" + std::string(begin, ' ') + (end > begin ? std::string(end - begin, '#') : "")});
  }
  return AsText(table);
}

}  // namespace paddock
