#include "server/store/sqlite.h"

#include <sqlite3.h>

#include <filesystem>
#include <utility>

namespace paddock {
namespace {

constexpr int kBusyTimeoutMs = 5000;

Status SqliteStatus(sqlite3* connection, const std::string& path) {
  const int code = sqlite3_errcode(connection);
  const std::string what = "database " + path + ": " + sqlite3_errmsg(connection);
  const std::string folder = std::filesystem::path(path).parent_path().string();
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
      return ResourceExhaustedError(what + "; free space on the disk of the state folder " + folder +
                                    " and check that disk");
    case SQLITE_NOMEM:
      return ResourceExhaustedError(what);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return UnavailableError(what + "; another process uses it");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return DataLossError(what + "; restore " + path +
                           " from a copy, or move it away to begin with an empty store");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return PermissionDeniedError(what + "; make the state folder " + folder + " writable for this user");
    case SQLITE_CANTOPEN:
      return NotFoundError(what + "; check that the state folder " + folder + " exists and is accessible");
    default:
      return InternalError(what);
  }
}

}  // namespace

std::int64_t Row::Int64(int column) const { return sqlite3_column_int64(statement_, column); }
double Row::Real(int column) const { return sqlite3_column_double(statement_, column); }
bool Row::IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
std::string Row::Text(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

Statement::Statement(Statement&& other) noexcept
    : statement_(std::exchange(other.statement_, nullptr)), path_(other.path_) {}
Statement::~Statement() { sqlite3_finalize(statement_); }

// A failed bind (out of memory, or an index that the SQL lacks) leaves NULL behind, and Run() then meets the constraint;
// SQL and parameters are both ours. Nothing is copied: the parameters outlive Run(), which lets go of them.
void Statement::Bind(int index, std::int64_t value) { sqlite3_bind_int64(statement_, index, value); }
void Statement::Bind(int index, double value) { sqlite3_bind_double(statement_, index, value); }
void Statement::Bind(int index, std::string_view value) {
  const char* text = value.data() == nullptr ? "" : value.data();
  sqlite3_bind_text64(statement_, index, text, value.size(), SQLITE_STATIC, SQLITE_UTF8);
}
void Statement::Bind(int index, Blob value) {
  const char* bytes = value.bytes.data() == nullptr ? "" : value.bytes.data();
  sqlite3_bind_blob64(statement_, index, bytes, value.bytes.size(), SQLITE_STATIC);
}

Status Statement::Run(const std::function<Status(const Row&)>& on_row) {
  Status status;
  int code = SQLITE_ROW;
  while (status.ok() && (code = sqlite3_step(statement_)) == SQLITE_ROW) {
    if (on_row) status = on_row(Row(statement_));
  }
  if (status.ok() && code != SQLITE_DONE) status = SqliteStatus(sqlite3_db_handle(statement_), *path_);
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  return status;
}

void Database::Closer::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }

Result<Database> Database::Open(const std::string& path, Mode mode) {
  // Nobody reads how much is allocated, and the lock around that count makes connections of all threads wait for each other.
  [[maybe_unused]] static const int without_count = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  const int flags =
      mode == Mode::kReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* raw = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  std::unique_ptr<sqlite3, Closer> connection(raw);
  if (connection == nullptr) return ResourceExhaustedError("database " + path + ": out of memory");
  if (code != SQLITE_OK) return SqliteStatus(raw, path);
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  Database database(std::move(connection), std::make_unique<const std::string>(path));
  PADDOCK_RETURN_IF_ERROR(database.ExecuteScript("PRAGMA foreign_keys = ON"));
  return database;
}

Status Database::ExecuteScript(std::string_view sql) {
  const std::string script(sql);
  if (sqlite3_exec(connection_.get(), script.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK)
    return OkStatus();
  return SqliteStatus(connection_.get(), *path_);
}

Result<Statement> Database::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return SqliteStatus(connection_.get(), *path_);
  return Statement(statement, path_.get());
}

std::int64_t Database::ChangedRows() const { return sqlite3_changes64(connection_.get()); }
bool Database::InTransaction() const { return sqlite3_get_autocommit(connection_.get()) == 0; }

Result<Transaction> Transaction::Begin(Database& database) {
  PADDOCK_RETURN_IF_ERROR(database.ExecuteScript("BEGIN IMMEDIATE"));
  return Transaction(&database);
}

Transaction::~Transaction() {
  if (database_ == nullptr || !database_->InTransaction()) return;
  // Nothing is left to try when even this fails; closing the connection rolls back too.
  static_cast<void>(database_->ExecuteScript("ROLLBACK"));
}

Status Transaction::Commit() {
  PADDOCK_RETURN_IF_ERROR(database_->ExecuteScript("COMMIT"));
  database_ = nullptr;
  return OkStatus();
}

}  // namespace paddock
