// Public models and data with known answers, through the driver's interface. Skips where they are not beside
// the repository.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "device_drivers/registry.h"
#include "prepare/model_info.h"
#include "tests/conformance/all_rows.h"

namespace paddock {
namespace {

const std::string kFolder = PADDOCK_SOURCE_DIR "/../shared/data/mlperf-tiny/";

// Null, with a word to the reader, where the data or the runtime is missing.
std::unique_ptr<DeviceDriver> DriverOrSkip(const std::string& family, const DriverOptions& options = {}) {
  if (!std::filesystem::exists(kFolder)) {
    WARN("skipped: there is no " << kFolder);
    return nullptr;
  }
  auto driver = (*FindDriver(family))->create(options);
  if (driver.ok()) return std::move(*driver);
  WARN("skipped: " << driver.status().message());
  return nullptr;
}

std::unique_ptr<Session> Open(DeviceDriver& driver, const std::string& path) {
  SessionRequest request;
  request.artifact_path = path;
  request.artifact_kind = path.substr(path.rfind('.') + 1);
  auto session = driver.Open(request, Deadline::Never());
  REQUIRE(session.status().ToString() == "OK");
  return std::move(*session);
}

// How many of the 1,000 samples of kws01.npz get their label. `samples` has a row for each, in the model's type.
int RightAnswers(Session& session, const Tensor& samples, const Tensor& labels) {
  const std::size_t row_bytes = samples.bytes.size() / 1000;
  Shape row = session.Inputs().at(0).shape;
  row.at(0) = 1;
  int right = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    const TensorView input{samples.info.type, row,
                           std::span(samples.bytes).subspan(i * row_bytes, row_bytes)};
    const auto query = session.Bind(std::span(&input, 1));
    REQUIRE(query.status().ToString() == "OK");
    REQUIRE(session.Invoke(*query).ok());
    const auto outputs = session.ReadOutputs();
    REQUIRE(outputs.ok());
    std::size_t best = 0;
    for (std::size_t k = 1; k < 12; ++k) {
      if (ElementAsDouble(outputs->front(), k) > ElementAsDouble(outputs->front(), best)) best = k;
    }
    right += static_cast<double>(best) == ElementAsDouble(labels.view(), i) ? 1 : 0;
  }
  return right;
}

TEST_CASE("the keyword model is right for 902 of 1000 samples", "[conformance]") {
  const auto driver = DriverOrSkip("onnxruntime");
  if (!driver) return;
  auto file = DataFile::Open(kFolder + "kws01.npz");
  REQUIRE(file.ok());
  const Tensor samples = AllRows(*file, "x");
  std::vector<float> values(samples.bytes.size());  // int8: one byte an element
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>((ElementAsDouble(samples.view(), i) - 83) * 0.5847029089927673);
  }
  Tensor floats{{"x", ElementType::kFloat32, samples.info.shape}, {}};
  const auto bytes = std::as_bytes(std::span(values));
  floats.bytes.assign(bytes.begin(), bytes.end());
  const auto session = Open(*driver, kFolder + "kws_int8.onnx");
  CHECK(RightAnswers(*session, floats, AllRows(*file, "y")) == 902);
}

TEST_CASE("the keyword model is right for 901 of 1000 samples on TensorFlow Lite's own kernels",
          "[conformance]") {
  const auto driver = DriverOrSkip("tflite", {{"execution_provider", "cpu"}});
  if (!driver) return;
  auto file = DataFile::Open(kFolder + "kws01.npz");
  REQUIRE(file.ok());
  const auto session = Open(*driver, kFolder + "kws_int8.tflite");
  CHECK(session->Inputs().at(0).quantization == Quantization{0.5847029089927673F, 83});
  CHECK(RightAnswers(*session, AllRows(*file, "x"), AllRows(*file, "y")) == 901);
}

TEST_CASE("the keyword model on XNNPACK is as right as on TensorFlow Lite's own kernels, within 3 of 1000",
          "[conformance]") {
  const auto driver = DriverOrSkip("tflite", {{"execution_provider", "xnnpack"}});
  if (!driver) return;
  auto file = DataFile::Open(kFolder + "kws01.npz");
  REQUIRE(file.ok());
  const auto session = Open(*driver, kFolder + "kws_int8.tflite");
  INFO(session->EffectiveOptions().at("delegated_nodes"));
  const int right = RightAnswers(*session, AllRows(*file, "x"), AllRows(*file, "y"));
  CHECK(right >= 898);
  CHECK(right <= 904);
}

TEST_CASE("what is read from a TensorFlow Lite file is what TensorFlow Lite finds in it", "[conformance]") {
  const auto driver = DriverOrSkip("tflite");
  if (!driver) return;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".tflite") continue;
    INFO(entry.path());
    const auto info = ReadModelInfo(entry.path());
    REQUIRE(info.status().ToString() == "OK");
    SessionRequest request;
    request.artifact_path = entry.path();
    request.artifact_kind = info->kind;
    request.inputs = info->inputs;
    request.outputs = info->outputs;
    const auto session = driver->Open(request, Deadline::Never());
    REQUIRE(session.status().ToString() == "OK");
    CHECK((*session)->Inputs() == info->inputs);
    CHECK((*session)->Outputs() == info->outputs);
  }
}

TEST_CASE("every public model is opened and run on the runtime of its format", "[conformance]") {
  const std::vector<std::pair<std::string, DriverOptions>> devices = {
      {"onnxruntime", {}}, {"tflite", {}}, {"tflite", {{"execution_provider", "cpu"}}}};
  for (const auto& [family, options] : devices) {
    const auto driver = DriverOrSkip(family, options);
    if (!driver) continue;
    const std::string extension = "." + driver->Describe().artifact_kinds.at(0);
    std::size_t models = 0;
    for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
      if (entry.path().extension() != extension) continue;
      INFO(family << " " << entry.path());
      ++models;
      const auto session = Open(*driver, entry.path());
      TensorInfo input = session->Inputs().at(0);
      for (auto& dimension : input.shape) dimension = std::max<std::int64_t>(dimension, 1);
      const std::vector<std::byte> zeros(ElementCount(input.shape).value() * ElementSize(input.type));
      const TensorView view{input.type, input.shape, zeros};
      const auto query = session->Bind(std::span(&view, 1));
      REQUIRE(query.status().ToString() == "OK");
      REQUIRE(session->Invoke(*query).ToString() == "OK");
      CHECK_FALSE(session->ReadOutputs()->front().bytes.empty());
    }
    CHECK(models >= 4);
  }
}

}  // namespace
}  // namespace paddock
