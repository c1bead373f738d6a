#include <map>
#include <span>

#include "kpi/mlperf_tiny/labels.h"
#include "kpi/mlperf_tiny/part_readers.h"

namespace paddock::mlperf_tiny {
namespace {

constexpr const char* kAccuracyKpis[] = {"accuracy_top1", "auc"};

KpiReport AllMissing(const std::string& why) {
  KpiReport report;
  for (const char* kpi : kAccuracyKpis) report.missing[kpi] = why;
  return report;
}

Status CheckLengths(const std::vector<Answer>& answers) {
  const std::size_t length = answers.front().scores.size();
  for (const Answer& answer : answers) {
    if (answer.scores.size() == length) continue;
    return InvalidArgumentError(answer.source + ": " + std::to_string(answer.scores.size()) +
                                " scores where the first answer has " + std::to_string(length));
  }
  return OkStatus();
}

// One row for each file: the mean of its segments' scores, in the order of first appearance.
std::vector<Answer> MeanOfSegments(const std::vector<Answer>& answers) {
  std::vector<Answer> files;
  std::vector<double> segments;
  std::map<std::string, std::size_t, std::less<>> rows;
  for (const Answer& answer : answers) {
    const auto [row, is_new] = rows.emplace(answer.input, files.size());
    if (is_new) {
      files.push_back(answer);
      segments.push_back(1);
    } else {
      files[row->second].scores.front() += answer.scores.front();
      ++segments[row->second];
    }
  }
  for (std::size_t i = 0; i < files.size(); ++i) files[i].scores.front() /= segments[i];
  return files;
}

using Labels = std::optional<std::vector<std::int64_t>>;

template <typename Find>
Labels LabelEvery(const std::vector<Answer>& answers, Find find) {
  std::vector<std::int64_t> labels;
  labels.reserve(answers.size());
  for (const Answer& answer : answers) {
    const std::optional<std::size_t> label = find(answer);
    if (!label) return std::nullopt;
    labels.push_back(static_cast<std::int64_t>(*label));
  }
  return labels;
}

// From the raw data, else the first table that knows every input, else the names.
Result<Labels> FindLabels(const std::vector<Answer>& answers, const std::vector<SourceFile>& tables) {
  Labels labels = LabelEvery(answers, [](const Answer& answer) { return answer.label; });
  for (const SourceFile& file : tables) {
    if (labels) break;
    PADDOCK_ASSIGN_OR_RETURN(const LabelTable table, ParseLabels(file.bytes, file.name));
    labels = LabelEvery(answers, [&](const Answer& answer) -> std::optional<std::size_t> {
      const auto found = table.find(answer.input);
      if (found == table.end()) return std::nullopt;
      return found->second;
    });
  }
  if (!labels) labels = LabelEvery(answers, [](const Answer& answer) { return LabelInName(answer.input); });
  return labels;
}

template <typename T>
std::span<const std::byte> BytesOf(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

KpiReport Compute(const std::vector<Answer>& answers, const std::vector<std::int64_t>& labels) {
  const std::size_t columns = answers.front().scores.size();
  std::vector<double> scores;
  scores.reserve(answers.size() * columns);
  for (const Answer& answer : answers)
    scores.insert(scores.end(), answer.scores.begin(), answer.scores.end());
  const auto samples = static_cast<std::int64_t>(answers.size());
  RunEvidence evidence;
  evidence.task = Task::kClassification;
  evidence.predictions.push_back(
      {"scores", {ElementType::kFloat64, {samples, static_cast<std::int64_t>(columns)}, BytesOf(scores)}});
  evidence.labels = NamedTensorView{"labels", {ElementType::kInt64, {samples}, BytesOf(labels)}};
  KpiReport report;
  for (const char* kpi : kAccuracyKpis) {
    KpiOutcome outcome = FindKpi(kpi)->compute(evidence);
    if (outcome.value) {
      report.values[kpi] = *outcome.value;
    } else {
      report.missing[kpi] = std::move(outcome.missing);
    }
  }
  return report;
}

}  // namespace

Result<KpiReport> AccuracyOf(const std::vector<Answer>& answers, const std::vector<SourceFile>& labels) {
  if (answers.empty()) return AllMissing("no_predictions");
  PADDOCK_RETURN_IF_ERROR(CheckLengths(answers));
  const bool single = answers.front().scores.size() == 1;
  const std::vector<Answer> rows = single ? MeanOfSegments(answers) : answers;
  PADDOCK_ASSIGN_OR_RETURN(const Labels found, FindLabels(rows, labels));
  if (!found) return AllMissing("no_labels");
  KpiReport report = Compute(rows, *found);
  if (single) {
    report.values.erase("accuracy_top1");
    report.missing["accuracy_top1"] = "no_threshold";
  }
  return report;
}

}  // namespace paddock::mlperf_tiny
