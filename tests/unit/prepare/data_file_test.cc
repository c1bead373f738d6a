#include "prepare/data_file.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "base/random.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/prepare/npz_builder.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

std::string Counting(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
  return text;
}

std::string Text(const Tensor& tensor) {
  return std::string(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
}

// Opens, reads and verifies everything; the first error.
Status ReadAll(const std::string& path) {
  auto file = DataFile::Open(path);
  if (!file.ok()) return file.status();
  for (const ArrayInfo& array : file->arrays()) {
    std::vector<std::uint64_t> rows(static_cast<std::size_t>(array.shape.at(0)));
    std::iota(rows.begin(), rows.end(), std::uint64_t{0});
    PADDOCK_RETURN_IF_ERROR(file->ReadRows(array.name, rows).status());
    PADDOCK_RETURN_IF_ERROR(file->Verify(array.name));
  }
  return OkStatus();
}

TEST_CASE("an npz lists its arrays and gives the rows asked for") {
  const TempDir folder;
  const std::string x = Counting(10 * 3 * 4);
  for (const zip_int32_t method : {ZIP_CM_STORE, ZIP_CM_DEFLATE}) {
    WriteNpz(folder / "d.npz",
             {{"x.npy", Npy("<f4", {10, 3}, x)},
              {"readme.txt", "no array"},
              {"y.npy", Npy("<i8", {10}, Counting(80))}},
             method);
    auto file = DataFile::Open(folder / "d.npz");
    REQUIRE(file.ok());
    REQUIRE(file->arrays() ==
            std::vector<ArrayInfo>{{"x", ElementType::kFloat32, {10, 3}}, {"y", ElementType::kInt64, {10}}});
    const std::vector<std::uint64_t> rows = {1, 2, 7};
    const auto tensor = file->ReadRows("x", rows);
    REQUIRE(tensor.ok());
    CHECK(tensor->info == TensorInfo{"x", ElementType::kFloat32, {3, 3}});
    CHECK(Text(*tensor) == x.substr(12, 24) + x.substr(84, 12));
    CHECK(file->Verify("x").ok());
  }
}

TEST_CASE("a bare npy is one array named data, told by content and not by name") {
  const TempDir folder;
  WriteBytes(folder / "blob", Npy("|u1", {4, 2}, "abcdefgh"));
  auto file = DataFile::Open(folder / "blob");
  REQUIRE(file.ok());
  const std::vector<std::uint64_t> rows = {3, 0};
  const auto tensor = file->ReadRows("data", rows);
  REQUIRE(tensor.ok());
  CHECK(Text(*tensor) == "ghab");
}

TEST_CASE("any rows in any order over several calls are what the array holds") {
  const TempDir folder;
  Random random(11);
  const std::string bytes = Counting(500 * 6);
  WriteNpz(folder / "d.npz", {{"x.npy", Npy("<i2", {500, 3}, bytes)}});
  auto file = DataFile::Open(folder / "d.npz");
  REQUIRE(file.ok());
  for (int round = 0; round < 200; ++round) {
    std::vector<std::uint64_t> rows(random.Below(20));
    std::string expected;
    for (auto& row : rows) {
      row = random.Below(500);
      expected += bytes.substr(row * 6, 6);
    }
    const auto tensor = file->ReadRows("x", rows);
    REQUIRE(tensor.ok());
    REQUIRE(Text(*tensor) == expected);
    if (random.Below(8) == 0) REQUIRE(file->Verify("x").ok());
  }
}

TEST_CASE("a wrong array name lists those that exist") {
  const TempDir folder;
  WriteNpz(folder / "d.npz", {{"images.npy", Npy("|u1", {1}, "a")}, {"labels.npy", Npy("|u1", {1}, "b")}});
  auto file = DataFile::Open(folder / "d.npz", "digits.npz");
  REQUIRE(file.ok());
  const auto found = file->Find("image");
  CHECK(found.status().code() == StatusCode::kNotFound);
  CHECK_THAT(found.status().message(), Contains("'digits.npz' has no array 'image'") &&
                                           Contains("mean 'images'") && Contains("uint8 labels[1]"));
}

TEST_CASE("rows beyond the end and single values are refused") {
  const TempDir folder;
  WriteNpz(folder / "d.npz", {{"x.npy", Npy("|u1", {2}, "ab")}, {"s.npy", Npy("|u1", {}, "c")}});
  auto file = DataFile::Open(folder / "d.npz");
  REQUIRE(file.ok());
  const std::vector<std::uint64_t> rows = {2};
  CHECK(file->ReadRows("x", rows).status().code() == StatusCode::kOutOfRange);
  CHECK_THAT(file->ReadRows("s", rows).status().message(), Contains("single value"));
}

TEST_CASE("what is no data file says so and names the next step") {
  const TempDir folder;
  CHECK(DataFile::Open(folder / "absent.npz").status().code() == StatusCode::kNotFound);
  WriteBytes(folder / "empty.npz", "");
  CHECK_THAT(DataFile::Open(folder / "empty.npz").status().message(), Contains("empty.npz' is empty"));
  WriteBytes(folder / "text.npz", "hello, world");
  CHECK_THAT(DataFile::Open(folder / "text.npz").status().message(),
             Contains("text.npz") && Contains("as CSV") && Contains("give samples"));
  WriteNpz(folder / "none.npz", {{"readme.txt", "hello"}});
  CHECK_THAT(DataFile::Open(folder / "none.npz").status().message(), Contains("holds no array"));
}

TEST_CASE("every truncation of an npz is an error") {
  const TempDir folder;
  for (const zip_int32_t method : {ZIP_CM_STORE, ZIP_CM_DEFLATE}) {
    WriteNpz(folder / "d.npz",
             {{"x.npy", Npy("<f4", {5, 3}, Counting(60))}, {"y.npy", Npy("<i8", {5}, Counting(40))}}, method);
    REQUIRE(ReadAll(folder / "d.npz").ok());
    const std::string bytes = ReadBytes(folder / "d.npz");
    for (std::size_t length = 0; length < bytes.size(); ++length) {
      CAPTURE(method, length);
      WriteBytes(folder / "cut.npz", bytes.substr(0, length));
      const Status status = ReadAll(folder / "cut.npz");
      REQUIRE(status.code() == StatusCode::kInvalidArgument);
      REQUIRE_THAT(status.message(), Contains("cut.npz") && (Contains("anew") || Contains("another file")));
    }
  }
}

TEST_CASE("a flipped bit in the elements is found and names the array") {
  const TempDir folder;
  for (const zip_int32_t method : {ZIP_CM_STORE, ZIP_CM_DEFLATE}) {
    Random random(5);
    std::string noise(4000, '\0');
    for (char& c : noise) c = static_cast<char>(random.Below(256));
    WriteNpz(folder / "d.npz", {{"x.npy", Npy("|u1", {40, 100}, noise)}}, method);
    std::string bytes = ReadBytes(folder / "d.npz");
    for (int round = 0; round < 50; ++round) {
      const std::size_t at = 300 + random.Below(3000);
      bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
      WriteBytes(folder / "bad.npz", bytes);
      const Status status = ReadAll(folder / "bad.npz");
      REQUIRE(status.code() == StatusCode::kInvalidArgument);
      REQUIRE_THAT(status.message(),
                   Contains("bad.npz") && Contains("array 'x'") && Contains("save it anew"));
      bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    }
  }
}

TEST_CASE("random damage anywhere gives an answer or an error") {
  const TempDir folder;
  WriteNpz(folder / "d.npz",
           {{"x.npy", Npy("<f4", {5, 3}, Counting(60))}, {"y.npy", Npy("<i8", {5}, Counting(40))}});
  const std::string bytes = ReadBytes(folder / "d.npz");
  Random random(17);
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = bytes;
    for (int flips = 0; flips < 4; ++flips)
      damaged[random.Below(damaged.size())] = static_cast<char>(random.Below(256));
    WriteBytes(folder / "bad.npz", damaged);
    const Status status = ReadAll(folder / "bad.npz");
    if (!status.ok()) REQUIRE(!status.message().empty());
  }
}

TEST_CASE("a shape that asks for more than the member holds is refused before anything is allocated") {
  const TempDir folder;
  WriteNpz(folder / "d.npz", {{"x.npy", Npy("|u1", {std::int64_t{1} << 40}, "few bytes")}});
  const auto file = DataFile::Open(folder / "d.npz");
  CHECK_THAT(file.status().message(),
             Contains("array 'x'") && Contains("holds 9 bytes") && Contains("takes 1099511627776"));
}

TEST_CASE("a member that claims a petabyte is refused when it is read, without the memory") {
  const TempDir folder;
  const std::uint64_t claimed = std::uint64_t{1} << 31;
  const std::string npy = Npy("|u1", {1, static_cast<std::int64_t>(claimed)}, "");
  WriteNpz(folder / "d.npz", {{"x.npy", npy}}, ZIP_CM_STORE);
  std::string bytes = ReadBytes(folder / "d.npz");
  // The uncompressed size in the central directory (offset 24) and in the local header (22).
  const auto size = static_cast<std::uint32_t>(claimed + npy.size());
  std::memcpy(bytes.data() + bytes.rfind("PK\x01\x02") + 24, &size, 4);
  std::memcpy(bytes.data() + 22, &size, 4);
  WriteBytes(folder / "bomb.npz", bytes);
  auto file = DataFile::Open(folder / "bomb.npz");
  if (!file.ok()) return;  // libzip may find the contradiction itself
  const std::vector<std::uint64_t> rows = {0};
  CHECK(file->ReadRows("x", rows).status().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("archives that cannot be read safely are refused by name") {
  const TempDir folder;
  WriteNpz(folder / "d.npz", {{"x.npy", Npy("|u1", {2000}, std::string(2000, 'x'))}}, ZIP_CM_BZIP2);
  CHECK_THAT(DataFile::Open(folder / "d.npz").status().message(),
             Contains("compression method 12") && Contains("store and deflate"));
}

TEST_CASE("a folder is no data file, and the message says how it becomes one") {
  const TempDir folder;
  const Status status = DataFile::Open(folder / ".", "flowers", {}).status();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK_THAT(status.message(), Catch::Matchers::Contains("'flowers' is a folder") &&
                                   Catch::Matchers::Contains("pack what lies in it"));
}

}  // namespace
}  // namespace paddock
