// What a result rests on: histograms and raw records.
#include <algorithm>

#include "base/clock.h"
#include "base/utc_text.h"
#include "proto/wire_limits.h"
#include "server/rpc/result_service.h"
#include "server/rpc/status.h"

namespace paddock {
namespace {

// False when the stream broke.
bool Send(std::string_view bytes, grpc::ServerWriter<v1::RecordChunk>& writer) {
  v1::RecordChunk chunk;
  chunk.set_size_bytes(bytes.size());
  do {
    const std::size_t size = std::min(kChunkBytes, bytes.size());
    chunk.set_data(bytes.data(), size);
    if (!writer.Write(chunk)) return false;
    bytes.remove_prefix(size);
  } while (!bytes.empty());
  return true;
}

}  // namespace

void ResultService::FillRetention(const StoredResult& result, v1::RunResult& out) {
  for (int i = 0; i < out.repetitions_size(); ++i) {
    const Digest& blob = result.measurements[static_cast<std::size_t>(i)].record_blob;
    if (blob.empty()) continue;
    v1::RepetitionInfo& info = *out.mutable_repetitions(i);
    if (result.run.finished_wall_ms != 0) info.set_record_expires_wall_ms(retention_.ExpiryOf(result.run));
    info.set_record_gone(!artifacts_.Has(blob));
  }
}

grpc::Status ResultService::GetDistribution(grpc::ServerContext*, const v1::GetDistributionRequest* request,
                                            v1::Distribution* response) {
  const auto histograms = reader_.GetHistograms(RunId(request->run_id()));
  if (!histograms.ok()) return ToGrpc(histograms.status());
  for (const auto& [repetition, histogram] : *histograms) {
    v1::Distribution::Entry& entry = *response->add_entries();
    entry.set_repetition(repetition);
    entry.set_histogram(histogram.encoded);
    entry.set_invocations_per_value(histogram.invocations_per_value);
  }
  if (!histograms->empty()) return grpc::Status::OK;
  const auto result = reader_.GetResult(RunId(request->run_id()));
  if (result.ok()) return grpc::Status::OK;
  return ToGrpc(NotFoundError("no run '" + request->run_id() + "'; `paddock result list` shows the latest"));
}

grpc::Status ResultService::GetRecord(grpc::ServerContext*, const v1::GetRecordRequest* request,
                                      grpc::ServerWriter<v1::RecordChunk>* writer) {
  const auto result = reader_.GetResult(RunId(request->run_id()));
  if (!result.ok()) {
    return ToGrpc(
        NotFoundError("no run '" + request->run_id() + "'; `paddock result list` shows the latest"));
  }
  const auto found =
      std::find_if(result->measurements.begin(), result->measurements.end(),
                   [&](const RepetitionReport& report) { return report.index == request->repetition(); });
  if (found == result->measurements.end()) {
    return ToGrpc(NotFoundError("run " + request->run_id() + " has no repetition " +
                                std::to_string(request->repetition()) + "; `paddock result show " +
                                request->run_id() + " -o json` lists those that it has"));
  }
  if (found->record_blob.empty()) {
    return Send(found->record_inline, *writer) ? grpc::Status::OK : grpc::Status::CANCELLED;
  }
  const auto blob = artifacts_.Map(found->record_blob);
  if (blob.ok()) return Send(blob->bytes(), *writer) ? grpc::Status::OK : grpc::Status::CANCELLED;
  const std::int64_t expiry = retention_.ExpiryOf(result->run);
  const std::string who = "repetition " + std::to_string(found->index) + " of run " + request->run_id();
  if (blob.status().code() == StatusCode::kNotFound && result->run.finished_wall_ms != 0 &&
      expiry <= SystemClock().WallMs()) {
    return ToGrpc(NotFoundError("the raw record of " + who + " expired on " + UtcText(expiry, kUtcDay) +
                                ", its histogram is kept: `paddock result show " + request->run_id() +
                                " --distribution`, or export it with --format hdr"));
  }
  return ToGrpc(blob.status().WithContext("raw record of " + who));
}

}  // namespace paddock
