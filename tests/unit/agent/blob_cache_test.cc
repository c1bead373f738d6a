#include "agent/blob_cache.h"

#include <catch2/catch.hpp>

#include "base/file.h"
#include "tests/fakes/temp_dir.h"

namespace paddock::agent {
namespace {

Result<BlobCache::Pin> Put(BlobCache& cache, const std::string& bytes) {
  PADDOCK_ASSIGN_OR_RETURN(const auto partial, cache.Receive(Sha256::Of(bytes)));
  PADDOCK_RETURN_IF_ERROR(partial->ExpectSize(bytes.size()));
  PADDOCK_RETURN_IF_ERROR(partial->Append(bytes.substr(partial->offset())));
  return partial->Commit();
}

bool Has(BlobCache& cache, const std::string& bytes) {
  const auto found = cache.Find(Sha256::Of(bytes));
  REQUIRE(found.ok());
  return found->has_value();
}

std::unique_ptr<BlobCache> OpenCache(const TempDir& folder, std::uint64_t limit_bytes) {
  auto cache = BlobCache::Open(folder.path(), limit_bytes);
  REQUIRE(cache.ok());
  return std::move(cache).value();
}

const std::string kA(100, 'a'), kB(100, 'b'), kC(100, 'c');

TEST_CASE("a blob that was received is found again, also by the next start", "[cache]") {
  const TempDir folder;
  {
    const auto cache = OpenCache(folder, 1000);
    CHECK_FALSE(Has(*cache, kA));
    const auto pin = Put(*cache, kA);
    REQUIRE(pin.ok());
    CHECK(ReadFile(pin->path()).value() == kA);
    CHECK(Has(*cache, kA));
  }
  const auto cache = OpenCache(folder, 1000);
  CHECK(cache->used_bytes() == 100);
  CHECK(Has(*cache, kA));
}

TEST_CASE("a flipped bit on disk is noticed at the first use after a start, and the blob counts as missing",
          "[cache]") {
  const TempDir folder;
  REQUIRE(Put(*OpenCache(folder, 1000), kA).ok());
  std::string damaged = kA;
  damaged[50] ^= 1;
  REQUIRE(WriteFileAtomically(folder / Sha256::Of(kA).hex(), damaged).ok());

  const auto cache = OpenCache(folder, 1000);
  CHECK_FALSE(Has(*cache, kA));
  CHECK(cache->used_bytes() == 0);
  REQUIRE(Put(*cache, kA).ok());
  CHECK(Has(*cache, kA));
}

TEST_CASE("the least recently used blob goes first, and use outlives a restart", "[cache]") {
  const TempDir folder;
  {
    const auto cache = OpenCache(folder, 250);
    REQUIRE(Put(*cache, kA).ok());
    REQUIRE(Put(*cache, kB).ok());
    CHECK(Has(*cache, kA));
  }
  const auto cache = OpenCache(folder, 250);
  REQUIRE(Put(*cache, kC).ok());
  CHECK(cache->used_bytes() == 200);
  CHECK(Has(*cache, kA));
  CHECK_FALSE(Has(*cache, kB));
}

TEST_CASE("what a run has pinned stays, and a blob that finds no room is refused with the setting to change",
          "[cache]") {
  const TempDir folder;
  const auto cache = OpenCache(folder, 150);
  {
    const auto pin = Put(*cache, kA);
    REQUIRE(pin.ok());
    const auto refused = Put(*cache, kB);
    CHECK(refused.status().code() == StatusCode::kResourceExhausted);
    CHECK(refused.status().message().find("cache_bytes") != std::string::npos);
    CHECK(Has(*cache, kA));
  }
  CHECK(Put(*cache, kB).ok());
  CHECK_FALSE(Has(*cache, kA));
}

TEST_CASE("an interrupted transfer goes on where it stopped", "[cache]") {
  const TempDir folder;
  {
    const auto cache = OpenCache(folder, 1000);
    const auto partial = cache->Receive(Sha256::Of(kA));
    REQUIRE(partial.ok());
    REQUIRE((*partial)->Append(kA.substr(0, 40)).ok());
  }
  const auto cache = OpenCache(folder, 1000);
  const auto partial = cache->Receive(Sha256::Of(kA));
  REQUIRE(partial.ok());
  CHECK((*partial)->offset() == 40);
  REQUIRE((*partial)->Append(kA.substr(40)).ok());
  CHECK((*partial)->Commit().ok());
  CHECK(Has(*cache, kA));
}

TEST_CASE("a transfer of a large blob goes on where it stopped, too", "[cache]") {
  const TempDir folder;
  const std::string large(5'000'000, 'l');
  const auto cache = OpenCache(folder, 10'000'000);
  for (const std::size_t end : {std::size_t{1'000'000}, std::size_t{4'000'000}}) {
    const auto partial = cache->Receive(Sha256::Of(large)).value();
    for (std::size_t at = partial->offset(); at < end; at += 500'000)
      REQUIRE(partial->Append(large.substr(at, 500'000)).ok());
  }
  CHECK(cache->Receive(Sha256::Of(large)).value()->offset() == 4'000'000);
  CHECK(Put(*cache, large).ok());
  CHECK(Has(*OpenCache(folder, 10'000'000), large));
}

TEST_CASE("bytes that are not the digest's are dropped", "[cache]") {
  const TempDir folder;
  const auto cache = OpenCache(folder, 1000);
  const auto partial = cache->Receive(Sha256::Of(kA));
  REQUIRE(partial.ok());
  REQUIRE((*partial)->Append(kB).ok());
  CHECK((*partial)->Commit().status().code() == StatusCode::kDataLoss);
  CHECK_FALSE(Has(*cache, kA));
  CHECK(cache->Receive(Sha256::Of(kA)).value()->offset() == 0);
}

}  // namespace
}  // namespace paddock::agent
