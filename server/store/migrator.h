// Brings a database to the newest schema. The files of migrations/ are compiled in; what has been applied is written down in
// the table schema_migrations.
#pragma once

#include <span>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"
#include "server/store/sqlite.h"

namespace paddock {

struct Migration {
  int version;            // 1, 2, ... without gaps
  std::string_view name;  // "create_farm"
  std::string_view sql;
};

// Those of this build, in order.
std::span<const Migration> ReleasedMigrations();

// Applies what is missing, each migration in one transaction with its bookkeeping row: after an error the database is at the
// version of the last one that succeeded. FAILED_PRECONDITION, and nothing is touched, for a database that a newer paddockd
// has written.
Status Migrate(Database& database, std::span<const Migration> migrations, const Clock& clock);

}  // namespace paddock
