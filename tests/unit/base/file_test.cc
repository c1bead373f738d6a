#include "base/file.h"

#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

std::size_t CountEntries(const std::string& folder) {
  const std::filesystem::directory_iterator entries(folder);
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

}  // namespace

TEST_CASE("what was written atomically is read back, and nothing else is left", "[base][file]") {
  const TempDir folder;
  REQUIRE(WriteFileAtomically(folder / "a", "one").ok());
  REQUIRE(WriteFileAtomically(folder / "a", std::string("t\0wo", 4)).ok());
  CHECK(ReadFile(folder / "a").value() == std::string("t\0wo", 4));
  CHECK(FileSize(folder / "a").value() == 4);
  CHECK(CountEntries(folder.path()) == 1);
}

TEST_CASE("an unsynced write is whole as well", "[base][file]") {
  const TempDir folder;
  REQUIRE(WriteFileUnsynced(folder / "a", "one").ok());
  REQUIRE(WriteFileUnsynced(folder / "a", "two").ok());
  CHECK(ReadFile(folder / "a").value() == "two");
  REQUIRE(CreateDirectories(folder / "taken").ok());
  CHECK_FALSE(WriteFileUnsynced(folder / "taken", "x").ok());
  CHECK(CountEntries(folder.path()) == 2);
}

TEST_CASE("a failed write leaves neither a new file nor a temporary one", "[base][file]") {
  const TempDir folder;
  REQUIRE(CreateDirectories(folder / "taken/by/folders").ok());
  const Status status = WriteFileAtomically(folder / "taken", "x");
  CHECK_FALSE(status.ok());
  CHECK(status.message().find(folder / "taken") != std::string::npos);
  CHECK(CountEntries(folder.path()) == 1);
  CHECK(WriteFileAtomically(folder / "missing/a", "x").code() == StatusCode::kNotFound);
}

TEST_CASE("a write that finds no room keeps the old content and is a lack of resources", "[base][file]") {
  const TempDir folder;
  REQUIRE(WriteFileAtomically(folder / "a", "old").ok());
  rlimit before;
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{4096, before.rlim_max};
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const Status status = WriteFileAtomically(folder / "a", std::string(8192, 'x'));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  ::signal(SIGXFSZ, old_handler);
  CHECK(status.code() == StatusCode::kResourceExhausted);
  CHECK(status.message().find(folder / "a") != std::string::npos);
  CHECK(ReadFile(folder / "a").value() == "old");
  CHECK(CountEntries(folder.path()) == 1);
}

TEST_CASE("reading stops at the limit", "[base][file]") {
  const TempDir folder;
  REQUIRE(WriteFileAtomically(folder / "a", "12345").ok());
  CHECK(ReadFile(folder / "a", 5).value() == "12345");
  const Status status = ReadFile(folder / "a", 4).status();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(status.message().find("4 bytes") != std::string::npos);
}

TEST_CASE("files that claim to be empty, as in /proc, are read to their end", "[base][file]") {
  CHECK(ReadFile("/proc/self/status").value().find("Pid:") != std::string::npos);
}

TEST_CASE("reading what is not there or not a file says so", "[base][file]") {
  const TempDir folder;
  CHECK(ReadFile(folder / "a").status().code() == StatusCode::kNotFound);
  CHECK(ReadFile(folder.path()).status().code() == StatusCode::kFailedPrecondition);
  CHECK(FileSize(folder / "a").status().code() == StatusCode::kNotFound);
  CHECK(MappedFile::Open(folder / "a").status().code() == StatusCode::kNotFound);
  CHECK_FALSE(MappedFile::Open(folder.path()).ok());
}

TEST_CASE("a map shows the file's bytes and moves", "[base][file]") {
  const TempDir folder;
  REQUIRE(WriteFileAtomically(folder / "a", "mapped").ok());
  REQUIRE(WriteFileAtomically(folder / "empty", "").ok());
  MappedFile map = MappedFile::Open(folder / "a").value();
  CHECK(map.bytes() == "mapped");
  MappedFile empty = MappedFile::Open(folder / "empty").value();
  CHECK(empty.bytes().empty());
  empty = std::move(map);
  CHECK(empty.bytes() == "mapped");
}

TEST_CASE("folders are made with their parents, once or again", "[base][file]") {
  const TempDir folder;
  CHECK(CreateDirectories(folder / "a/b/c").ok());
  CHECK(CreateDirectories(folder / "a/b/c").ok());
  CHECK(SyncDirectory(folder / "a/b/c").ok());
  REQUIRE(WriteFileAtomically(folder / "file", "x").ok());
  CHECK_FALSE(CreateDirectories(folder / "file/b").ok());
  CHECK(SyncDirectory(folder / "missing").code() == StatusCode::kNotFound);
}

TEST_CASE("removing a file twice is fine", "[base][file]") {
  const TempDir folder;
  REQUIRE(WriteFileAtomically(folder / "a", "x").ok());
  CHECK(RemoveFile(folder / "a").ok());
  CHECK(RemoveFile(folder / "a").ok());
  CHECK_FALSE(RemoveFile(folder.path()).ok());
}

TEST_CASE("a lock keeps a second holder out until it goes", "[base][file]") {
  const TempDir folder;
  {
    const FileLock held = FileLock::Acquire(folder / "lock").value();
    const Status second = FileLock::Acquire(folder / "lock").status();
    CHECK(second.code() == StatusCode::kAlreadyExists);
    CHECK(second.message().find(folder / "lock") != std::string::npos);
  }
  CHECK(FileLock::Acquire(folder / "lock").ok());
}

}  // namespace paddock
