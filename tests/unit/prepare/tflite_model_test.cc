#include "prepare/tflite/tflite_model.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "base/random.h"
#include "prepare/model_info.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

// FULLY_CONNECTED(in [1,4], weights [2,4]) -> out [1,2], int8.
TfliteModel DenseTflite() {
  TfliteModel model;
  model.description = "made by a test";
  model.buffers.emplace_back(8, std::byte{3});
  model.tensors.resize(3);
  model.tensors[0] = {.name = "in;x",
                      .type = ElementType::kInt8,
                      .shape = {1, 4},
                      .signature = {-1, 4},
                      .scales = {0.5F},
                      .zero_points = {-3},
                      .quantized_dimension = 0,
                      .buffer = 0,
                      .is_variable = false};
  model.tensors[1] = {.name = "w",
                      .type = ElementType::kInt8,
                      .shape = {2, 4},
                      .signature = {},
                      .scales = {0.25F, 0.75F},
                      .zero_points = {0, 0},
                      .quantized_dimension = 0,
                      .buffer = 1,
                      .is_variable = false};
  model.tensors[2] = {.name = "out",
                      .type = ElementType::kInt8,
                      .shape = {1, 2},
                      .signature = {},
                      .scales = {2},
                      .zero_points = {7},
                      .quantized_dimension = 0,
                      .buffer = 0,
                      .is_variable = false};
  TfliteOperator op;
  op.op = TfliteOp::kFullyConnected;
  op.version = 4;
  op.inputs = {0, 1, -1};
  op.outputs = {2};
  op.options.activation = TfliteActivation::kRelu6;
  model.operators = {op};
  model.inputs = {0};
  model.outputs = {2};
  return model;
}

std::string Written(const TfliteModel& model) {
  const auto bytes = SerializeTflite(model);
  REQUIRE(bytes.status().ToString() == "OK");
  return *bytes;
}

std::string TfliteErrorOf(const TfliteModel& model) {
  const auto bytes = SerializeTflite(model);
  REQUIRE_FALSE(bytes.ok());
  return bytes.status().message();
}

TEST_CASE("a TensorFlow Lite model that is written is read again as it was", "[tflite]") {
  const std::string bytes = Written(DenseTflite());
  CHECK(IsTflite(bytes));
  CHECK(bytes == Written(DenseTflite()));
  const auto model = ParseTflite(bytes);
  REQUIRE(model.ok());
  CHECK(model->description == "made by a test");
  REQUIRE(model->tensors.size() == 3);
  CHECK(model->tensors[0].name == "in;x");
  CHECK(model->tensors[0].signature == Shape{-1, 4});
  CHECK(model->tensors[1].scales == std::vector<float>{0.25F, 0.75F});
  CHECK(model->tensors[2].TensorQuantization() == Quantization{2, 7});
  CHECK(model->DataOf(model->tensors[1]) == std::vector<std::byte>(8, std::byte{3}));
  REQUIRE(model->operators.size() == 1);
  CHECK(model->operators[0].op == TfliteOp::kFullyConnected);
  CHECK(model->operators[0].version == 4);
  CHECK(model->operators[0].inputs == std::vector<std::int32_t>{0, 1, -1});
  CHECK(model->operators[0].options.activation == TfliteActivation::kRelu6);
}

TEST_CASE("a TensorFlow Lite model is described by content, whatever its file is called", "[tflite]") {
  const TempDir folder;
  REQUIRE(WriteFileUnsynced(folder / "m.onnx", Written(DenseTflite())).ok());
  const auto info = ReadModelInfo(folder / "m.onnx");
  REQUIRE(info.status().ToString() == "OK");
  CHECK(info->kind == "tflite");
  CHECK(info->inputs == std::vector<TensorInfo>{{"in;x", ElementType::kInt8, {1, 4}, Quantization{0.5, -3}}});
  CHECK(info->outputs == std::vector<TensorInfo>{{"out", ElementType::kInt8, {1, 2}, Quantization{2, 7}}});
  CHECK(info->operators == std::map<std::string, std::uint64_t>{{"FULLY_CONNECTED", 1}});
  CHECK(info->parameters == 8);
  CHECK(SampleShapes(*info).value() == std::vector<Shape>{{4}});
}

TEST_CASE("an open dimension besides the batch is refused when samples are made", "[tflite]") {
  const TempDir folder;
  TfliteModel model = DenseTflite();
  model.tensors[0].signature = {-1, -1};
  REQUIRE(WriteFileUnsynced(folder / "m.tflite", Written(model)).ok());
  const auto info = ReadModelInfo(folder / "m.tflite");
  REQUIRE(info.ok());
  CHECK_THAT(SampleShapes(*info).status().message(), Contains("in;x") && Contains("dimension 1"));
}

TEST_CASE("TensorFlow Lite models that contradict themselves are refused by the thing at fault", "[tflite]") {
  TfliteModel model = DenseTflite();
  model.tensors[1].shape = {3, 4};
  model.tensors[1].scales = {1};
  model.tensors[1].zero_points = {0};
  CHECK_THAT(TfliteErrorOf(model), Contains("tensor 'w'") && Contains("[3,4]") && Contains("8 bytes"));
  model = DenseTflite();
  model.tensors[1].scales = {1, 2, 3};
  CHECK_THAT(TfliteErrorOf(model), Contains("tensor 'w'") && Contains("scales"));
  model = DenseTflite();
  model.tensors[0].scales = {-1};
  CHECK_THAT(TfliteErrorOf(model), Contains("tensor 'in;x'") && Contains("no positive number"));
  model = DenseTflite();
  model.tensors[0].shape = {1 << 30, 1 << 30};
  CHECK_THAT(TfliteErrorOf(model), Contains("tensor 'in;x'") && Contains("impossible shape"));
  model = DenseTflite();
  model.tensors[0].buffer = 9;
  CHECK_THAT(TfliteErrorOf(model), Contains("tensor 'in;x'") && Contains("buffer 9"));
  model = DenseTflite();
  model.operators[0].inputs[0] = 17;
  CHECK_THAT(TfliteErrorOf(model), Contains("tensor 17 of 3"));
  model = DenseTflite();
  model.operators[0].inputs[0] = 2;  // its own output
  CHECK_THAT(TfliteErrorOf(model), Contains("FULLY_CONNECTED 'out'") && Contains("before anything makes it"));
  model = DenseTflite();
  model.operators.clear();
  CHECK_THAT(TfliteErrorOf(model), Contains("tensor 'out'") && Contains("nothing makes it"));
}

TEST_CASE("truncated and damaged TensorFlow Lite files are refused or read, never believed blindly",
          "[tflite]") {
  const std::string bytes = Written(DenseTflite());
  for (std::size_t size = 8; size < bytes.size(); size += 3) {
    const auto model = ParseTflite(std::string_view(bytes).substr(0, size));
    if (!model.ok()) CHECK_THAT(model.status().message(), Contains("anew"));
  }
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = bytes;
    for (int k = 0; k < 4; ++k)
      damaged[8 + random.Below(damaged.size() - 8)] = static_cast<char>(random.Below(256));
    const auto model = ParseTflite(damaged);
    if (!model.ok()) CHECK_FALSE(model.status().message().empty());
  }
}

TEST_CASE("the public TensorFlow Lite models are described", "[tflite]") {
  const std::string folder = PADDOCK_SOURCE_DIR "/../shared/data/mlperf-tiny/";
  if (!std::filesystem::exists(folder)) {
    WARN("skipped: there is no " << folder);
    return;
  }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".tflite") continue;
    INFO(entry.path());
    const auto info = ReadModelInfo(entry.path());
    REQUIRE(info.status().ToString() == "OK");
    CHECK(info->inputs.at(0).quantization);
    CHECK(info->inputs.at(0).shape.at(0) == 1);
    ++files;
  }
  CHECK(files >= 4);
  const auto kws = ReadModelInfo(folder + "kws_int8.tflite");
  REQUIRE(kws.ok());
  CHECK(kws->inputs.at(0).type == ElementType::kInt8);
  CHECK(kws->inputs.at(0).quantization->zero_point == 83);
  CHECK(kws->operators.at("DEPTHWISE_CONV_2D") == 4);
}

}  // namespace
}  // namespace paddock
