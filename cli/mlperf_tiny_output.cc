#include "cli/mlperf_tiny_output.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/strict_json.h"

namespace paddock {
namespace {

using mlperf_tiny::ImportReason;
using mlperf_tiny::PartResult;
using mlperf_tiny::Published;
using mlperf_tiny::PublishedFigure;
using mlperf_tiny::TaskResult;
using mlperf_tiny::Window;
using ImportJson = nlohmann::ordered_json;

// How the benchmark itself reports a KPI.
struct ReportedAs {
  const char* kpi;
  double factor;
  const char* unit;
  int decimals;
  const std::optional<PublishedFigure> Published::*published;
};
constexpr std::array kReportedAs{
    ReportedAs{"throughput", 1, " inf/s", 3, &Published::throughput},
    ReportedAs{"energy_per_inference", 1e6, " uJ/inf", 3, &Published::energy_uj},
    ReportedAs{"power_mean", 1e6, " uW", 3, nullptr},
    ReportedAs{"accuracy_top1", 100, " %", 1, &Published::top1_percent},
    ReportedAs{"auc", 1, "", 3, &Published::auc},
};

const ReportedAs* FindReportedAs(std::string_view kpi) {
  for (const ReportedAs& row : kReportedAs) {
    if (kpi == row.kpi) return &row;
  }
  return nullptr;
}

std::string Fixed(double value, int decimals) {
  std::array<char, 400> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  return text.data();
}

std::string OrDash(const std::optional<double>& value, double factor, int decimals) {
  return value ? Fixed(*value * factor, decimals) : "-";
}

ImportJson OptionalNumber(const std::optional<double>& value) {
  return value ? ImportJson(*value) : ImportJson(nullptr);
}

ImportJson ValueDocument(const std::string& name, const KpiValue& kpi) {
  const KpiDefinition* definition = FindKpi(name);
  ImportJson out = {{"value", kpi.value}, {"unit", definition->unit}};
  if (kpi.interval) {
    out["lower"] = kpi.interval->lower;
    out["upper"] = kpi.interval->upper;
    out["confidence"] = kpi.interval->confidence;
  }
  out["better"] = BetterName(definition->better);
  return out;
}

ImportJson ValuesDocument(const KpiReport& kpis) {
  ImportJson out = ImportJson::object();
  for (const auto& [name, kpi] : kpis.values) out[name] = ValueDocument(name, kpi);
  return out;
}

ImportJson ReasonsDocument(const PartResult& part) {
  ImportJson out = ImportJson::array();
  for (const ImportReason& reason : part.reasons) {
    out.push_back({{"code", reason.code},
                   {"verdict", VerdictName(reason.verdict)},
                   {"detail", reason.detail},
                   {"evidence", reason.evidence}});
  }
  return out;
}

// In the KPI's unit, with the text as it was printed.
ImportJson PublishedDocument(const Published& published) {
  ImportJson out = ImportJson::object();
  for (const ReportedAs& row : kReportedAs) {
    if (row.published == nullptr) continue;
    const auto& figure = published.*row.published;
    if (!figure) continue;
    out[row.kpi] = {{"value", figure->value / row.factor},
                    {"unit", FindKpi(row.kpi)->unit},
                    {"printed", Fixed(figure->value, figure->decimals) + row.unit}};
  }
  return out;
}

ImportJson WindowDocument(const PartResult& part, std::size_t index) {
  const Window& window = part.windows[index];
  return {{"part", PartName(part.part)},
          {"window", index + 1},
          {"iterations", window.iterations ? ImportJson(*window.iterations) : ImportJson(nullptr)},
          {"duration_s", window.duration_s},
          {"throughput", OptionalNumber(window.throughput())},
          {"energy_j", OptionalNumber(window.energy_j)},
          {"power_w", OptionalNumber(window.power_w)},
          {"energy_per_inference_j", OptionalNumber(window.energy_per_inference_j())},
          {"source", window.source}};
}

}  // namespace

ImportJson MlperfTinyDocument(const std::string& id, const TaskResult& task,
                              const std::map<std::string, std::string>& digests) {
  ImportJson reasons = ImportJson::array();
  ImportJson parts = ImportJson::array();
  ImportJson windows = ImportJson::array();
  for (const PartResult& part : task.parts) {
    for (const ImportJson& reason : ReasonsDocument(part)) reasons.push_back(reason);
    for (std::size_t i = 0; i < part.windows.size(); ++i) windows.push_back(WindowDocument(part, i));
    parts.push_back({{"part", PartName(part.part)},
                     {"format", part.format},
                     {"verdict", VerdictName(part.verdict)},
                     {"kpis", ValuesDocument(part.kpis)},
                     {"missing", part.kpis.missing},
                     {"published", PublishedDocument(part.published)}});
  }
  ImportJson run = {{"id", id},
                    {"device", nullptr},
                    {"driver", "mlperf-tiny"},
                    {"variant", task.model},
                    {"state", "done"},
                    {"failure", nullptr},
                    {"attempts", 1},
                    {"verdict", VerdictName(task.verdict)},
                    {"reasons", std::move(reasons)},
                    {"kpis", ValuesDocument(task.kpis)},
                    {"missing", task.kpis.missing},
                    {"parts", std::move(parts)},
                    {"windows", std::move(windows)},
                    {"provenance", {{"source", "MLPerf Tiny results archive"}, {"files", digests}}}};
  return {{"schema_version", 1}, {"runs", ImportJson::array({std::move(run)})}};
}

Table MlperfTinyKpis(const TaskResult& task) {
  Table table{{"PART", "KPI", "VALUE", "PUBLISHED"}, {}};
  for (const PartResult& part : task.parts) {
    const std::string name(PartName(part.part));
    for (const auto& [kpi, value] : part.kpis.values) {
      const ReportedAs& row = *FindReportedAs(kpi);
      const PublishedFigure* published = nullptr;
      if (row.published != nullptr && part.published.*row.published) {
        published = &*(part.published.*row.published);
      }
      const bool one_more = part.format == "v1.3" && kpi == "energy_per_inference";
      const int decimals = std::max(row.decimals + (one_more ? 1 : 0), published ? published->decimals : 0);
      table.rows.push_back({name, kpi, Fixed(value.value * row.factor, decimals) + row.unit,
                            published ? Fixed(published->value, published->decimals) + row.unit : "-"});
    }
    for (const auto& [kpi, why] : part.kpis.missing)
      table.rows.push_back({name, kpi, "missing: " + why, "-"});
  }
  return table;
}

Table MlperfTinyWindows(const TaskResult& task) {
  Table table{{"PART", "WINDOW", "INFERENCES", "SECONDS", "INF/S", "UJ", "UW", "UJ/INF"}, {}};
  for (const PartResult& part : task.parts) {
    for (std::size_t i = 0; i < part.windows.size(); ++i) {
      const Window& window = part.windows[i];
      table.rows.push_back({std::string(PartName(part.part)), std::to_string(i + 1),
                            window.iterations ? std::to_string(*window.iterations) : "-",
                            Fixed(window.duration_s, 3), OrDash(window.throughput(), 1, 3),
                            OrDash(window.energy_j, 1e6, 3), OrDash(window.power_w, 1e6, 3),
                            OrDash(window.energy_per_inference_j(), 1e6, 3)});
    }
  }
  return table;
}

Table MlperfTinySummary(const std::string& id, const TaskResult& task) {
  Table table;
  table.rows.push_back({"result", id});
  if (!task.model.empty()) table.rows.push_back({"benchmark", task.model});
  table.rows.push_back({"verdict", std::string(VerdictName(task.verdict))});
  for (const PartResult& part : task.parts) {
    for (const ImportReason& reason : part.reasons)
      table.rows.push_back({"  " + reason.code, std::string(PartName(part.part)) + ": " + reason.detail});
  }
  return table;
}

}  // namespace paddock
