// Public models and data with known answers, through the driver's interface. Skips where they are not beside
// the repository.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <numeric>

#include "device_drivers/registry.h"
#include "prepare/data_file.h"

namespace paddock {
namespace {

const std::string kFolder = PADDOCK_SOURCE_DIR "/../shared/data/mlperf-tiny/";

// Null, with a word to the reader, where the data or ONNX Runtime is missing.
std::unique_ptr<DeviceDriver> DriverOrSkip() {
  if (!std::filesystem::exists(kFolder)) {
    WARN("skipped: there is no " << kFolder);
    return nullptr;
  }
  auto driver = (*FindDriver("onnxruntime"))->create({});
  if (driver.ok()) return std::move(*driver);
  WARN("skipped: " << driver.status().message());
  return nullptr;
}

std::unique_ptr<Session> Open(DeviceDriver& driver, const std::string& path) {
  SessionRequest request;
  request.artifact_path = path;
  request.artifact_kind = "onnx";
  auto session = driver.Open(request, Deadline::Never());
  REQUIRE(session.status().ToString() == "OK");
  return std::move(*session);
}

Tensor AllRows(DataFile& file, const std::string& name) {
  const auto info = file.Find(name);
  REQUIRE(info.ok());
  std::vector<std::uint64_t> rows(static_cast<std::size_t>(info->shape.at(0)));
  std::iota(rows.begin(), rows.end(), 0);
  auto tensor = file.ReadRows(name, rows);
  REQUIRE(tensor.ok());
  return std::move(*tensor);
}

TEST_CASE("the keyword model is right for 902 of 1000 samples", "[conformance]") {
  const auto driver = DriverOrSkip();
  if (!driver) return;
  auto file = DataFile::Open(kFolder + "kws01.npz");
  REQUIRE(file.ok());
  const Tensor samples = AllRows(*file, "x");
  const Tensor labels = AllRows(*file, "y");

  std::vector<float> values(samples.bytes.size());  // int8: one byte an element
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>((ElementAsDouble(samples.view(), i) - 83) * 0.5847029089927673);
  }
  const auto session = Open(*driver, kFolder + "kws_int8.onnx");
  const std::size_t row = values.size() / 1000;
  int right = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    const TensorView input{ElementType::kFloat32,
                           {1, static_cast<std::int64_t>(row)},
                           std::as_bytes(std::span(values).subspan(i * row, row))};
    const auto query = session->Bind(std::span(&input, 1));
    REQUIRE(query.ok());
    REQUIRE(session->Invoke(*query).ok());
    const auto outputs = session->ReadOutputs();
    REQUIRE(outputs.ok());
    const auto* const scores = reinterpret_cast<const float*>(outputs->front().bytes.data());
    const auto best = std::max_element(scores, scores + 12) - scores;
    right += static_cast<double>(best) == ElementAsDouble(labels.view(), i) ? 1 : 0;
  }
  CHECK(right == 902);
}

TEST_CASE("every public model is opened and run", "[conformance]") {
  const auto driver = DriverOrSkip();
  if (!driver) return;
  for (const std::string name : {"ad_autoencoder_int8", "ic_resnet8_fp32", "ic_resnet8_int8", "kws_int8",
                                 "vww_mobilenet_fp32", "vww_mobilenet_int8"}) {
    INFO(name);
    const auto session = Open(*driver, kFolder + name + ".onnx");
    TensorInfo input = session->Inputs().at(0);
    for (auto& dimension : input.shape) dimension = std::max<std::int64_t>(dimension, 1);
    const std::vector<std::byte> zeros(ElementCount(input.shape).value() * ElementSize(input.type));
    const TensorView view{input.type, input.shape, zeros};
    const auto query = session->Bind(std::span(&view, 1));
    REQUIRE(query.status().ToString() == "OK");
    REQUIRE(session->Invoke(*query).ToString() == "OK");
    CHECK_FALSE(session->ReadOutputs()->front().bytes.empty());
  }
}

}  // namespace
}  // namespace paddock
