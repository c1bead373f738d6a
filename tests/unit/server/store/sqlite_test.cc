#include "server/store/sqlite.h"

#include <string>

#include "base/file.h"
#include "tests/unit/server/store/store_fixture.h"

namespace paddock {
namespace {

TEST_CASE("values of every kind come back as they were bound, none as NULL", "[store][sqlite]") {
  const TempDir folder;
  Database database = Database::Open(folder / "db", Database::Mode::kReadWrite).value();
  REQUIRE(database.ExecuteScript("CREATE TABLE t (a INTEGER, b REAL, c TEXT, d BLOB, e TEXT) STRICT").ok());
  Statement insert = database.Prepare("INSERT INTO t VALUES (?, ?, ?, ?, ?)").value();
  const std::string bytes("\0\x01\0", 3);
  REQUIRE(insert.Execute(std::int64_t{-5}, 0.25, "text", Blob{bytes}, std::optional<std::string>()).ok());
  Statement query = database.Prepare("SELECT a, b, c, d, e FROM t").value();
  int rows = 0;
  REQUIRE(query
              .ForEach([&](const Row& row) {
                ++rows;
                CHECK(row.Int64(0) == -5);
                CHECK(row.Real(1) == 0.25);
                CHECK(row.Text(2) == "text");
                CHECK(row.Text(3) == bytes);
                CHECK(row.IsNull(4));
                return OkStatus();
              })
              .ok());
  CHECK(rows == 1);
}

TEST_CASE("a transaction that is not committed leaves nothing", "[store][sqlite]") {
  const TempDir folder;
  Database database = Database::Open(folder / "db", Database::Mode::kReadWrite).value();
  REQUIRE(database.ExecuteScript("CREATE TABLE t (a INTEGER) STRICT").ok());
  {
    auto transaction = Transaction::Begin(database);
    REQUIRE(transaction.ok());
    REQUIRE(database.ExecuteScript("INSERT INTO t VALUES (1)").ok());
  }
  CHECK_FALSE(database.InTransaction());
  int rows = 0;
  REQUIRE(database.Prepare("SELECT a FROM t")
              .value()
              .ForEach([&](const Row&) {
                ++rows;
                return OkStatus();
              })
              .ok());
  CHECK(rows == 0);
}

TEST_CASE("a file that is no database, or not there, is named with what to do", "[store][sqlite]") {
  const TempDir folder;
  REQUIRE(WriteFileAtomically(folder / "paddock.db", std::string(5000, 'x')).ok());
  const Status broken = SqliteStore::Open(folder / "paddock.db").status();
  CHECK(broken.code() == StatusCode::kDataLoss);
  CHECK(broken.message().find(folder / "paddock.db") != std::string::npos);
  CHECK(broken.message().find("restore") != std::string::npos);
  CHECK(SqliteStore::Open(folder / "nowhere/paddock.db").status().code() == StatusCode::kNotFound);
  CHECK(StoreReader::Open(folder / "nothing.db").status().code() == StatusCode::kNotFound);
}

}  // namespace
}  // namespace paddock
