#include "base/digest.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "base/file.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {
constexpr char kAbc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char kEmpty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
}  // namespace

TEST_CASE("a digest is the SHA-256 of the bytes", "[base][digest]") {
  CHECK(Sha256::Of("abc").hex() == kAbc);
  CHECK(Sha256::Of("").hex() == kEmpty);
  CHECK(Sha256::Of("abc").ShortHex() == "ba7816bf8f01");
}

TEST_CASE("hashing in pieces gives what hashing at once gives", "[base][digest]") {
  Sha256 hash;
  hash.Update(std::string_view("a"));
  hash.Update(std::as_bytes(std::span("bc", 2)));
  CHECK(hash.Finish() == Sha256::Of("abc"));
}

TEST_CASE("only 64 lower-case hex characters are a digest", "[base][digest]") {
  CHECK(Digest::Parse(kAbc).value().hex() == kAbc);
  std::string upper = kAbc;
  upper[0] = 'B';
  CHECK(Digest::Parse(upper).status().code() == StatusCode::kInvalidArgument);
  CHECK_FALSE(Digest::Parse("").ok());
  CHECK_FALSE(Digest::Parse(std::string(kAbc) + "0").ok());
  CHECK_FALSE(Digest::Parse("../../../../../../../../../../../../../../../../../../etc/passwd..").ok());
  CHECK(Digest().empty());
}

TEST_CASE("a file of several buffers hashes as its bytes do", "[base][digest]") {
  const TempDir folder;
  const std::string bytes((3 << 20) + 17, 'x');
  REQUIRE(WriteFileAtomically(folder / "big", bytes).ok());
  CHECK(HashFile(folder / "big").value() == Sha256::Of(bytes));
}

TEST_CASE("hashing what is no readable file names it", "[base][digest]") {
  const TempDir folder;
  const Status missing = HashFile(folder / "missing").status();
  CHECK(missing.code() == StatusCode::kNotFound);
  CHECK(missing.message().find(folder / "missing") != std::string::npos);
  CHECK_FALSE(HashFile(folder.path()).ok());
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK_FALSE(HashFile(folder / "fifo").ok());
}

}  // namespace paddock
