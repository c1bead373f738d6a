#include "server/rpc/result_service.h"

#include <algorithm>
#include <set>

#include "kpi/comparison.h"
#include "server/rpc/convert.h"
#include "server/rpc/status.h"

namespace paddock {
namespace {

constexpr std::uint32_t kDefaultResultLimit = 50;

std::string VariantName(const StoredResult& result) {
  return result.run.variant < result.spec.variants.size() ? result.spec.variants[result.run.variant].name
                                                          : "";
}

bool IsValid(const StoredResult& result) {
  return result.evaluation && result.evaluation->judgement.verdict == Verdict::kValid;
}

// Only valid runs may be compared; what is left out is said.
std::vector<StoredResult> ValidOnly(std::vector<StoredResult> results, v1::Comparison& out) {
  std::vector<StoredResult> valid;
  for (StoredResult& result : results) {
    if (IsValid(result)) {
      valid.push_back(std::move(result));
      continue;
    }
    const std::string why =
        result.evaluation ? "its verdict is " + std::string(VerdictName(result.evaluation->judgement.verdict))
                          : "it is " + std::string(RunStateName(result.run.state));
    out.add_notes("run " + result.run.id.str() + " (" + result.run.device.str() + ", " + VariantName(result) +
                  ") is left out: " + why);
  }
  return valid;
}

void AddRows(const StoredResult& a, const StoredResult& b, v1::Comparison& out) {
  for (const KpiDefinition& kpi : KpiCatalog()) {
    const auto value_a = a.evaluation->kpis.values.find(std::string(kpi.name));
    const auto value_b = b.evaluation->kpis.values.find(std::string(kpi.name));
    if (value_a == a.evaluation->kpis.values.end() || value_b == b.evaluation->kpis.values.end()) continue;
    const KpiComparison compared = CompareKpi(kpi.better, value_a->second, value_b->second);
    v1::Comparison::Row& row = *out.add_rows();
    row.set_device(a.run.device == b.run.device ? a.run.device.str()
                                                : a.run.device.str() + " / " + b.run.device.str());
    row.set_variant_a(VariantName(a));
    row.set_variant_b(VariantName(b));
    row.set_run_a(a.run.id.str());
    row.set_run_b(b.run.id.str());
    row.set_kpi(std::string(kpi.name));
    row.set_unit(std::string(kpi.unit));
    *row.mutable_a() = KpiToProto(kpi, value_a->second);
    *row.mutable_b() = KpiToProto(kpi, value_b->second);
    if (compared.ratio) row.set_ratio(*compared.ratio);
    row.set_change(std::string(ChangeName(compared.change)));
  }
}

std::set<std::string> Variants(const std::vector<StoredResult>& results) {
  std::set<std::string> names;
  for (const StoredResult& result : results) names.insert(VariantName(result));
  return names;
}

}  // namespace

grpc::Status ResultService::ListResults(grpc::ServerContext*, const v1::ListResultsRequest* request,
                                        v1::ListResultsResponse* response) {
  const std::uint32_t limit = request->limit() == 0 ? kDefaultResultLimit : request->limit();
  const auto results = request->job_id().empty() ? reader_.ListResults(limit)
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
  auto results = reader_.ListResultsOf(JobId(id));
  if (results.status().code() == StatusCode::kNotFound) {
    return NotFoundError("neither a run nor a job '" + id +
                         "'; `paddock job list` and `paddock result list` show them");
  }
  return results;
}

grpc::Status ResultService::Compare(grpc::ServerContext*, const v1::CompareRequest* request,
                                    v1::Comparison* out) {
  auto all_a = ResultsOf(request->a());
  if (!all_a.ok()) return ToGrpc(all_a.status());
  auto all_b = ResultsOf(request->b());
  if (!all_b.ok()) return ToGrpc(all_b.status());
  const bool same_job = request->a() == request->b();
  const auto a = ValidOnly(*std::move(all_a), *out);
  v1::Comparison ignored;
  const auto b = ValidOnly(*std::move(all_b), same_job ? ignored : *out);
  const bool by_variant = Variants(a) == Variants(b) && a.size() * b.size() > 1;
  const bool single = a.size() == 1 && b.size() == 1;
  std::set<RunId> paired_b;
  for (const StoredResult& left : a) {
    bool paired = false;
    for (const StoredResult& right : b) {
      const bool fits = single || (left.run.device == right.run.device &&
                                   (!by_variant || VariantName(left) == VariantName(right)));
      if (!fits) continue;
      paired = true;
      paired_b.insert(right.run.id);
      AddRows(left, right, *out);
    }
    if (!paired)
      out->add_notes("run " + left.run.id.str() + " of " + request->a() + " has no partner in " +
                     request->b());
  }
  for (const StoredResult& right : b) {
    if (!paired_b.contains(right.run.id)) {
      out->add_notes("run " + right.run.id.str() + " of " + request->b() + " has no partner in " +
                     request->a());
    }
  }
  return grpc::Status::OK;
}

}  // namespace paddock
