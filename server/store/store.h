// The coordinator's memory: SqliteStore writes (one connection, the core thread's), StoreReader reads (connections of its
// own, any thread). All SQL of Paddock is in this folder.
//
// What Commit() has returned OK for survives kill -9 and power loss: write-ahead log with synchronous=FULL. Readers see
// committed state only and never block the writer.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "server/core/ports.h"
#include "server/store/sqlite.h"

namespace paddock {

// After a failed write all further ones of the transaction and its Commit() fail with the same error, until Rollback(); nothing
// of it is kept. On a full disk that is RESOURCE_EXHAUSTED naming the state folder, and the store goes on as soon as there is
// space. One thread at a time.
class SqliteStore : public StorePort {
 public:
  // Creates or migrates the database at `path`. FAILED_PRECONDITION: a newer paddockd wrote it.
  static Result<std::unique_ptr<SqliteStore>> Open(const std::string& path,
                                                   const Clock& clock = SystemClock());

  Status Begin() override;
  Status Commit() override;
  void Rollback() override;

  Status InsertJob(const Job& job, const std::vector<Run>& runs) override;
  Status UpdateJob(const Job& job) override;
  Status UpdateRun(const Run& run) override;
  Status SetPrepared(const RunId& run, const PreparedRun& prepared) override;
  Status UpsertDevice(const DeviceRecord& device) override;
  Status InsertLease(const LeaseRecord& lease) override;
  Status ExtendLease(LeaseId lease, std::int64_t deadline_wall_ms) override;
  Status EndLease(LeaseId lease, const std::string& reason, std::int64_t wall_ms) override;
  Status InsertMeasurements(const RunReport& report) override;
  Status InsertStageTimes(const RunId& run, LeaseId lease, const std::vector<StageTime>& stages) override;
  Status InsertEvaluation(const RunId& run, const Evaluation& evaluation) override;
  Status InsertEvent(const std::string& subject, const std::string& kind, const std::string& detail,
                     std::int64_t wall_ms) override;
  Result<Snapshot> Load() override;
  Result<std::optional<JobId>> FindJobByIdempotencyKey(const std::string& key) override;

  // Outside a transaction it is durable on return.
  Status UpsertRecipe(const std::string& key, const std::string& content);

  // The database may not grow over so many pages of 4 KiB; beyond, writes fail as on a full disk.
  Status SetSizeLimit(std::uint32_t pages);

 private:
  explicit SqliteStore(Database database) : database_(std::move(database)) {}
  // Prepared at first use and kept. `sql` is a literal.
  template <typename... Parameters>
  Status Execute(const char* sql, const Parameters&... parameters);
  // As Execute; NOT_FOUND naming `what` when no row was changed.
  template <typename... Parameters>
  Status ExecuteOne(const std::string& what, const char* sql, const Parameters&... parameters);

  Database database_;
  bool in_transaction_ =
      false;  // between Begin() and Commit() or Rollback(), also when SQLite has rolled back by itself
  Status transaction_error_;  // the first one since Begin()
  std::map<const char*, Statement> statements_;
};

}  // namespace paddock
