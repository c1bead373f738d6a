#include "cli/budget_flag.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "kpi/catalog.h"

namespace paddock {
namespace {

struct LimitUnit {
  std::string_view name;
  std::string_view base;
  double factor;
};
constexpr std::array kLimitUnits = {
    LimitUnit{"s", "s", 1},         LimitUnit{"ms", "s", 1e-3},     LimitUnit{"us", "s", 1e-6},
    LimitUnit{"ns", "s", 1e-9},     LimitUnit{"J", "J", 1},         LimitUnit{"mJ", "J", 1e-3},
    LimitUnit{"uJ", "J", 1e-6},     LimitUnit{"nJ", "J", 1e-9},     LimitUnit{"W", "W", 1},
    LimitUnit{"mW", "W", 1e-3},     LimitUnit{"uW", "W", 1e-6},     LimitUnit{"B", "B", 1},
    LimitUnit{"kB", "B", 1e3},      LimitUnit{"MB", "B", 1e6},      LimitUnit{"KiB", "B", 1024},
    LimitUnit{"MiB", "B", 1 << 20}, LimitUnit{"GiB", "B", 1 << 30}, LimitUnit{"/s", "1/s", 1},
    LimitUnit{"%", "1", 1e-2},
};

std::string_view WithoutSpaces(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

Result<double> ParseLimit(std::string_view text, std::string_view kpi, const std::string& where) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !std::isfinite(number)) {
    return InvalidArgumentError(where + ": '" + std::string(text) + "' is no number");
  }
  const std::string_view unit = WithoutSpaces(text.substr(static_cast<std::size_t>(end - text.data())));
  if (unit.empty()) return number;
  const KpiDefinition* definition = FindKpi(kpi);
  if (definition == nullptr)
    return InvalidArgumentError(where + ": there is no KPI '" + std::string(kpi) + "'");
  for (const LimitUnit& known : kLimitUnits) {
    if (known.name != unit) continue;
    if (known.base == definition->unit) return number * known.factor;
    return InvalidArgumentError(where + ": " + std::string(kpi) + " is in " + std::string(definition->unit) +
                                ", which '" + std::string(unit) + "' is no unit of");
  }
  return InvalidArgumentError(where + ": unknown unit '" + std::string(unit) +
                              "'; known are s ms us ns, J mJ uJ nJ, W mW uW, B kB MB KiB MiB GiB, /s, %");
}

}  // namespace

Status AddBudgets(const std::string& flag, v1::JobSpec& spec) {
  for (std::string_view rest = flag;;) {
    const std::size_t comma = rest.find(',');
    const std::string_view part = WithoutSpaces(rest.substr(0, comma));
    const std::string where = "--budget '" + std::string(part) + "'";
    const std::size_t sign = part.find_first_of("<>");
    if (sign == std::string_view::npos || sign == 0 || sign + 1 >= part.size() || part[sign + 1] != '=') {
      return InvalidArgumentError(where + " is not KPI<=LIMIT or KPI>=LIMIT, for example latency_p99<=20ms");
    }
    const std::string kpi(WithoutSpaces(part.substr(0, sign)));
    PADDOCK_ASSIGN_OR_RETURN(const double limit,
                             ParseLimit(WithoutSpaces(part.substr(sign + 2)), kpi, where));
    v1::Budget& budget = (*spec.mutable_budgets())[kpi];
    part[sign] == '<' ? budget.set_max(limit) : budget.set_min(limit);
    if (comma == std::string_view::npos) return OkStatus();
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace paddock
