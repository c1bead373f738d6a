#include "server/store/migrator.h"

#include <string>
#include <vector>

#include "base/file.h"
#include "tests/fakes/fake_clock.h"
#include "tests/unit/server/store/store_fixture.h"

namespace paddock {
namespace {

constexpr Migration kFirst{1, "create_things", "CREATE TABLE things (id INTEGER PRIMARY KEY) STRICT;"};
constexpr Migration kSecond{2, "add_colour", "ALTER TABLE things ADD COLUMN colour TEXT;"};
constexpr Migration kBroken{2, "add_trouble",
                            "ALTER TABLE things ADD COLUMN size TEXT; INSERT INTO nowhere VALUES (1);"};

Result<std::vector<std::string>> Rows(Database& database, const std::string& sql) {
  std::vector<std::string> rows;
  PADDOCK_ASSIGN_OR_RETURN(Statement query, database.Prepare(sql));
  PADDOCK_RETURN_IF_ERROR(query.ForEach([&](const Row& row) {
    rows.push_back(row.Text(0));
    return OkStatus();
  }));
  return rows;
}

std::string Replaced(std::string text, const std::string& mark, const std::string& by) {
  const std::size_t at = text.find(mark);
  REQUIRE(at != std::string::npos);
  return text.replace(at, mark.size(), by);
}

TEST_CASE("each migration is applied once and written down", "[store][migrations]") {
  const TempDir folder;
  const FakeClock clock;
  Database database = Database::Open(folder / "db", Database::Mode::kReadWrite).value();
  REQUIRE(Migrate(database, std::vector{kFirst}, clock).ok());
  REQUIRE(Migrate(database, std::vector{kFirst, kSecond}, clock).ok());
  REQUIRE(Migrate(database, std::vector{kFirst, kSecond}, clock).ok());
  CHECK(*Rows(database, "SELECT name FROM schema_migrations ORDER BY version") ==
        std::vector<std::string>{"create_things", "add_colour"});
  CHECK(database.ExecuteScript("INSERT INTO things VALUES (1, 'red')").ok());
}

TEST_CASE("a migration that fails leaves the database as it was and can be tried again",
          "[store][migrations]") {
  const TempDir folder;
  const FakeClock clock;
  Database database = Database::Open(folder / "db", Database::Mode::kReadWrite).value();
  const Status status = Migrate(database, std::vector{kFirst, kBroken}, clock);
  CHECK(status.message().find("migration 2 (add_trouble)") != std::string::npos);
  CHECK_FALSE(database.InTransaction());
  CHECK_FALSE(database.Prepare("SELECT size FROM things").ok());
  CHECK(Rows(database, "SELECT name FROM schema_migrations")->size() == 1);
  CHECK(Migrate(database, std::vector{kFirst, kSecond}, clock).ok());
}

TEST_CASE("a database of a newer version is refused with both versions and a way on", "[store][migrations]") {
  const StoreFixture farm;
  const int newest = ReleasedMigrations().back().version;
  Database database = Database::Open(farm.path, Database::Mode::kReadWrite).value();
  REQUIRE(database.ExecuteScript("INSERT INTO schema_migrations VALUES (4711, 'add_future', 0)").ok());
  const Status status = SqliteStore::Open(farm.path).status();
  CHECK(status.code() == StatusCode::kFailedPrecondition);
  CHECK(status.message().find("version 4711") != std::string::npos);
  CHECK(status.message().find("up to " + std::to_string(newest)) != std::string::npos);
  CHECK(status.message().find("--state") != std::string::npos);
}

TEST_CASE("a database of every released schema is brought up to date and read", "[store][migrations]") {
  const std::span<const Migration> released = ReleasedMigrations();
  for (std::size_t count = 1; count <= released.size(); ++count) {
    const TempDir folder;
    const std::string path = folder / "db";
    {
      Database database = Database::Open(path, Database::Mode::kReadWrite).value();
      REQUIRE(Migrate(database, released.first(count), FakeClock()).ok());
      const std::string number = std::to_string(released[count - 1].version);
      const std::string name = std::string(4 - number.size(), '0') + number + ".sql";
      std::string rows = ReadFile(PADDOCK_SOURCE_DIR "/tests/unit/server/store/released/" + name).value();
      rows = Replaced(rows, "@DEVICE@", EncodeDeviceRecord(MakeDevice()));
      rows = Replaced(rows, "@SPEC@", EncodeJobSpec(MakeJob(3, {}).spec));
      REQUIRE(database.ExecuteScript(rows).ok());
    }
    const auto store = SqliteStore::Open(path);
    REQUIRE(store.ok());
    const auto snapshot = (*store)->Load();
    REQUIRE(snapshot.ok());
    CHECK(snapshot->runs.at(0).failure->message == "board was silent");
    CHECK(snapshot->leases.at(0).id == 12);
    CHECK(snapshot->last_job == 3);
    CHECK(snapshot->last_run == 7);
    const auto result = StoreReader::Open(path).value()->GetResult(RunId("r-7"));
    REQUIRE(result.ok());
    CHECK(result->evaluation->kpis.values.at("latency_p50").value == 0.001);
    CHECK(result->evaluation->kpis.missing.at("accuracy_top1") == "no_labels");
    CHECK(result->evaluation->golden.has_value() == (count >= 3));
  }
}

}  // namespace
}  // namespace paddock
