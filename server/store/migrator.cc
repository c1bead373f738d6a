#include "server/store/migrator.h"

#include <string>

namespace paddock {
namespace {

Result<int> AppliedVersion(Database& database) {
  PADDOCK_RETURN_IF_ERROR(
      database.ExecuteScript("CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY,"
                             " name TEXT NOT NULL, applied_wall_ms INTEGER NOT NULL) STRICT"));
  PADDOCK_ASSIGN_OR_RETURN(Statement newest,
                           database.Prepare("SELECT IFNULL(MAX(version), 0) FROM schema_migrations"));
  int version = 0;
  PADDOCK_RETURN_IF_ERROR(newest.ForEach([&](const Row& row) {
    version = static_cast<int>(row.Int64(0));
    return OkStatus();
  }));
  return version;
}

Status Apply(Database& database, const Migration& migration, const Clock& clock) {
  PADDOCK_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(database));
  PADDOCK_RETURN_IF_ERROR(database.ExecuteScript(migration.sql));
  PADDOCK_ASSIGN_OR_RETURN(
      Statement insert,
      database.Prepare("INSERT INTO schema_migrations (version, name, applied_wall_ms) VALUES (?, ?, ?)"));
  PADDOCK_RETURN_IF_ERROR(insert.Execute(migration.version, migration.name, clock.WallMs()));
  return transaction.Commit();
}

}  // namespace

Status Migrate(Database& database, std::span<const Migration> migrations, const Clock& clock) {
  PADDOCK_ASSIGN_OR_RETURN(const int applied, AppliedVersion(database));
  const int newest = migrations.empty() ? 0 : migrations.back().version;
  if (applied > newest) {
    return FailedPreconditionError("database " + database.path() + " has schema version " +
                                   std::to_string(applied) + ", but this paddockd knows versions up to " +
                                   std::to_string(newest) +
                                   "; start the newer paddockd that wrote it, or another --state folder");
  }
  for (const Migration& migration : migrations) {
    if (migration.version <= applied) continue;
    PADDOCK_RETURN_IF_ERROR(Apply(database, migration, clock)
                                .WithContext("migration " + std::to_string(migration.version) + " (" +
                                             std::string(migration.name) + ")"));
  }
  return OkStatus();
}

}  // namespace paddock
