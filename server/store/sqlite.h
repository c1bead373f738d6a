// SQLite behind three small owners: Database (a connection), Statement (prepared, bound and stepped) and Transaction.
// A connection and its statements belong to one thread at a time; statements must not outlive their database.
//
// Errors name the database file. A full disk or a failed write is RESOURCE_EXHAUSTED and names the folder to free;
// a broken file is DATA_LOSS; a violated constraint is INTERNAL, because the caller should have known.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace paddock {

// Bytes to be bound as a BLOB rather than as TEXT.
struct Blob {
  std::string_view bytes;
};

// The current row of a query; valid inside the callback that got it. Columns count from 0.
class Row {
 public:
  std::int64_t Int64(int column) const;
  double Real(int column) const;
  std::string Text(int column) const;  // also of a BLOB; empty for NULL
  bool IsNull(int column) const;

 private:
  friend class Statement;
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  sqlite3_stmt* statement_;
};

class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  // Binds `parameters` from the first one on and runs to the end. A parameter is an integer, a double, text, a Blob, or an
  // optional of these, where none is NULL. The statement can be used again afterwards, also after an error.
  template <typename... Parameters>
  Status Execute(const Parameters&... parameters) {
    return ForEach({}, parameters...);
  }
  // The same, calling `on_row` for each row; its first error ends the query and is returned.
  template <typename... Parameters>
  Status ForEach(const std::function<Status(const Row&)>& on_row, const Parameters&... parameters) {
    int index = 0;
    (Bind(++index, parameters), ...);
    return Run(on_row);
  }

 private:
  friend class Database;
  Statement(sqlite3_stmt* statement, const std::string* path) : statement_(statement), path_(path) {}

  void Bind(int index, std::int64_t value);
  void Bind(int index, std::uint64_t value) { Bind(index, static_cast<std::int64_t>(value)); }
  void Bind(int index, std::uint32_t value) { Bind(index, std::int64_t{value}); }
  void Bind(int index, int value) { Bind(index, std::int64_t{value}); }
  void Bind(int index, double value);
  void Bind(int index, std::string_view value);
  void Bind(int index, const std::string& value) { Bind(index, std::string_view(value)); }
  void Bind(int index, const char* value) { Bind(index, std::string_view(value)); }
  void Bind(int index, Blob value);
  template <typename T>
  void Bind(int index, const std::optional<T>& value) {
    if (value) Bind(index, *value);
  }
  Status Run(const std::function<Status(const Row&)>& on_row);

  sqlite3_stmt* statement_;
  const std::string* path_;  // the database's
};

class Database {
 public:
  enum class Mode { kReadWrite, kReadOnly };

  // Creates the file in kReadWrite. Foreign keys are on; a lock is waited for up to five seconds.
  static Result<Database> Open(const std::string& path, Mode mode);
  Database(Database&&) noexcept = default;
  Database& operator=(Database&&) noexcept = default;

  // A script of any number of statements.
  Status ExecuteScript(std::string_view sql);
  Result<Statement> Prepare(std::string_view sql);
  // By the last INSERT, UPDATE or DELETE.
  std::int64_t ChangedRows() const;
  // False after SQLite itself rolled back, as it does on a full disk.
  bool InTransaction() const;
  const std::string& path() const { return *path_; }

 private:
  struct Closer {
    void operator()(sqlite3* connection) const;
  };
  Database(std::unique_ptr<sqlite3, Closer> connection, std::unique_ptr<const std::string> path)
      : path_(std::move(path)), connection_(std::move(connection)) {}

  std::unique_ptr<const std::string> path_;  // at an address that survives a move: statements point to it
  std::unique_ptr<sqlite3, Closer> connection_;
};

// Rolls back when it goes out of scope without a successful Commit().
class Transaction {
 public:
  static Result<Transaction> Begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Status Commit();

 private:
  explicit Transaction(Database* database) : database_(database) {}
  Database* database_;  // null: nothing to roll back
};

}  // namespace paddock
