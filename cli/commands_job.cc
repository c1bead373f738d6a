#include <openssl/rand.h>

#include <array>
#include <iostream>

#include "base/scratch_folder.h"
#include "cli/blob_upload.h"
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/follow.h"
#include "cli/pack_folder.h"
#include "cli/result_table.h"
#include "cli/variant_choice.h"

namespace paddock {
namespace {

constexpr std::uint64_t kLargeFileBytes = 8 << 20;  // uploads above say how far they are

// So that a submit that is tried again after a broken connection makes one job, not two.
std::string NewIdempotencyKey() {
  std::array<unsigned char, 16> bytes{};
  RAND_bytes(bytes.data(), bytes.size());
  return Sha256::Of({reinterpret_cast<const char*>(bytes.data()), bytes.size()}).hex();
}

Result<UploadSummary> UploadWithProgress(Connection& connection,
                                         const std::map<std::string, std::string>& files) {
  ProgressView view;
  return UploadFiles(connection, files, [&](const std::string& name, std::uint64_t done, std::uint64_t size) {
    if (size < kLargeFileBytes) return;
    const std::uint64_t percent = 100 * done / size;
    view.Note("uploading " + name + ": " + std::to_string(percent - percent % 5) + " % of " +
              Figure(static_cast<double>(size), "B"));
  });
}

// Puts archives in the place of folders of samples; they are there as long as what is returned.
Result<std::vector<ScratchFolder>> PackFolders(JobRequest& job) {
  std::vector<ScratchFolder> places;
  for (const std::string& name : {job.spec.data().file(), job.spec.calibration().file()}) {
    const auto file = job.files.find(name);
    if (file == job.files.end()) continue;
    PADDOCK_ASSIGN_OR_RETURN(std::optional<ScratchFolder> place, PackIfFolder(&file->second));
    if (place) places.push_back(*std::move(place));
  }
  return places;
}

Result<std::string> Submit(Connection& connection, const JobFlags& flags) {
  PADDOCK_ASSIGN_OR_RETURN(JobRequest job, ReadJob(flags));
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<ScratchFolder> packed, PackFolders(job));
  PADDOCK_ASSIGN_OR_RETURN(const UploadSummary uploaded, UploadWithProgress(connection, job.files));
  v1::SubmitJobRequest request;
  *request.mutable_spec() = job.spec;
  request.set_idempotency_key(NewIdempotencyKey());
  for (const auto& [name, digest] : uploaded.digests) (*request.mutable_files())[name] = digest.hex();
  v1::SubmitJobResponse response;
  const Status submitted =
      connection.Call(connection.jobs(), &v1::JobService::Stub::SubmitJob, request, &response);
  if (!submitted.ok()) return flags.file.empty() ? submitted : submitted.WithContext(flags.file);
  std::cerr << "job " << response.job_id() << ": " << response.run_ids_size() << " run"
            << (response.run_ids_size() == 1 ? "" : "s") << " queued, "
            << Figure(static_cast<double>(uploaded.sent_bytes), "B") << " sent"
            << (uploaded.sent_bytes == 0 ? " (the farm has the files)" : "") << "\n";
  std::map<std::pair<std::string, std::string>, std::string> devices;  // by variant and reason
  for (const auto& skipped : response.skipped()) {
    std::string& list = devices[{skipped.variant(), skipped.reason()}];
    list += (list.empty() ? "" : ", ") + skipped.device();
  }
  for (const auto& [what, list] : devices)
    PrintMessage("skipped: " + what.first + " on " + list + ": " + what.second);
  return response.job_id();
}

int ExitCodeOfJob(const v1::JobStatus& job, const std::vector<v1::RunResult>& results) {
  bool any_budget_missed = false;
  bool job_at_fault = false;
  bool farm_at_fault = false;
  bool any_without_verdict = false;
  for (const v1::RunResult& result : results) {
    if (result.state() == "failed" || result.state() == "lost") {
      (result.failure().class_() == "job" ? job_at_fault : farm_at_fault) = true;
    }
    if (result.state() == "done" && result.verdict() != "valid") any_without_verdict = true;
    for (const v1::BudgetJudgement& budget : result.budgets())
      any_budget_missed |= budget.outcome() == "missed";
  }
  if (job_at_fault) return kExitJobFailed;
  if (farm_at_fault) return kExitFarmFailed;
  if (job.state() == "cancelled") return kExitFailed;
  if (any_without_verdict) return kExitNoValidVerdict;
  return any_budget_missed ? kExitBudget : kExitOk;
}

struct EndedJob {
  v1::JobStatus status;
  std::vector<v1::RunResult> results;
};

// Follows the job to its end. An error is reported: its exit code is in `code`.
std::optional<EndedJob> Follow(Connection& connection, const std::string& job_id, int& code) {
  Result<v1::JobStatus> job = CancelledError("");
  {
    ProgressView view;
    job = FollowJob(connection, job_id, &view);
  }
  if (job.status().code() == StatusCode::kCancelled) {
    std::cerr << "\njob " << job_id << " goes on; `paddock watch " << job_id
              << "` follows it, `paddock cancel " << job_id << "` ends it\n";
    code = kExitInterrupted;
    return std::nullopt;
  }
  if (!job.ok()) {
    code = Report(job.status());
    return std::nullopt;
  }
  v1::ListResultsRequest request;
  request.set_job_id(job_id);
  v1::ListResultsResponse response;
  const Status listed =
      connection.Call(connection.results(), &v1::ResultService::Stub::ListResults, request, &response);
  if (!listed.ok()) {
    code = Report(listed);
    return std::nullopt;
  }
  return EndedJob{*std::move(job), {response.results().begin(), response.results().end()}};
}

// Asks the coordinator, which has the answers to each sample. What cannot be compared is left out.
AccuracyChanges CompareAccuracy(Connection& connection, const std::vector<VariantRow>& rows) {
  AccuracyChanges changes;
  for (const VariantRow& row : rows) {
    if (row.base == nullptr || row.accuracy_kpi.empty()) continue;
    v1::CompareRequest request;
    request.set_a(row.base->run_id());
    request.set_b(row.run->run_id());
    v1::Comparison comparison;
    const Status compared =
        connection.Call(connection.results(), &v1::ResultService::Stub::Compare, request, &comparison);
    if (!compared.ok()) continue;
    for (const v1::Comparison::Row& kpi : comparison.rows()) {
      if (kpi.kpi() == row.accuracy_kpi) changes[row.run->run_id()] = kpi;
    }
  }
  return changes;
}

void PrintChoices(const std::vector<VariantChoice>& choices) {
  if (!choices.empty()) std::cout << "\n";
  for (const VariantChoice& choice : choices) {
    std::cout << Printable(choice.device + ": " + (choice.variant.empty() ? "" : choice.variant + ", ") +
                           choice.reason)
              << "\n";
  }
}

// Follows, prints the results, and says with which code to end.
int FollowAndShow(const Globals& globals, Connection& connection, const std::string& job_id) {
  int code = kExitOk;
  const auto ended = Follow(connection, job_id, code);
  if (!ended) return code;
  const std::vector<v1::RunResult>& results = ended->results;
  const bool is_for_people = globals.format == OutputFormat::kTable || globals.format == OutputFormat::kWide;
  const std::vector<VariantRow> variants = VariantRows(results);
  const std::vector<VariantChoice> choices = ChooseVariants(results);
  AccuracyChanges changes;
  if (is_for_people || globals.format == OutputFormat::kJson) changes = CompareAccuracy(connection, variants);
  if (globals.format == OutputFormat::kJson) {
    std::cout << Text(JobDocument(ended->status, results, variants, changes, choices));
  } else {
    PrintResults(globals.format, results);
    PrintBudgets(globals.format, results);
  }
  if (is_for_people && !variants.empty()) {
    std::cout << "\n" << AsText(VariantTable(variants, changes));
    PrintChoices(choices);
  }
  PrintProblems(results);
  return ExitCodeOfJob(ended->status, results);
}

std::string RunCounts(const v1::JobStatus& job) {
  std::map<std::string, int> counts;
  for (const v1::RunStatus& run : job.runs()) ++counts[run.state()];
  std::string text;
  for (const auto& [state, count] : counts) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + state;
  }
  return text;
}

}  // namespace

int Report(const Status& status) {
  PrintMessage("paddock: " + status.message());
  return ExitCodeOf(status);
}

int RunJob(const Globals& globals, const JobFlags& flags) {
  Connection connection(globals.server);
  const auto job_id = Submit(connection, flags);
  if (!job_id.ok()) return Report(job_id.status());
  return FollowAndShow(globals, connection, *job_id);
}

int SubmitOnly(const Globals& globals, const JobFlags& flags) {
  Connection connection(globals.server);
  const auto job_id = Submit(connection, flags);
  if (!job_id.ok()) return Report(job_id.status());
  if (globals.format == OutputFormat::kJson) {
    std::cout << Text({{"job", {{"id", *job_id}}}});
  } else {
    std::cout << *job_id << "\n";
  }
  return kExitOk;
}

int RerunRun(const Globals& globals, const std::string& run_id) {
  Connection connection(globals.server);
  const auto fetched = FetchResult(connection, run_id);
  if (!fetched.ok()) return Report(fetched.status());
  const v1::RunResult& original = *fetched;
  v1::RerunRequest request;
  request.set_run_id(run_id);
  request.set_idempotency_key(NewIdempotencyKey());
  v1::SubmitJobResponse response;
  const Status submitted =
      connection.Call(connection.jobs(), &v1::JobService::Stub::RerunRun, request, &response);
  if (!submitted.ok()) return Report(submitted);
  std::cerr << "job " << response.job_id() << " repeats " << run_id << "\n";
  int code = kExitOk;
  const auto ended = Follow(connection, response.job_id(), code);
  if (!ended) return code;
  std::vector<RepeatRow> rows;
  if (!ended->results.empty()) rows = RepeatRows(original, ended->results.front());
  if (globals.format == OutputFormat::kJson) {
    std::cout << Text(RerunDocument(ended->status, original, ended->results, rows));
  } else {
    PrintTable(globals.format, RepeatTable(rows), "no KPI to compare");
  }
  PrintProblems(ended->results);
  if (original.verdict() != "valid") {
    PrintMessage("the original, " + run_id + ", is " + VerdictOrState(original) +
                 ": its intervals say little");
  }
  return ExitCodeOfJob(ended->status, ended->results);
}

int WatchJob(const Globals& globals, const std::string& job_id) {
  Connection connection(globals.server);
  return FollowAndShow(globals, connection, job_id);
}

int CancelJob(const Globals& globals, const std::string& job_id) {
  Connection connection(globals.server);
  v1::CancelJobRequest request;
  request.set_job_id(job_id);
  v1::CancelJobResponse response;
  const Status status =
      connection.Call(connection.jobs(), &v1::JobService::Stub::CancelJob, request, &response);
  if (!status.ok()) return Report(status);
  std::cerr << "job " << job_id << " is being cancelled\n";
  return kExitOk;
}

int ListJobs(const Globals& globals, std::uint32_t limit, bool with_golden) {
  Connection connection(globals.server);
  v1::ListJobsRequest request;
  request.set_limit(limit);
  request.set_with_golden(with_golden);
  v1::ListJobsResponse response;
  const Status status =
      connection.Call(connection.jobs(), &v1::JobService::Stub::ListJobs, request, &response);
  if (!status.ok()) return Report(status);
  if (globals.format == OutputFormat::kJson) {
    OrderedJson out = OrderedJson::array();
    for (const v1::JobStatus& job : response.jobs()) out.push_back(JobSummaryDocument(job));
    std::cout << Text(out);
    return kExitOk;
  }
  Table table{{"JOB", "NAME", "STATE", "RUNS", "SUBMITTED"}, {}};
  for (const v1::JobStatus& job : response.jobs()) {
    table.rows.push_back(
        {job.job_id(), job.name(), job.state(), RunCounts(job), Ago(job.submitted_wall_ms())});
  }
  PrintTable(globals.format, table, "no job yet; `paddock run JOB.yaml` submits one");
  return kExitOk;
}

int ShowJob(const Globals& globals, const std::string& job_id) {
  Connection connection(globals.server);
  v1::GetJobRequest request;
  request.set_job_id(job_id);
  v1::JobStatus job;
  const Status status = connection.Call(connection.jobs(), &v1::JobService::Stub::GetJob, request, &job);
  if (!status.ok()) return Report(status);
  if (globals.format == OutputFormat::kJson) {
    std::cout << Text(JobSummaryDocument(job));
    return kExitOk;
  }
  if (globals.format == OutputFormat::kTable || globals.format == OutputFormat::kWide) {
    std::cout << job.job_id() << "  " << job.name() << "  " << job.state() << ", submitted "
              << Ago(job.submitted_wall_ms()) << "\n";
  }
  Table table{{"RUN", "DEVICE", "VARIANT", "STATE", "VERDICT", "PROGRESS"}, {}};
  for (const v1::RunStatus& run : job.runs()) {
    table.rows.push_back(
        {run.run_id(), run.device(), run.variant(), run.state(), run.verdict(), ProgressText(run)});
  }
  PrintTable(globals.format, table, "the job has no runs");
  return kExitOk;
}

}  // namespace paddock
