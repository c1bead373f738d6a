// Choosing 1,000 of a million samples: an .npz, stored and deflated, and CSV; the file is in the page cache.
#include <zip.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "base/file.h"
#include "base/subprocess.h"
#include "prepare/batch.h"
#include "tests/bench/farm_process.h"
#include "tests/bench/report.h"
#include "tests/fakes/temp_dir.h"

namespace paddock::bench {
namespace {

constexpr int kRounds = 5;
constexpr std::uint64_t kSamples = 1'000'000;
constexpr std::uint64_t kChosen = 1000;
constexpr std::int64_t kPixels = 784;
constexpr std::int64_t kColumns = 8;

struct DataRound {
  double seconds = 0;
  double peak_mb = 0;
};

// Bytes of a .npy whose content is made while it is read: as compressible as drawn digits, four fifths of them zero.
class NpyContent {
 public:
  NpyContent(const std::string& descr, const std::string& shape, std::uint64_t bytes)
      : bytes_(bytes), is_label_(descr == "<i8") {
    header_ = "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + shape + "), }";
    header_.append(117 - header_.size(), ' ');
    header_ = std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header_ + "\n";
  }
  std::uint64_t size() const { return header_.size() + bytes_; }
  std::uint64_t Read(char* out, std::uint64_t size) {
    const std::uint64_t end = std::min(at_ + size, this->size());
    const std::uint64_t begin = at_;
    for (; at_ < end; ++at_) {
      state_ = state_ * 6364136223846793005U + 1442695040888963407U;
      const std::uint64_t place = (at_ - std::min<std::uint64_t>(at_, header_.size())) % 40;
      const bool is_zero = is_label_ ? place % 8 != 0 : place >= 8;
      const std::uint64_t value = is_label_ ? place : state_ >> 56;
      *out++ = at_ < header_.size() ? header_[at_] : is_zero ? '\0' : static_cast<char>(value);
    }
    return end - begin;
  }
  void Rewind() { at_ = 0; }

 private:
  std::string header_;
  std::uint64_t bytes_;
  bool is_label_;
  std::uint64_t at_ = 0;
  std::uint64_t state_ = 1;
};

zip_int64_t OnZipCommand(void* user, void* data, zip_uint64_t size, zip_source_cmd_t command) {
  auto* content = static_cast<NpyContent*>(user);
  if (command == ZIP_SOURCE_OPEN) content->Rewind();
  if (command == ZIP_SOURCE_READ)
    return static_cast<zip_int64_t>(content->Read(static_cast<char*>(data), size));
  if (command == ZIP_SOURCE_STAT) {
    auto* stat = static_cast<zip_stat_t*>(data);
    zip_stat_init(stat);
    stat->valid = ZIP_STAT_SIZE;
    stat->size = content->size();
  }
  if (command == ZIP_SOURCE_SUPPORTS)
    return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT,
                                          ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, -1);
  return 0;
}

void WriteNpzOf(const std::string& path, std::uint64_t samples, zip_int32_t method) {
  const std::string count = std::to_string(samples);
  NpyContent x("|u1", count + ", " + std::to_string(kPixels), samples * kPixels);
  NpyContent y("<i8", count + ",", samples * 8);
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const auto& [name, content] : {std::pair("x.npy", &x), std::pair("y.npy", &y)}) {
    const zip_int64_t index =
        zip_file_add(archive, name, zip_source_function(archive, OnZipCommand, content), 0);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), method, 1);
  }
  if (zip_close(archive) != 0) GiveUp(std::string("cannot write the data: ") + zip_strerror(archive));
}

void WriteCsvOf(const std::string& path, std::uint64_t samples) {
  std::ofstream file(path, std::ios::binary);
  for (int c = 0; c < kColumns; ++c) file << "f" << c << ",";
  file << "y\n";
  for (std::uint64_t i = 0; i < samples; ++i) {
    for (int c = 0; c < kColumns; ++c)
      file << static_cast<double>((i * 7919 + static_cast<std::uint64_t>(c) * 104'729) % 100'000) / 1000
           << ",";
    file << i % 5 << "\n";
  }
}

double PeakMegabytesOfData() {
  std::istringstream status(Must(ReadFile("/proc/self/status")));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) * 1024 / 1e6;
  }
  GiveUp("/proc/self/status has no VmHWM");
}

// What the coordinator does with the data of one job: chooses, preprocesses, writes the batches.
int DataChild(const std::string& path, const std::string& result_path) {
  const bool is_csv = path.ends_with(".csv");
  DataSpec spec;
  if (!is_csv) spec.inputs = {{"in", "x"}};
  spec.labels = "y";
  spec.samples = kChosen;
  spec.preprocess = {{"", CastStep{ElementType::kFloat32}}};
  ModelInfo model;
  model.inputs = {{"in", ElementType::kFloat32, {-1, is_csv ? kColumns : kPixels}}};
  const TempDir folder;
  const auto begin = std::chrono::steady_clock::now();
  const PreparedData prepared =
      Must(PrepareData(spec, path, model, Task::kClassification, {}, folder.path()));
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
  if (prepared.indices.size() != kChosen) GiveUp("not as many samples as asked for");
  std::ostringstream out;
  out << time.count() << " " << PeakMegabytesOfData() << "\n";
  Must(WriteFileAtomically(result_path, out.str()));
  return 0;
}

void DataRow(Table& table, const std::string& what, const std::string& goal, const TempDir& folder,
             const std::string& name) {
  std::vector<double> seconds;
  double peak_mb = 0;
  for (int i = 0; i < kRounds + 1; ++i) {
    ProcessRequest request;
    request.argv = {ProgramFolder() + "/bench_data", "--child", folder / name, folder / "result"};
    request.environment = CleanEnvironment();
    const ProcessResult result = Must(RunProcess(request, Deadline::After(std::chrono::minutes(5))));
    if (!result.succeeded()) GiveUp(result.Describe() + " " + result.stderr_text);
    std::istringstream in(Must(ReadFile(folder / "result")));
    DataRound round;
    in >> round.seconds >> round.peak_mb;
    if (i == 0) continue;  // brings the file into the page cache
    seconds.push_back(round.seconds);
    peak_mb = round.peak_mb;
  }
  const Spread spread = SpreadOf(seconds);
  table.Row(what + ", s", Number(spread.median, 2), goal, "", Range(spread, 2));
  table.Row("  its memory (VmHWM), MB", Number(peak_mb, 0), "< 200", "", "");
  Note(name + ": " + Number(static_cast<double>(std::filesystem::file_size(folder / name)) / 1e6, 0) + " MB");
}

void RunDataBench() {
  const TempDir folder;
  WriteNpzOf(folder / "stored.npz", kSamples, ZIP_CM_STORE);
  WriteNpzOf(folder / "deflated.npz", kSamples, ZIP_CM_DEFLATE);
  WriteCsvOf(folder / "table.csv", kSamples);
  Table table("Choosing 1,000 of 1,000,000 samples by label and writing them as batches, " +
              std::to_string(kRounds) + " rounds, a fresh process each");
  DataRow(table, ".npz of uint8 [784], stored", "<= 1", folder, "stored.npz");
  DataRow(table, ".npz of uint8 [784], deflated", "<= 1", folder, "deflated.npz");
  DataRow(table, "CSV of 8 columns and a label", "", folder, "table.csv");
}

}  // namespace
}  // namespace paddock::bench

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "--child") == 0) return paddock::bench::DataChild(argv[2], argv[3]);
  if (argc == 4 && std::strcmp(argv[1], "--npz") == 0)
    paddock::bench::WriteNpzOf(argv[2], std::stoull(argv[3]), ZIP_CM_STORE);
  else
    paddock::bench::RunDataBench();
}
