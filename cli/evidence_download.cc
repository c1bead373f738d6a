#include "cli/evidence_download.h"

#include <algorithm>
#include <chrono>

#include "base/clock.h"
#include "base/utc_text.h"

namespace paddock {
namespace {

constexpr std::uint64_t kLargestRecord = std::uint64_t{4} << 30;
constexpr auto kDownloadPatience = std::chrono::minutes(30);

// How long the measured window of a repetition was; the sum of its latencies where nobody says.
double SecondsOf(const v1::RunResult& result, std::uint32_t repetition, const Histogram& histogram) {
  for (const v1::StageTime& stage : result.waterfall()) {
    if (stage.stage() == kMeasuredStage && stage.has_repetition() && stage.repetition() == repetition)
      return stage.seconds();
  }
  return histogram.Mean() * static_cast<double>(histogram.total_count()) / 1e9;
}

}  // namespace

Result<std::vector<HistogramSpan>> FetchHistograms(Connection& connection, const v1::RunResult& result,
                                                   std::optional<std::uint32_t> repetition) {
  v1::GetDistributionRequest request;
  request.set_run_id(result.run_id());
  v1::Distribution distribution;
  PADDOCK_RETURN_IF_ERROR(connection.Call(connection.results(), &v1::ResultService::Stub::GetDistribution,
                                          request, &distribution));
  if (distribution.entries_size() == 0) {
    return FailedPreconditionError("run " + result.run_id() + " has no histogram of its latencies: it is " +
                                   result.state() + "; histograms are made when a run is evaluated");
  }
  std::vector<HistogramSpan> spans;
  for (const v1::Distribution::Entry& entry : distribution.entries()) {
    if (repetition && *repetition != entry.repetition()) continue;
    LatencyHistogram histogram{entry.histogram(), std::max<std::uint32_t>(entry.invocations_per_value(), 1)};
    auto decoded = Histogram::Decode(histogram.encoded);
    if (!decoded.ok())
      return decoded.status().WithContext("histogram of repetition " + std::to_string(entry.repetition()));
    spans.push_back(
        {entry.repetition(), std::move(histogram), SecondsOf(result, entry.repetition(), *decoded)});
  }
  if (spans.empty()) {
    return NotFoundError("run " + result.run_id() + " has no repetition " + std::to_string(*repetition) +
                         "; they count from 0 to " + std::to_string(distribution.entries_size() - 1));
  }
  return spans;
}

Result<RepetitionRecord> FetchRecord(Connection& connection, const std::string& run_id,
                                     std::uint32_t repetition) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDownloadPatience);
  v1::GetRecordRequest request;
  request.set_run_id(run_id);
  request.set_repetition(repetition);
  const auto stream = connection.results().GetRecord(&context, request);
  std::string bytes;
  v1::RecordChunk chunk;
  while (stream->Read(&chunk)) {
    if (bytes.size() + chunk.data().size() > kLargestRecord) {
      context.TryCancel();
      break;
    }
    bytes += chunk.data();
  }
  PADDOCK_RETURN_IF_ERROR(connection.FromGrpc(stream->Finish()));
  auto record = DecodeRepetition(bytes);
  if (!record.ok()) return record.status().WithContext("record of repetition " + std::to_string(repetition));
  return record;
}

std::string ExpiredRecords(const v1::RunResult& result) {
  std::string text;
  for (const v1::RepetitionInfo& repetition : result.repetitions()) {
    if (!repetition.record_gone()) continue;
    const bool expired = repetition.record_expires_wall_ms() != 0 &&
                         repetition.record_expires_wall_ms() <= SystemClock().WallMs();
    text +=
        (text.empty() ? "" : "\n") + std::string("raw record of repetition ") +
        std::to_string(repetition.index()) +
        (expired ? " expired on " + UtcText(repetition.record_expires_wall_ms(), kUtcDay) + ", histogram kept"
                 : " is missing in the artifact store, histogram kept");
  }
  return text;
}

}  // namespace paddock
