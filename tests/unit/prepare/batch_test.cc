#include "prepare/batch.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <numeric>

#include "base/random.h"
#include "kpi/tensor_file.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/prepare/onnx_builder.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

// n samples: x uint8 [n,4] with x[i][j] = i + j, and y int64 [n] = i mod 3; the model takes float32 [?,4].
class BatchInputs {
 public:
  explicit BatchInputs(std::int64_t n) {
    std::string x;
    std::vector<std::int64_t> y;
    for (std::int64_t i = 0; i < n; ++i) {
      for (std::int64_t j = 0; j < 4; ++j) x += static_cast<char>(i + j);
      y.push_back(i % 3);
    }
    WriteNpz(folder_ / "data.npz",
             {{"x.npy", Npy("|u1", {n, 4}, x)}, {"y.npy", Npy("<i8", {n}, BytesOf(y))}});
    std::filesystem::create_directory(folder_ / "out");
    spec.labels = "y";
    spec.preprocess = {{.input = "", .action = CastStep{ElementType::kFloat32}}};
  }
  Result<PreparedData> Prepare(DataLimits limits = {}) {
    return PrepareData(spec, folder_ / "data.npz", model, task, limits, folder_ / "out", "data.npz");
  }
  const TempDir& folder() const { return folder_; }

  DataSpec spec;
  ModelInfo model =
      Signature({{"in", ElementType::kFloat32, {-1, 4}}}, {{"out", ElementType::kFloat32, {-1, 3}}});
  Task task = Task::kClassification;

 private:
  TempDir folder_;
};

struct Loaded {
  explicit Loaded(const std::string& path) : bytes(ReadBytes(path)) {
    auto decoded = DecodeTensorFile(bytes);
    REQUIRE(decoded.ok());
    tensors = std::move(decoded).value();
  }
  std::string bytes;
  std::vector<NamedTensorView> tensors;
};

// The first element of every sample over all batches: the sample's index in the data.
std::vector<std::uint64_t> SamplesIn(const PreparedData& prepared) {
  std::vector<std::uint64_t> samples;
  for (const BatchFile& batch : prepared.batches) {
    const Loaded file(batch.path);
    REQUIRE(file.bytes.size() == batch.bytes);
    REQUIRE(file.tensors.size() == 1);
    REQUIRE(file.tensors[0].name == "in");
    REQUIRE(file.tensors[0].tensor.shape == Shape{static_cast<std::int64_t>(batch.samples), 4});
    for (std::size_t i = 0; i < batch.samples; ++i) {
      samples.push_back(static_cast<std::uint64_t>(ElementAsDouble(file.tensors[0].tensor, i * 4)));
      REQUIRE(ElementAsDouble(file.tensors[0].tensor, i * 4 + 3) == static_cast<double>(samples.back() + 3));
    }
  }
  return samples;
}

TEST_CASE("all samples are prepared under the model's input name, with labels beside them") {
  BatchInputs data(10);
  const auto prepared = data.Prepare();
  REQUIRE(prepared.ok());
  CHECK(prepared->batches.size() == 1);
  CHECK(SamplesIn(*prepared) == std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  const Loaded labels(prepared->labels_path);
  REQUIRE(labels.tensors.size() == 1);
  CHECK(labels.tensors[0].name == "labels");
  CHECK(labels.tensors[0].tensor.shape == Shape{10});
  for (std::size_t i = 0; i < 10; ++i)
    CHECK(ElementAsDouble(labels.tensors[0].tensor, i) == static_cast<double>(i % 3));
}

TEST_CASE("batches keep to the limit and lose no sample at the tail") {
  Random random(19);
  for (int round = 0; round < 40; ++round) {
    const auto n = static_cast<std::int64_t>(1 + random.Below(100));
    BatchInputs data(n);
    const std::uint64_t limit = 300 + random.Below(600);
    CAPTURE(n, limit);
    const auto prepared = data.Prepare({.batch_bytes = limit});
    REQUIRE(prepared.ok());
    std::vector<std::uint64_t> expected(static_cast<std::size_t>(n));
    std::iota(expected.begin(), expected.end(), std::uint64_t{0});
    REQUIRE(SamplesIn(*prepared) == expected);
    for (const BatchFile& batch : prepared->batches) {
      REQUIRE(batch.bytes <= limit);
      REQUIRE(batch.samples > 0);
    }
  }
}

TEST_CASE("a subset is stratified, seeded, and its labels are those of its samples") {
  BatchInputs data(90);
  data.spec.samples = 30;
  data.spec.seed = 7;
  const auto prepared = data.Prepare({.batch_bytes = 400});
  REQUIRE(prepared.ok());
  CHECK(prepared->batches.size() > 1);
  CHECK(SamplesIn(*prepared) == prepared->indices);
  std::vector<int> by_label(3);
  const Loaded labels(prepared->labels_path);
  for (std::size_t i = 0; i < 30; ++i) {
    REQUIRE(ElementAsDouble(labels.tensors[0].tensor, i) == static_cast<double>(prepared->indices[i] % 3));
    ++by_label[prepared->indices[i] % 3];
  }
  CHECK(by_label == std::vector<int>{10, 10, 10});
  CHECK(data.Prepare()->indices == prepared->indices);
}

TEST_CASE("the same recipe gives the same bytes") {
  BatchInputs first(20);
  BatchInputs second(20);
  CHECK(ReadBytes(first.Prepare()->batches[0].path) == ReadBytes(second.Prepare()->batches[0].path));
}

TEST_CASE("one sample above the device's limit is refused with both sizes") {
  BatchInputs data(3);
  const auto prepared = data.Prepare({.batch_bytes = 100});
  CHECK(prepared.status().code() == StatusCode::kInvalidArgument);
  CHECK_THAT(prepared.status().message(),
             Contains("float32 in[1,4] of 16 bytes") && Contains("the device takes 100"));
}

TEST_CASE("a limit that holds exactly one sample is enough") {
  BatchInputs data(3);
  const std::uint64_t one_sample = data.Prepare({.batch_bytes = 300})->batches[0].bytes;
  const auto prepared = data.Prepare({.batch_bytes = one_sample});
  REQUIRE(prepared.ok());
  CHECK(prepared->batches.size() == 3);
}

TEST_CASE("several inputs travel in one file and may share an array") {
  BatchInputs data(5);
  data.model.inputs = {{"a", ElementType::kFloat32, {1, 4}}, {"b", ElementType::kUint8, {1, 2, 2}}};
  data.spec.inputs = {{"a", "x"}, {"b", "x"}};
  data.spec.preprocess = {{.input = "a", .action = CastStep{ElementType::kFloat32}},
                          {.input = "b", .action = ReshapeStep{{2, 2}}}};
  const auto prepared = data.Prepare();
  REQUIRE(prepared.ok());
  const Loaded file(prepared->batches[0].path);
  REQUIRE(file.tensors.size() == 2);
  CHECK(file.tensors[0].tensor.shape == Shape{5, 4});
  CHECK(file.tensors[1].name == "b");
  CHECK(file.tensors[1].tensor.type == ElementType::kUint8);
  CHECK(file.tensors[1].tensor.shape == Shape{5, 2, 2});
}

TEST_CASE("without labels there is no labels file") {
  BatchInputs data(5);
  data.spec.labels.clear();
  data.spec.inputs = {{"in", "x"}};
  data.task = Task::kNone;
  const auto prepared = data.Prepare();
  REQUIRE(prepared.ok());
  CHECK(prepared->labels_path.empty());
}

TEST_CASE("damage behind the chosen samples is found") {
  const TempDir folder;
  DataSpec spec;
  spec.samples = 1;
  const ModelInfo model =
      Signature({{"in", ElementType::kUint8, {-1, 4}}}, {{"out", ElementType::kFloat32, {-1, 3}}});
  WriteNpz(folder / "d.npz", {{"x.npy", Npy("|u1", {4, 4}, "aaaabbbbccccdddd")}}, ZIP_CM_STORE);
  REQUIRE(PrepareData(spec, folder / "d.npz", model, Task::kNone, {}, folder.path()).ok());
  std::string bytes = ReadBytes(folder / "d.npz");
  bytes[bytes.find("dddd") + 3] = 'e';
  WriteBytes(folder / "d.npz", bytes);
  const auto prepared = PrepareData(spec, folder / "d.npz", model, Task::kNone, {}, folder.path());
  CHECK_THAT(prepared.status().message(), Contains("array 'x'") && Contains("damaged"));
}

TEST_CASE("an output folder that cannot be written is named") {
  BatchInputs data(2);
  const auto prepared =
      PrepareData(data.spec, data.folder() / "data.npz", data.model, data.task, {}, data.folder() / "absent");
  CHECK(prepared.status().code() == StatusCode::kNotFound);
  CHECK_THAT(prepared.status().message(), Contains("absent/batch-00000.tensors"));
  if (std::filesystem::exists("/dev/full")) {
    std::filesystem::create_symlink("/dev/full", data.folder() / "out/batch-00000.tensors");
    CHECK(data.Prepare().status().code() == StatusCode::kResourceExhausted);
  }
}

TEST_CASE("for an accuracy interval all samples are prepared in a random order, with their labels") {
  BatchInputs data(60);
  data.spec.accuracy_interval = 0.1;
  data.spec.seed = 3;
  const auto prepared = data.Prepare({.batch_bytes = 700});
  INFO(prepared.status().ToString());
  REQUIRE(prepared.ok());
  CHECK(prepared->batches.size() > 1);
  CHECK(prepared->indices.size() == 60);
  CHECK_FALSE(std::is_sorted(prepared->indices.begin(), prepared->indices.end()));
  CHECK(SamplesIn(*prepared) == prepared->indices);
  const Loaded labels(prepared->labels_path);
  for (std::size_t i = 0; i < 60; ++i) {
    CHECK(ElementAsDouble(labels.tensors[0].tensor, i) == static_cast<double>(prepared->indices[i] % 3));
  }
}

TEST_CASE("data that are too few for an accuracy interval are refused with how many it takes") {
  BatchInputs data(30);
  data.spec.accuracy_interval = 0.1;
  const auto prepared = data.Prepare();
  CHECK_THAT(prepared.status().message(),
             Contains("data.samples.accuracy_interval") && Contains("30 samples") && Contains("take 35"));
}

}  // namespace
}  // namespace paddock
