#include "agent/spool.h"

#include <algorithm>
#include <filesystem>
#include <random>

#include <fmt/format.h>

#include "agent/worker_protocol.h"
#include "base/file.h"
#include "base/strict_json.h"
#include "kpi/energy.h"
#include "kpi/run_record.h"

namespace paddock::agent {
namespace {

constexpr ParseLimits kAssignmentLimits{.max_bytes = std::size_t{64} << 20, .max_nodes = 2'000'000};

Result<Assignment> ReadAssignment(const std::string& folder) {
  const std::string path = folder + "/assignment.json";
  PADDOCK_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseJson(text, path, kAssignmentLimits));
  std::string run;
  Assignment assignment;
  StrictObject object(json, "");
  object.Required("run", &run);
  object.Required("lease", &assignment.lease.lease);
  object.Required("plan", &assignment.plan_json);
  PADDOCK_RETURN_IF_ERROR(object.Finish());
  assignment.lease.run = RunId(run);
  return assignment;
}

Json StagesAsJson(const std::vector<StageTime>& stages) {
  Json list = Json::array();
  for (const StageTime& stage : stages) {
    Json item = {{"stage", stage.stage}, {"seconds", stage.seconds}};
    if (stage.repetition) item["repetition"] = *stage.repetition;
    if (stage.bytes) item["bytes"] = *stage.bytes;
    if (stage.energy_j) item["energy_j"] = *stage.energy_j;
    list.push_back(std::move(item));
  }
  return list;
}

std::string EncodeReport(const Report& report) {
  Json json = {{"outcome", OutcomeName(report.outcome)}, {"repetitions", Json::array()}};
  if (report.failure) {
    json["failure"] = {{"class", FailureClassName(report.failure->failure_class)},
                       {"stage", report.failure->stage},
                       {"message", report.failure->message},
                       {"retry", report.failure->retry}};
  }
  for (const auto& repetition : report.repetitions) {
    json["repetitions"].push_back(
        {{"index", repetition.index}, {"predictions", !repetition.predictions_path.empty()}});
  }
  if (!report.stages.empty()) json["stages"] = StagesAsJson(report.stages);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::vector<StageTime>> ReadStages(const Json& list) {
  std::vector<StageTime> stages;
  if (!list.is_array()) return InvalidArgumentError("stages: must be a list");
  for (const Json& item : list) {
    StageTime stage;
    StrictObject nested(item, "stages");
    nested.Required("stage", &stage.stage);
    nested.Optional("repetition", &stage.repetition);
    nested.Required("seconds", &stage.seconds);
    nested.Optional("bytes", &stage.bytes);
    nested.Optional("energy_j", &stage.energy_j);
    PADDOCK_RETURN_IF_ERROR(nested.Finish());
    stages.push_back(std::move(stage));
  }
  return stages;
}

Result<Report> ReadReport(const std::string& folder, const HeldLease& lease) {
  const std::string path = folder + "/report.json";
  PADDOCK_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseJson(text, path));
  Report report;
  report.lease = lease;
  std::string outcome;
  StrictObject object(json, "");
  object.Required("outcome", &outcome);
  if (const Json* child = object.Child("failure")) {
    Failure failure;
    std::string failure_class;
    StrictObject nested(*child, "failure");
    nested.Required("class", &failure_class);
    nested.Required("stage", &failure.stage);
    nested.Required("message", &failure.message);
    nested.Required("retry", &failure.retry);
    PADDOCK_RETURN_IF_ERROR(nested.Finish());
    PADDOCK_ASSIGN_OR_RETURN(failure.failure_class, ParseFailureClass(failure_class));
    report.failure = std::move(failure);
  }
  if (const Json* list = object.Child("repetitions"); list != nullptr && list->is_array()) {
    for (const Json& item : *list) {
      RepetitionFiles files;
      bool predictions = false;
      StrictObject nested(item, "repetitions");
      nested.Required("index", &files.index);
      nested.Required("predictions", &predictions);
      PADDOCK_RETURN_IF_ERROR(nested.Finish());
      files.record_path = RecordPath(folder, files.index);
      if (predictions) files.predictions_path = PredictionsPath(folder, files.index);
      report.repetitions.push_back(std::move(files));
    }
  }
  if (const Json* list = object.Child("stages")) {
    PADDOCK_ASSIGN_OR_RETURN(report.stages, ReadStages(*list));
  }
  PADDOCK_RETURN_IF_ERROR(object.Finish());
  PADDOCK_ASSIGN_OR_RETURN(report.outcome, ParseOutcome(outcome));
  return report;
}

Result<AgentInstanceId> ReadOrMakeInstance(const std::string& path) {
  auto known = ReadFile(path, 256);
  if (known.ok() && !known->empty()) return AgentInstanceId(*known);
  if (!known.ok() && known.status().code() != StatusCode::kNotFound) return known.status();
  std::random_device random;
  const std::string id = fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
  PADDOCK_RETURN_IF_ERROR(WriteFileAtomically(path, id));
  return AgentInstanceId(id);
}

Status RemoveFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  if (error) return ErrnoStatus(error.value(), "cannot remove " + folder);
  return OkStatus();
}

std::optional<double> FirstInferenceS(const RepetitionRecord& record) {
  if (!record.first_inference_ns || record.clock != RepetitionRecord().clock) return std::nullopt;
  return static_cast<double>(*record.first_inference_ns) / 1e9;
}

std::optional<double> MeasuredJoules(const RepetitionRecord& record) {
  if (record.energy_j || !record.power || record.energy_window) return record.energy_j;
  return MeasuredEnergy(*record.power).gross_j;
}

// Run ids come over the wire and become part of a path.
bool IsPlainName(const std::string& name) {
  return !name.empty() && name.size() <= 100 && name[0] != '.' &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_' || c == '.'; });
}

}  // namespace

Result<Spool> Spool::Open(const std::string& state_directory, std::vector<std::string>* dropped) {
  Spool spool(state_directory + "/runs");
  PADDOCK_RETURN_IF_ERROR(CreateDirectories(spool.runs_directory_));
  PADDOCK_ASSIGN_OR_RETURN(spool.instance_, ReadOrMakeInstance(state_directory + "/instance"));

  std::error_code error;
  std::filesystem::directory_iterator entries(spool.runs_directory_, error);
  if (error) return ErrnoStatus(error.value(), "cannot list " + spool.runs_directory_);
  std::vector<std::string> folders;
  for (const auto& entry : entries) folders.push_back(entry.path().string());
  for (const std::string& folder : folders) {
    auto assignment = ReadAssignment(folder);
    if (!assignment.ok()) {
      dropped->push_back(folder + ": " + assignment.status().ToString());
      PADDOCK_RETURN_IF_ERROR(RemoveFolder(folder));
      continue;
    }
    SpooledRun run{.assignment = std::move(assignment).value(), .folder = folder, .report = {}};
    auto report = ReadReport(folder, run.assignment.lease);
    if (report.ok()) run.report = std::move(report).value();
    spool.found_.push_back(std::move(run));
  }
  std::sort(spool.found_.begin(), spool.found_.end(), [](const SpooledRun& a, const SpooledRun& b) {
    return a.assignment.lease.lease < b.assignment.lease.lease;
  });
  return spool;
}

Result<SpooledRun> Spool::Accept(const Assignment& assignment) {
  if (!IsPlainName(assignment.lease.run.str())) {
    return InvalidArgumentError("the run id \"" + assignment.lease.run.str() +
                                "\" cannot be a folder's name");
  }
  SpooledRun run{.assignment = assignment,
                 .folder = runs_directory_ + "/" + assignment.lease.run.str() + "-" +
                           std::to_string(assignment.lease.lease),
                 .report = {}};
  const Json json = {
      {"run", assignment.lease.run.str()}, {"lease", assignment.lease.lease}, {"plan", assignment.plan_json}};
  Status status = CreateDirectories(run.folder);
  if (status.ok()) {
    // Unsynced: what power loss takes of it is granted again.
    status = WriteFileUnsynced(run.folder + "/assignment.json",
                               json.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  if (!status.ok()) {
    (void)RemoveFolder(run.folder);
    return status;
  }
  return run;
}

Status Spool::WriteReport(const SpooledRun& run, const Report& report) {
  return WriteFileAtomically(run.folder + "/report.json", EncodeReport(report));
}

Status Spool::Remove(const SpooledRun& run) {
  // The assignment first: a crash in between leaves a folder that the next start removes.
  PADDOCK_RETURN_IF_ERROR(RemoveFile(run.folder + "/assignment.json"));
  return RemoveFolder(run.folder);
}

std::vector<RepetitionFiles> CompleteRepetitions(const std::string& folder, std::uint32_t repetitions) {
  std::vector<RepetitionFiles> complete;
  for (std::uint32_t index = 0; index < repetitions; ++index) {
    const std::string path = RecordPath(folder, index);
    const auto bytes = ReadFile(path);
    if (!bytes.ok()) continue;
    const auto record = DecodeRepetition(*bytes);
    if (!record.ok() || record->index != index) {
      (void)RemoveFile(path);
      continue;
    }
    const std::string predictions = PredictionsPath(folder, index);
    complete.push_back({.index = index,
                        .record_path = path,
                        .predictions_path = FileSize(predictions).ok() ? predictions : std::string(),
                        .first_inference_s = FirstInferenceS(*record),
                        .energy_j = MeasuredJoules(*record)});
  }
  return complete;
}

}  // namespace paddock::agent
