// Reads what SqliteStore has committed. Thread-safe: each call uses a connection of its own, read-only and kept for the next
// call, and sees one state of the database throughout.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "server/store/results.h"
#include "server/store/sqlite.h"

namespace paddock {

class StoreReader {
 public:
  // The database exists and is migrated: open the SqliteStore first.
  static Result<std::unique_ptr<StoreReader>> Open(const std::string& path);

  // Newest first, golden ones only when asked for.
  Result<std::vector<StoredJob>> ListJobs(std::uint32_t limit, bool with_golden = false);
  Result<StoredJob> GetJob(const JobId& job);  // NOT_FOUND
  // Of every job, the runs that have ended, newest first, golden ones only when asked for.
  Result<std::vector<StoredResult>> ListResults(std::uint32_t limit, bool with_golden = false);
  // All runs of one job, in its order. NOT_FOUND.
  Result<std::vector<StoredResult>> ListResultsOf(const JobId& job);
  Result<StoredResult> GetResult(const RunId& run);  // NOT_FOUND
  // What GetResult() has of them, without the cost of the rest; empty when there are none, or no such run.
  Result<std::vector<RepetitionReport>> GetMeasurements(const RunId& run);

  Result<std::vector<DeviceRecord>> ListDevices();
  Result<std::optional<std::string>> FindRecipe(const std::string& key);

  // By repetition; empty when there are none, or no such run.
  Result<std::map<std::uint32_t, LatencyHistogram>> GetHistograms(const RunId& run);

  // The latest kGoldenHistory golden runs of the device that measured `run`: of this model and this runtime, valid but for a
  // drift, without `run` itself. Their KPIs that have a value.
  Result<GoldenHistory> GetGoldenHistory(const RunId& run, const Digest& model, const std::string& runtime);
  // Of the devices that have made golden runs.
  Result<std::map<DeviceId, GoldenSummary>> GetGoldenSummaries();

  // The blobs that results are made of: large records, predictions, and the labels that they were judged by; without the
  // records of runs that ended before `records_since_wall_ms`. Models, data and prepared artifacts are not among them: they
  // can be uploaded or prepared again.
  Result<std::set<Digest>> EvidenceBlobs(std::int64_t records_since_wall_ms);

 private:
  explicit StoreReader(std::string path) : path_(std::move(path)) {}
  // Runs `query` on a connection, in a transaction of its own.
  template <typename Query>
  std::invoke_result_t<Query, Database&> Read(const Query& query);
  Result<Database> TakeConnection();
  void ReturnConnection(Database database);

  const std::string path_;
  std::mutex mutex_;
  std::vector<Database> idle_;  // guarded by mutex_
};

}  // namespace paddock
