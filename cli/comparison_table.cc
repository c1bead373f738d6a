#include <optional>

#include "cli/result_table.h"
#include "kpi/repeat.h"

namespace paddock {
namespace {

std::string Percent(double share) {
  const std::string figure = Figure(100 * share, "1");
  return (share > 0 ? "+" : "") + figure + " %";
}

// "+19.6 % (+18.1 % .. +21.0 %)" for a ratio, "0.02 s (...)" for a difference.
std::string EffectText(const v1::Comparison::Effect& effect, const std::string& unit) {
  const auto shown = [&](double value) {
    if (effect.kind() == "ratio") return Percent(value - 1);
    return (value > 0 ? "+" : "") + Figure(value, unit);
  };
  std::string text = shown(effect.value());
  if (effect.has_lower()) text += " (" + shown(effect.lower()) + " .. " + shown(effect.upper()) + ")";
  return text;
}

std::string BothVariants(const std::string& a, const std::string& b) { return a == b ? a : a + " / " + b; }

template <typename List>
std::string JoinedNames(const List& list) {
  std::string text;
  for (const std::string& item : list) text += (text.empty() ? "" : ", ") + item;
  return text;
}

std::vector<std::string> ExactCells(const v1::Comparison::Row& row) {
  const v1::Comparison::Effect& effect = row.effect();
  const auto number = [](bool present, double value) { return present ? ExactNumber(value) : ""; };
  return {row.device(),
          row.variant_a(),
          row.variant_b(),
          row.run_a(),
          row.run_b(),
          row.kpi(),
          row.unit(),
          ExactNumber(row.a().value()),
          ExactNumber(row.b().value()),
          number(row.has_ratio(), row.ratio()),
          row.change(),
          effect.kind(),
          number(row.has_effect(), effect.value()),
          number(effect.has_lower(), effect.lower()),
          number(effect.has_upper(), effect.upper()),
          number(effect.has_confidence(), effect.confidence()),
          number(effect.has_p_value(), effect.p_value()),
          effect.test()};
}

}  // namespace

KpiValue KpiValueOf(const v1::Kpi& kpi) {
  KpiValue value{kpi.value(), std::nullopt, {kpi.repetitions().begin(), kpi.repetitions().end()}};
  if (kpi.has_lower() && kpi.has_upper()) value.interval = {kpi.lower(), kpi.upper(), kpi.confidence()};
  return value;
}

Table ComparisonTable(OutputFormat format, const v1::Comparison& comparison) {
  Table table;
  if (format == OutputFormat::kCsv) {
    table.columns = {"device",  "variant_a",    "variant_b",    "run_a",
                     "run_b",   "kpi",          "unit",         "a",
                     "b",       "ratio",        "change",       "effect_kind",
                     "effect",  "effect_lower", "effect_upper", "confidence",
                     "p_value", "test"};
    for (const v1::Comparison::Row& row : comparison.rows()) table.rows.push_back(ExactCells(row));
    return table;
  }
  table.columns = {"DEVICE", "VARIANT", "KPI", "A", "B", "EFFECT", "CHANGE"};
  const bool wide = format == OutputFormat::kWide;
  if (wide) table.columns.insert(table.columns.end(), {"TEST", "INTERVAL A", "INTERVAL B", "RUN A", "RUN B"});
  for (const v1::Comparison::Row& row : comparison.rows()) {
    table.rows.push_back({row.device(), BothVariants(row.variant_a(), row.variant_b()), row.kpi(),
                          Figure(row.a().value(), row.unit()), Figure(row.b().value(), row.unit()),
                          row.has_effect() ? EffectText(row.effect(), row.unit()) : "-", row.change()});
    if (wide) {
      auto& cells = table.rows.back();
      cells.insert(cells.end(), {row.effect().test(), IntervalText(row.a()), IntervalText(row.b()),
                                 row.run_a(), row.run_b()});
    }
  }
  return table;
}

Table CombinedTable(const v1::Comparison& comparison) {
  Table table{{"DEVICES", "VARIANT", "KPI", "EFFECT", "CHANGE", "TEST"}, {}};
  for (const v1::Comparison::Combined& row : comparison.combined()) {
    table.rows.push_back({std::to_string(row.devices_size()), BothVariants(row.variant_a(), row.variant_b()),
                          row.kpi(), EffectText(row.effect(), row.unit()), row.change(),
                          row.effect().test()});
  }
  return table;
}

Table DifferenceTable(const v1::Comparison& comparison) {
  constexpr std::size_t kShown = 40;
  Table table{{"DIFFERENT", "A", "B", "DEVICES"}, {}};
  for (const v1::Comparison::Difference& row : comparison.differences()) {
    table.rows.push_back(
        {row.what(), Shortened(row.a(), kShown), Shortened(row.b(), kShown), JoinedNames(row.devices())});
  }
  return table;
}

Table ParetoTable(const v1::Comparison& comparison) {
  Table table{{"RUN", "DEVICE", "VARIANT", "PARETO", "BY"}, {}};
  for (const v1::Comparison::ParetoPoint& point : comparison.pareto()) {
    table.rows.push_back(
        {point.run(), point.device(), point.variant(),
         point.on_front() ? "on the front" : "dominated by " + JoinedNames(point.dominated_by()),
         JoinedNames(point.objectives())});
  }
  return table;
}

std::vector<RepeatRow> RepeatRows(const v1::RunResult& original, const v1::RunResult& repeat) {
  std::vector<RepeatRow> rows;
  for (const std::string& name : HeadlineKpis()) {
    const auto first = original.kpis().find(name);
    const auto second = repeat.kpis().find(name);
    if (first == original.kpis().end() || second == repeat.kpis().end()) continue;
    const RepeatJudgement judgement = JudgeRepeat(KpiValueOf(first->second), KpiValueOf(second->second));
    rows.push_back({name, first->second, second->second, std::string(RepeatPlaceName(judgement.place)),
                    judgement.outside_by});
  }
  return rows;
}

Table RepeatTable(const std::vector<RepeatRow>& rows) {
  Table table{{"KPI", "ORIGINAL", "INTERVAL", "REPEAT", "PLACE"}, {}};
  for (const RepeatRow& row : rows) {
    std::string place = row.place;
    if (place == "outside") place += " by " + Figure(100 * row.outside_by, "1") + " %";
    if (place == "undecidable") place += ": the original has no interval";
    table.rows.push_back({row.kpi, Figure(row.original.value(), row.original.unit()),
                          IntervalText(row.original), Figure(row.repeat.value(), row.repeat.unit()), place});
  }
  return table;
}

}  // namespace paddock
