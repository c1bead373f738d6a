#include "server/artifacts/artifact_store.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "base/file.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

std::unique_ptr<ArtifactStore> OpenStore(const TempDir& folder) {
  auto store = ArtifactStore::Open(folder / "artifacts");
  REQUIRE(store.ok());
  return std::move(store).value();
}

// Bytes that differ from place to place, so that a wrong offset changes the digest.
std::string Content(std::size_t bytes) {
  std::string content(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) content[i] = static_cast<char>((i * 2654435761U) >> 13);
  return content;
}

Status Send(Upload& upload, const std::string& content, std::size_t from, std::size_t to) {
  constexpr std::size_t kChunk = 1 << 20;
  for (; from < to; from += std::min(kChunk, to - from)) {
    PADDOCK_RETURN_IF_ERROR(upload.Append(content.substr(from, std::min(kChunk, to - from))));
  }
  return OkStatus();
}

void MakeOld(const std::string& path) {
  const timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

void FlipBit(const std::string& path) {
  auto bytes = ReadFile(path);
  REQUIRE(bytes.ok());
  (*bytes)[bytes->size() / 2] ^= 1;
  REQUIRE(WriteFileAtomically(path, *bytes).ok());
}

std::size_t FilesIn(const std::string& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST_CASE("what was put is found again after a restart and has its content", "[artifacts]") {
  const TempDir folder;
  const std::string content = Content(70'000);
  Digest digest;
  {
    const auto store = OpenStore(folder);
    const auto put = store->Put(content);
    REQUIRE(put.ok());
    digest = *put;
    CHECK(digest == Sha256::Of(content));
  }
  const auto store = OpenStore(folder);
  CHECK(store->Has(digest));
  const auto map = store->Map(digest);
  REQUIRE(map.ok());
  CHECK(map->bytes() == content);
  CHECK(store->PathOf(Sha256::Of("another")).status().code() == StatusCode::kNotFound);
}

TEST_CASE("an upload in chunks is in the store once it has finished", "[artifacts]") {
  const TempDir folder;
  const auto store = OpenStore(folder);
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{5}, std::size_t{1} << 20, std::size_t{9'000'001}}) {
    const std::string content = Content(bytes);
    const Digest digest = Sha256::Of(content);
    auto upload = store->StartUpload(digest, bytes, 0);
    REQUIRE(upload.ok());
    REQUIRE(Send(**upload, content, 0, bytes).ok());
    CHECK_FALSE(store->Has(digest));
    REQUIRE((*upload)->Finish().ok());
    CHECK(ReadFile(*store->PathOf(digest)).value() == content);
  }
  CHECK(FilesIn(folder / "artifacts/partial") == 0);
}

TEST_CASE("an interrupted upload goes on where it stopped, also after a restart", "[artifacts]") {
  const TempDir folder;
  for (const std::size_t bytes : {std::size_t{100'000}, std::size_t{6'000'000}}) {
    const std::string content = Content(bytes);
    const Digest digest = Sha256::Of(content);
    const std::size_t sent = bytes / 2 + 17;
    {
      const auto store = OpenStore(folder);
      auto upload = store->StartUpload(digest, bytes, 0);
      REQUIRE(upload.ok());
      REQUIRE(Send(**upload, content, 0, sent).ok());
      CHECK((*upload)->Finish().code() == StatusCode::kAborted);
    }
    const auto store = OpenStore(folder);
    REQUIRE(store->HaveBytes(digest) == sent);
    CHECK(store->StartUpload(digest, bytes, sent - 1).status().code() == StatusCode::kAborted);
    auto upload = store->StartUpload(digest, bytes, sent);
    REQUIRE(upload.ok());
    REQUIRE(Send(**upload, content, sent, bytes).ok());
    REQUIRE((*upload)->Finish().ok());
    CHECK(store->Has(digest));
    CHECK(store->HaveBytes(digest) == 0);
  }
}

TEST_CASE("an upload may begin again and forget what arrived before", "[artifacts]") {
  const TempDir folder;
  const auto store = OpenStore(folder);
  const std::string content = Content(5'000);
  const Digest digest = Sha256::Of(content);
  {
    auto wrong = store->StartUpload(digest, content.size(), 0);
    REQUIRE(wrong.ok());
    REQUIRE((*wrong)->Append(std::string(3'000, 'x')).ok());
  }
  auto upload = store->StartUpload(digest, content.size(), 0);
  REQUIRE(upload.ok());
  REQUIRE((*upload)->Append(content).ok());
  CHECK((*upload)->Finish().ok());
}

TEST_CASE("an upload of other bytes than announced is refused and leaves nothing", "[artifacts]") {
  const TempDir folder;
  const auto store = OpenStore(folder);
  const std::string content = Content(4'000'000);
  const Digest digest = Sha256::Of(content);
  {
    auto upload = store->StartUpload(digest, content.size(), 0);
    REQUIRE(upload.ok());
    std::string damaged = content;
    damaged[3'999'999] ^= 1;
    REQUIRE(Send(**upload, damaged, 0, damaged.size()).ok());
    const Status status = (*upload)->Finish();
    CHECK(status.code() == StatusCode::kDataLoss);
    CHECK(status.message().find(digest.ShortHex()) != std::string::npos);
  }
  CHECK_FALSE(store->Has(digest));
  CHECK(store->HaveBytes(digest) == 0);

  auto upload = store->StartUpload(digest, 10, 0);
  REQUIRE(upload.ok());
  CHECK((*upload)->Append(std::string(11, 'x')).code() == StatusCode::kInvalidArgument);
}

TEST_CASE("a bit that flipped on the disk is found at the first use after a start", "[artifacts]") {
  const TempDir folder;
  const std::string content = Content(50'000);
  const Digest digest = *OpenStore(folder)->Put(content);
  FlipBit(folder / "artifacts/blobs/" + digest.hex());

  const auto store = OpenStore(folder);
  const Status status = store->PathOf(digest).status();
  CHECK(status.code() == StatusCode::kDataLoss);
  CHECK(status.message().find("corrupt/") != std::string::npos);
  CHECK(FilesIn(folder / "artifacts/corrupt") == 1);
  CHECK(store->PathOf(digest).status().code() == StatusCode::kNotFound);
  REQUIRE(store->Put(content).ok());
  CHECK(store->Has(digest));
}

TEST_CASE("a damaged partial blob is found when the upload is finished", "[artifacts]") {
  const TempDir folder;
  const auto store = OpenStore(folder);
  const std::string content = Content(3'000'000);
  const Digest digest = Sha256::Of(content);
  {
    auto upload = store->StartUpload(digest, content.size(), 0);
    REQUIRE(upload.ok());
    REQUIRE(Send(**upload, content, 0, 1'000'000).ok());
  }
  FlipBit(folder / "artifacts/partial/" + digest.hex());
  auto upload = store->StartUpload(digest, content.size(), 1'000'000);
  REQUIRE(upload.ok());
  REQUIRE(Send(**upload, content, 1'000'000, content.size()).ok());
  CHECK((*upload)->Finish().code() == StatusCode::kDataLoss);
}

TEST_CASE("two uploads of one digest at the same time both succeed", "[artifacts]") {
  const TempDir folder;
  const auto store = OpenStore(folder);
  const std::string content = Content(5'000'000);
  const Digest digest = Sha256::Of(content);
  auto first = store->StartUpload(digest, content.size(), 0);
  REQUIRE(first.ok());
  REQUIRE(Send(**first, content, 0, 2'000'000).ok());
  CHECK(store->HaveBytes(digest) == 0);  // the other upload has it
  auto second = store->StartUpload(digest, content.size(), 0);
  REQUIRE(second.ok());
  REQUIRE(Send(**second, content, 0, content.size()).ok());
  REQUIRE(Send(**first, content, 2'000'000, content.size()).ok());
  CHECK((*second)->Finish().ok());
  CHECK((*first)->Finish().ok());
  first->reset();
  second->reset();
  CHECK(ReadFile(*store->PathOf(digest)).value() == content);
  CHECK(FilesIn(folder / "artifacts/partial") == 0);
}

TEST_CASE("threads that upload, read and collect at the same time get what they stored", "[artifacts]") {
  const TempDir folder;
  const auto store = OpenStore(folder);
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        const std::string content = Content(static_cast<std::size_t>(2'200'000 + i + t % 2));
        const Digest digest = Sha256::Of(content);
        const auto upload = store->StartUpload(digest, content.size(), 0);
        if (!upload.ok() || !Send(**upload, content, 0, content.size()).ok() || !(*upload)->Finish().ok() ||
            !store->Map(digest).ok() || !store->GarbageCollect({}, 0, hours(1)).ok()) {
          ++failures;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
}

TEST_CASE("a file is adopted by moving it", "[artifacts]") {
  const TempDir folder;
  const auto store = OpenStore(folder);
  const std::string path = folder / "made";
  REQUIRE(WriteFileAtomically(path, "prepared").ok());
  const auto digest = store->Adopt(path);
  REQUIRE(digest.ok());
  CHECK(*digest == Sha256::Of("prepared"));
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(store->Has(*digest));
  CHECK(store->Adopt(path).status().code() == StatusCode::kNotFound);
}

TEST_CASE("garbage collection takes the least recently used, never what is kept or young", "[artifacts]") {
  const TempDir folder;
  const auto store = OpenStore(folder);
  const Digest pinned = *store->Put(Content(1000));
  const Digest older = *store->Put(Content(1001));
  const Digest old = *store->Put(Content(1002));
  const Digest young = *store->Put(Content(1003));
  for (const Digest& digest : {pinned, older, old}) MakeOld(folder / "artifacts/blobs/" + digest.hex());
  REQUIRE(std::filesystem::exists(folder / "artifacts/blobs/" + older.hex()));
  const timespec later[2] = {{1'000'000'500, 0}, {1'000'000'500, 0}};
  REQUIRE(::utimensat(AT_FDCWD, (folder / "artifacts/blobs/" + old.hex()).c_str(), later, 0) == 0);

  auto report = store->GarbageCollect({pinned}, 3'100, seconds(60));
  REQUIRE(report.ok());
  CHECK(report->removed_blobs == 1);
  CHECK(report->kept_bytes == 1000 + 1002 + 1003);
  CHECK_FALSE(store->Has(older));

  report = store->GarbageCollect({pinned}, 0, seconds(60));
  REQUIRE(report.ok());
  CHECK(report->removed_bytes == 1002);
  CHECK(store->Has(pinned));
  CHECK(store->Has(young));
  CHECK_FALSE(store->Has(old));
}

TEST_CASE("a blob that is used becomes young again", "[artifacts]") {
  const TempDir folder;
  const auto store = OpenStore(folder);
  const Digest digest = *store->Put(Content(1000));
  MakeOld(folder / "artifacts/blobs/" + digest.hex());
  REQUIRE(store->Has(digest));
  CHECK(store->GarbageCollect({}, 0, seconds(60))->removed_blobs == 0);
}

TEST_CASE("garbage collection removes stale partial blobs but not those that grow", "[artifacts]") {
  const TempDir folder;
  const auto store = OpenStore(folder);
  const Digest stale = Sha256::Of("stale");
  const Digest active = Sha256::Of("active");
  { REQUIRE((*store->StartUpload(stale, 100, 0))->Append("some").ok()); }
  auto upload = store->StartUpload(active, 6, 0);
  REQUIRE((*upload)->Append("act").ok());
  MakeOld(folder / "artifacts/partial/" + stale.hex());
  MakeOld(folder / "artifacts/partial/" + active.hex());
  REQUIRE(store->GarbageCollect({}, 1'000'000, seconds(60)).ok());
  CHECK(store->HaveBytes(stale) == 0);
  REQUIRE((*upload)->Append("ive").ok());
  CHECK((*upload)->Finish().ok());
}

TEST_CASE("what a killed process left and nobody can use is removed at the next start", "[artifacts]") {
  const TempDir folder;
  const Digest digest = Sha256::Of("x");
  { OpenStore(folder); }
  REQUIRE(WriteFileAtomically(folder / "artifacts/partial/" + digest.hex() + "-3", "second upload").ok());
  REQUIRE(WriteFileAtomically(folder / "artifacts/partial/" + digest.hex() + ".tmp-1-0", "half a blob").ok());
  REQUIRE(WriteFileAtomically(folder / "artifacts/partial/" + digest.hex(), "can go on").ok());
  const auto store = OpenStore(folder);
  CHECK(FilesIn(folder / "artifacts/partial") == 1);
  CHECK(store->HaveBytes(digest) == 9);
}

// A file-size limit stands in for a full disk: the write fails in the same place, with EFBIG instead of ENOSPC.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_CASE("an upload that the disk does not take ends with RESOURCE_EXHAUSTED and frees its space",
          "[artifacts]") {
  const TempDir folder;
  const auto store = OpenStore(folder);
  const std::string content = Content(3'000'000);
  const Digest digest = Sha256::Of(content);
  {
    auto upload = store->StartUpload(digest, content.size(), 0);
    REQUIRE(upload.ok());
    Status status;
    {
      const FileSizeLimit limit(1'500'000);
      status = Send(**upload, content, 0, content.size());
    }
    CHECK(status.code() == StatusCode::kResourceExhausted);
    CHECK(status.message().find(store->root()) != std::string::npos);
  }
  CHECK(store->HaveBytes(digest) == 0);
  const FileSizeLimit limit(1'000);
  CHECK(store->Put(content).status().code() == StatusCode::kResourceExhausted);
  CHECK(FilesIn(folder / "artifacts/partial") == 0);
}

}  // namespace
}  // namespace paddock
