// Moving a 256 MiB blob to the coordinator with the command line's code and from it with the agent's, verified and on disk,
// beside a bare gRPC stream that does no more than that; and what a second submission sends.
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "agent/blob_cache.h"
#include "agent/link_grpc_blobs.h"
#include "base/file.h"
#include "cli/blob_upload.h"
#include "proto/wire_limits.h"
#include "tests/bench/blob_floor.h"
#include "tests/bench/farm_process.h"
#include "tests/bench/report.h"

namespace paddock::bench {
namespace {

constexpr std::size_t kBlobBytes = std::size_t{256} << 20;
constexpr int kRounds = 12;
constexpr auto kTrimTime = std::chrono::seconds(2);  // a disk mounted with "discard" is told what was removed

using Time = std::chrono::steady_clock::time_point;

Time Now() { return std::chrono::steady_clock::now(); }
double Seconds(Time begin, Time end) { return std::chrono::duration<double>(end - begin).count(); }
double Rate(double bytes, double seconds) { return bytes / seconds / 1e6; }

// Another content each round: the coordinator takes none twice.
void WriteBlob(const std::string& path, int round) {
  std::mt19937_64 random(static_cast<std::uint64_t>(round));
  std::vector<std::uint64_t> chunk(kChunkBytes / sizeof(std::uint64_t));
  std::ofstream file(path, std::ios::binary);
  for (std::size_t written = 0; written < kBlobBytes; written += kChunkBytes) {
    for (std::uint64_t& word : chunk) word = random();
    file.write(reinterpret_cast<const char*>(chunk.data()), static_cast<std::streamsize>(kChunkBytes));
  }
}

struct Uploaded {
  double rate = 0;        // from the first chunk on, the digest of the file being known
  double whole_rate = 0;  // with the sender's own hashing, which must come before the first byte
};

Uploaded UploadThroughFarm(Connection& connection, const std::string& path) {
  const Time begin = Now();
  std::optional<Time> first_chunk;
  const auto summary =
      Must(UploadFiles(connection, {{"blob", path}}, [&](const std::string&, std::uint64_t, std::uint64_t) {
        if (!first_chunk) first_chunk = Now();
      }));
  const Time end = Now();
  if (summary.sent_bytes != kBlobBytes)
    GiveUp("the farm's upload sent " + std::to_string(summary.sent_bytes) + " bytes");
  // The first chunk was on its way already when the time was taken.
  return {Rate(kBlobBytes - kChunkBytes, Seconds(*first_chunk, end)), Rate(kBlobBytes, Seconds(begin, end))};
}

double DownloadThroughFarm(agent::BlobClient& client, const std::string& folder, const Digest& digest) {
  const auto cache = Must(agent::BlobCache::Open(folder, std::uint64_t{8} << 30));
  const Time begin = Now();
  const auto partial = Must(cache->Receive(digest));
  Must(client.Download(digest, *partial, false, [] { return false; }));
  const auto pin = Must(partial->Commit());
  return Rate(kBlobBytes, Seconds(begin, Now()));
}

double Fastest(const std::vector<double>& rates) { return SpreadOf(rates).max; }

void Compare(Table& table, const std::string& what, const std::vector<double>& farm,
             const std::vector<double>& floor) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < farm.size(); ++i) ratios.push_back(farm[i] / floor[i]);
  table.Row(what + ", farm / bare stream, fastest rounds", Number(Fastest(farm) / Fastest(floor), 2),
            ">= 0.90", "1.00",
            "round by round " + Number(SpreadOf(ratios).median, 2) + ", " + Range(SpreadOf(ratios), 2));
  table.Row(what + ", MB/s, median", Number(SpreadOf(farm).median, 0), "", Number(SpreadOf(floor).median, 0),
            Range(SpreadOf(farm), 0) + " (bare " + Range(SpreadOf(floor), 0) + ")");
}

void SecondSubmission(Connection& connection, Table& table) {
  const std::string demo = PADDOCK_SOURCE_DIR "/deploy/demo/";
  const std::map<std::string, std::string> files = {{"model", demo + "digits.onnx"},
                                                    {"data", demo + "digits.npz"}};
  const auto ignore = [](const std::string&, std::uint64_t, std::uint64_t) {};
  const auto first = Must(UploadFiles(connection, files, ignore));
  const auto second = Must(UploadFiles(connection, files, ignore));
  table.Row("second submission: blob bytes sent", std::to_string(second.sent_bytes), "0", "0",
            "first " + std::to_string(first.sent_bytes) + " of " + std::to_string(first.total_bytes));
}

struct Rates {
  std::vector<double> upload, whole_upload, download, floor_upload, floor_download;
};

struct Farm {
  CoordinatorProcess coordinator;
  Connection connection{coordinator.address()};
  agent::BlobClient client{coordinator.address()};
};

// Nothing is removed before its end: who writes next would get the blocks, warm and perhaps still being trimmed.
void Round(Farm& farm, const std::string& folder, int round, Rates& rates) {
  const std::string path = folder + "/blob";
  WriteBlob(path, round);
  ::sync();
  const MappedFile blob = Must(MappedFile::Open(path));
  const Digest digest = Sha256::Of(blob.bytes());
  BlobFloor floor(blob.bytes(), folder);
  const auto by_farm = [&] {
    const Uploaded uploaded = UploadThroughFarm(farm.connection, path);
    rates.upload.push_back(uploaded.rate);
    rates.whole_upload.push_back(uploaded.whole_rate);
    rates.download.push_back(DownloadThroughFarm(farm.client, folder + "/cache", digest));
  };
  const auto by_floor = [&] {
    rates.floor_upload.push_back(Rate(kBlobBytes, floor.Upload(digest)));
    rates.floor_download.push_back(Rate(kBlobBytes, floor.Download(digest)));
  };
  if (round % 2 == 0) by_farm();
  by_floor();
  if (round % 2 != 0) by_farm();

  for (const std::string& written :
       {path, folder + "/floor-upload", folder + "/floor-download", folder + "/cache/" + digest.hex(),
        farm.coordinator.folder() / "state/artifacts/blobs/" + digest.hex()})
    std::filesystem::remove(written);
  ::sync();
  std::this_thread::sleep_for(kTrimTime);
}

void Run() {
  Farm farm;
  const TempDir folder;
  Rates rates;
  for (int round = 0; round < kRounds; ++round) Round(farm, folder.path(), round, rates);
  Table table("A blob of 256 MiB, verified and on disk, " + std::to_string(kRounds) + " rounds in turns");
  Compare(table, "upload", rates.upload, rates.floor_upload);
  Compare(table, "download", rates.download, rates.floor_download);
  table.Row("upload with the sender's own hashing, MB/s", Number(SpreadOf(rates.whole_upload).median, 0), "",
            "", Range(SpreadOf(rates.whole_upload), 0));
  SecondSubmission(farm.connection, table);
  Note(
      "bare stream: the same messages and channel settings; receiver hashes in its own thread, "
      "writes with early flushing, fsyncs");
}

}  // namespace
}  // namespace paddock::bench

int main() { paddock::bench::Run(); }
