#include "server/rpc/result_service.h"

#include <optional>

#include "kpi/paired_accuracy.h"
#include "kpi/tensor_file.h"
#include "server/rpc/compare.h"
#include "server/rpc/convert.h"
#include "server/rpc/status.h"

namespace paddock {
namespace {

constexpr std::uint32_t kDefaultResultLimit = 50;

// A tensor file of the artifact store and the views into it.
struct MappedBlob {
  MappedFile file;
  std::vector<NamedTensorView> tensors;
};

std::optional<MappedBlob> MapBlob(ArtifactStore& artifacts, const Digest& digest) {
  if (digest.empty()) return std::nullopt;
  auto file = artifacts.Map(digest);
  if (!file.ok()) return std::nullopt;
  auto tensors = DecodeTensorFile(file->bytes());
  if (!tensors.ok() || tensors->empty()) return std::nullopt;
  return MappedBlob{*std::move(file), *std::move(tensors)};
}

Digest PredictionsOfRun(const StoredResult& result) {
  for (const RepetitionReport& report : result.measurements) {
    if (!report.predictions.empty()) return report.predictions;
  }
  return Digest();
}

// The same samples in the same order, chosen from the same data.
bool AnsweredTheSame(const StoredResult& a, const StoredResult& b) {
  return a.spec.task == Task::kClassification && b.spec.task == Task::kClassification &&
         a.spec.data == b.spec.data && a.run.prepared && b.run.prepared &&
         a.run.prepared->labels == b.run.prepared->labels &&
         a.spec.data_spec.samples == b.spec.data_spec.samples &&
         a.spec.data_spec.seed == b.spec.data_spec.seed &&
         a.spec.data_spec.accuracy_interval.has_value() == b.spec.data_spec.accuracy_interval.has_value();
}

std::optional<PairedAccuracy> PairAccuracyOf(ArtifactStore& artifacts, const StoredResult& a,
                                             const StoredResult& b) {
  if (!AnsweredTheSame(a, b)) return std::nullopt;
  const auto first = MapBlob(artifacts, PredictionsOfRun(a));
  const auto second = MapBlob(artifacts, PredictionsOfRun(b));
  const auto labels = MapBlob(artifacts, a.run.prepared->labels);
  if (!first || !second || !labels) return std::nullopt;
  return ComparePairedAccuracy(first->tensors.front(), second->tensors.front(), labels->tensors.front(),
                               a.spec.data_spec.accuracy_interval.has_value())
      .value;
}

}  // namespace

grpc::Status ResultService::ListResults(grpc::ServerContext*, const v1::ListResultsRequest* request,
                                        v1::ListResultsResponse* response) {
  const std::uint32_t limit = request->limit() == 0 ? kDefaultResultLimit : request->limit();
  const auto results = request->job_id().empty() ? reader_.ListResults(limit, request->with_golden())
                                                 : reader_.ListResultsOf(JobId(request->job_id()));
  if (results.status().code() == StatusCode::kNotFound) {
    return ToGrpc(NotFoundError("no job '" + request->job_id() + "'; `paddock job list` shows the latest"));
  }
  if (!results.ok()) return ToGrpc(results.status());
  for (const StoredResult& result : *results) *response->add_results() = ResultToProto(result);
  return grpc::Status::OK;
}

grpc::Status ResultService::GetResult(grpc::ServerContext*, const v1::GetResultRequest* request,
                                      v1::RunResult* response) {
  const auto result = reader_.GetResult(RunId(request->run_id()));
  if (!result.ok()) {
    if (result.status().code() != StatusCode::kNotFound) return ToGrpc(result.status());
    return ToGrpc(
        NotFoundError("no run '" + request->run_id() + "'; `paddock result list` shows the latest"));
  }
  *response = ResultToProto(*result);
  FillRetention(*result, *response);
  return grpc::Status::OK;
}

Result<std::vector<StoredResult>> ResultService::ResultsOf(const std::string& id) {
  if (id.starts_with("r-")) {
    auto result = reader_.GetResult(RunId(id));
    if (!result.ok()) return NotFoundError("no run '" + id + "'; `paddock result list` shows the latest");
    std::vector<StoredResult> one;
    one.push_back(*std::move(result));
    return one;
  }
  const std::size_t slash = id.find_first_of("/:");
  auto results = reader_.ListResultsOf(JobId(id.substr(0, slash)));
  if (results.status().code() == StatusCode::kNotFound) {
    return NotFoundError("neither a run nor a job '" + id +
                         "'; `paddock job list` and `paddock result list` show them");
  }
  if (results.ok() && slash != std::string::npos)
    return OnlyVariant(*std::move(results), id.substr(slash + 1));
  return results;
}

grpc::Status ResultService::Compare(grpc::ServerContext*, const v1::CompareRequest* request,
                                    v1::Comparison* out) {
  auto a = ResultsOf(request->a());
  if (!a.ok()) return ToGrpc(a.status());
  auto b = ResultsOf(request->b());
  if (!b.ok()) return ToGrpc(b.status());
  *out = CompareSides({request->a(), *std::move(a)}, {request->b(), *std::move(b)},
                      [this](const StoredResult& left, const StoredResult& right) {
                        return PairAccuracyOf(artifacts_, left, right);
                      });
  return grpc::Status::OK;
}

}  // namespace paddock
