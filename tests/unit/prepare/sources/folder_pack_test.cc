#include "prepare/sources/folder_pack.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include "base/file.h"
#include "prepare/array_stream.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

std::string Packed(const std::string& folder) {
  const TempDir place;
  const Status status = PackFolder(folder, place / "d.zip");
  INFO(status.message());
  REQUIRE(status.ok());
  return *ReadFile(place / "d.zip");
}

class SampleFolder {
 public:
  explicit SampleFolder(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      std::filesystem::create_directories(std::filesystem::path(folder_ / name).parent_path());
      REQUIRE(WriteFileUnsynced(folder_ / name, "content of " + name).ok());
    }
  }
  const std::string& path() const { return folder_.path(); }

 private:
  TempDir folder_;
};

TEST_CASE("the same files give the same archive, wherever and whenever they were written") {
  const SampleFolder one({"b/2.png", "a/1.png", "labels.csv"});
  const SampleFolder two({"labels.csv", "a/1.png", "b/2.png"});
  std::filesystem::last_write_time(two.path() + "/a/1.png",
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(5000));
  std::filesystem::permissions(two.path() + "/a/1.png", std::filesystem::perms::owner_read);
  const std::string bytes = Packed(one.path());
  ::setenv("TZ", "Asia/Tokyo", 1);
  ::tzset();
  CHECK(Packed(two.path()) == bytes);
  CHECK(Packed(two.path() + "/") == bytes);
  ::unsetenv("TZ");
  ::tzset();
}

TEST_CASE("a packed folder holds its files under their names, as they are, without hidden ones") {
  const SampleFolder folder({"b/2.png", "a/1.png", ".git/config", "a/.DS_Store"});
  const TempDir place;
  REQUIRE(PackFolder(folder.path(), place / "d.zip").ok());
  const auto archive = ArchiveFile::OpenZip(place / "d.zip");
  REQUIRE(archive.ok());
  REQUIRE((*archive)->members().size() == 2);
  const ArrayMember& first = (*archive)->members()[0];
  CHECK(first.name == "a/1.png");
  CHECK((*archive)->members()[1].name == "b/2.png");
  CHECK(first.method == 0);
  auto stream = (*archive)->OpenMember(first);
  REQUIRE(stream.ok());
  std::string text(first.bytes, 0);
  REQUIRE(stream->Read(text.data(), text.size()).ok());
  CHECK(text == "content of a/1.png");
}

TEST_CASE("a folder without files and one that is not there are refused") {
  const SampleFolder empty({});
  const TempDir place;
  CHECK_THAT(PackFolder(empty.path(), place / "d.zip").message(), Contains("holds no file"));
  CHECK_THAT(PackFolder(empty.path() + "/absent", place / "d.zip").message(), Contains("absent"));
  CHECK_FALSE(std::filesystem::exists(place / "d.zip"));
}

}  // namespace
}  // namespace paddock
