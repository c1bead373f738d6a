#include "prepare/calibration.h"

#include <catch2/catch.hpp>

#include <set>

#include "base/file.h"
#include "kpi/tensor_file.h"
#include "prepare/adapt_data.h"
#include "prepare/batch.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/prepare/onnx_builder.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

// Sample i is the number i; labels alternate.
struct Numbers {
  TempDir folder;
  std::string path = folder / "numbers.npz";
  ModelInfo model =
      Signature({{"in", ElementType::kFloat32, {-1, 1}}}, {{"out", ElementType::kFloat32, {-1, 2}}});
  DataSpec spec;

  explicit Numbers(std::size_t count) {
    std::vector<float> values;
    std::vector<std::int64_t> labels;
    for (std::size_t i = 0; i < count; ++i) {
      values.push_back(static_cast<float>(i));
      labels.push_back(static_cast<std::int64_t>(i % 2));
    }
    const auto size = static_cast<std::int64_t>(count);
    WriteNpz(path, {{"x.npy", Npy("<f4", {size, 1}, BytesOf(values))},
                    {"y.npy", Npy("<i8", {size}, BytesOf(labels))}});
    spec.inputs = {{"in", "x"}};
    spec.labels = "y";
    spec.samples = count / 2;
    spec.seed = 3;
  }
  Result<std::set<float>> Calibrate(const CalibrationChoice& choice) {
    PADDOCK_ASSIGN_OR_RETURN(
        const std::uint64_t samples,
        WriteCalibration(spec, path, model, Task::kClassification, choice, folder / "out", "n"));
    const std::string bytes = ReadFile(folder / "out").value();
    const auto tensors = DecodeTensorFile(bytes).value();
    CHECK(tensors[0].name == "in");
    std::set<float> values;
    for (std::uint64_t i = 0; i < samples; ++i)
      values.insert(static_cast<float>(ElementAsDouble(tensors[0].tensor, i)));
    CHECK(values.size() == samples);
    return values;
  }
};

TEST_CASE("samples for calibration are never among the measured ones, and the same seed gives the same",
          "[calibration]") {
  Numbers numbers(100);
  const auto measured = PrepareData(numbers.spec, numbers.path, numbers.model, Task::kClassification, {},
                                    numbers.folder.path());
  REQUIRE(measured.ok());
  const auto first = numbers.Calibrate({.samples = 20, .seed = 5});
  REQUIRE(first.ok());
  CHECK(first->size() == 20);
  for (const std::uint64_t index : measured->indices) CHECK(!first->contains(static_cast<float>(index)));
  int odd = 0;
  for (const float value : *first) odd += static_cast<int>(value) % 2;
  CHECK(odd == 10);
  CHECK(*numbers.Calibrate({.samples = 20, .seed = 5}) == *first);
  CHECK(*numbers.Calibrate({.samples = 20, .seed = 6}) != *first);
  CHECK(numbers.Calibrate({.samples = 1000})->size() == 50);
}

TEST_CASE("when all samples are measured none is taken for calibration, unless other data are given",
          "[calibration]") {
  Numbers numbers(10);
  numbers.spec.samples.reset();
  const auto refused = numbers.Calibrate({});
  CHECK(refused.status().code() == StatusCode::kInvalidArgument);
  CHECK_THAT(refused.status().message(), Contains("calibration.file") && Contains("--samples"));
  CHECK_THAT(CheckCalibrationData(numbers.spec, numbers.path, numbers.model, Task::kClassification, {}, "n")
                 .message(),
             Contains("calibration.file"));
  CHECK(numbers.Calibrate({.from_measured_file = false})->size() == 10);
}

TEST_CASE("data of an ONNX model are laid out and named for the TFLite model made of it", "[calibration]") {
  const std::vector<TensorInfo> onnx_inputs = {{"image", ElementType::kFloat32, {-1, 3, 8, 8}},
                                               {"scalars", ElementType::kFloat32, {-1, 5}}};
  const std::vector<TensorInfo> made = {{"image_nhwc", ElementType::kFloat32, {1, 8, 8, 3}},
                                        {"scalars", ElementType::kFloat32, {1, 5}}};
  DataSpec spec;
  spec.inputs = {{"image", "x"}, {"scalars", "s"}};
  spec.preprocess = {{"image", ScaleStep{2, 0}}, {"", CastStep{}}};
  const auto adapted = AdaptData(spec, {"onnx", onnx_inputs}, {"tflite", made});
  REQUIRE(adapted.ok());
  CHECK(adapted->inputs == std::map<std::string, std::string>{{"image_nhwc", "x"}, {"scalars", "s"}});
  REQUIRE(adapted->preprocess.size() == 3);
  CHECK(adapted->preprocess[0].input == "image_nhwc");
  CHECK(std::get<TransposeStep>(adapted->preprocess[2].action).axes == std::vector<std::int64_t>{1, 2, 0});
  CHECK(AdaptData(spec, {"onnx", onnx_inputs}, {"onnx", onnx_inputs})->preprocess.size() == 2);
  CHECK(!AdaptData(spec, {"onnx", onnx_inputs}, {"onnx", {}}).ok());
}

TEST_CASE("floating data are quantised for a quantised input, integers pass as they are", "[calibration]") {
  Numbers numbers(4);
  numbers.spec.samples.reset();
  numbers.model.inputs[0].type = ElementType::kInt8;
  numbers.model.inputs[0].quantization = Quantization{.scale = 0.5, .zero_point = -10};
  REQUIRE(
      PrepareData(numbers.spec, numbers.path, numbers.model, Task::kNone, {}, numbers.folder.path()).ok());
  const std::string bytes = ReadFile(numbers.folder / "batch-00000.tensors").value();
  const auto tensors = DecodeTensorFile(bytes).value();
  CHECK(tensors[0].tensor.type == ElementType::kInt8);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(ElementAsDouble(tensors[0].tensor, i) == -10 + 2 * static_cast<double>(i));
}

}  // namespace
}  // namespace paddock
