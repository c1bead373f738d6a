// What tests of graph-changing steps share: real ONNX Runtime, seeded samples, small networks, and models run on samples.
#pragma once

#include <catch2/catch.hpp>

#include <cmath>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/file.h"
#include "device_drivers/onnxruntime/ort_library.h"
#include "kpi/tensor_file.h"
#include "prepare/onnx_graph.h"
#include "prepare/passes/calibration_set.h"
#include "prepare/passes/ort_runner.h"
#include "prepare/steps.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/prepare/onnx_builder.h"

namespace paddock {

// Null, with a message, where the library is not installed.
inline std::shared_ptr<const OrtLibrary> OnnxruntimeOrSkip() {
  static const auto library = OrtLibrary::Open("");
  if (library.ok()) return *library;
  WARN("skipped: " << library.status().message());
  return nullptr;
}

// Empty, with a message, where the public models do not lie beside the source tree.
inline std::string PublicModelOrSkip(const std::string& name) {
  const std::string folder = PADDOCK_SOURCE_DIR "/../shared/data/mlperf-tiny/";
  if (std::filesystem::exists(folder + name)) return folder + name;
  WARN("skipped: there is no " << folder << name);
  return "";
}

inline void WriteModel(const std::string& path, const onnx::ModelProto& model) {
  WriteBytes(path, model.SerializeAsString());
}

inline Tensor FloatTensor(const std::string& name, const Shape& shape, const std::vector<float>& values) {
  Tensor tensor{{name, ElementType::kFloat32, shape}, {}};
  const auto* const bytes = reinterpret_cast<const std::byte*>(values.data());
  tensor.bytes.assign(bytes, bytes + values.size() * sizeof(float));
  return tensor;
}

inline std::vector<float> RandomFloats(std::size_t count, unsigned seed, float min = -1, float max = 1) {
  std::mt19937 random(seed);
  std::vector<float> values(count);
  for (float& value : values)
    value = min + (max - min) * static_cast<float>(random() >> 8) / static_cast<float>(1 << 24);
  return values;
}

// Samples for every input of a model.
inline void WriteRandomSamples(const std::string& path, const std::string& model, std::int64_t samples,
                               unsigned seed, float min = 0, float max = 1) {
  std::vector<Tensor> tensors;
  const ModelInfo info = ReadModelInfo(model).value();
  for (const TensorInfo& input : info.inputs) {
    Shape shape = input.shape;
    shape[0] = samples;
    tensors.push_back(FloatTensor(input.name, shape, RandomFloats(*ElementCount(shape), seed, min, max)));
  }
  WriteBytes(path, EncodeTensorFile(tensors).value());
}

// The first output for all samples of a tensor file, as the runtime runs the model on this machine.
inline std::vector<float> Answers(const std::string& model, const std::string& samples) {
  const ModelInfo info = ReadModelInfo(model).value();
  const CalibrationSet set = CalibrationSet::Load(samples, info).value();
  onnx::ModelProto proto;
  proto.ParseFromString(ReadBytes(model));
  OrtRunner runner =
      OrtRunner::Load(OnnxruntimeOrSkip(), proto, GraphLevel::kAll, {info.outputs[0].name}).value();
  std::vector<float> answers;
  for (std::size_t i = 0; i < set.batches(); ++i) {
    const auto views = runner.Run(set.Batch(i));
    REQUIRE(views.ok());
    answers.insert(answers.end(), views->front().values.begin(), views->front().values.end());
  }
  return answers;
}

// What ONNX Runtime makes of the model for this machine, by operator.
inline std::map<std::string, std::uint64_t> FusedOperators(const std::string& model) {
  const std::string fused = model + ".fused";
  REQUIRE(WriteOptimizedModel(*OnnxruntimeOrSkip(), model, fused, GraphLevel::kExtended).ok());
  return ReadModelInfo(fused).value().operators;
}

// 10 log10(signal / noise) of each sample, averaged.
inline double MeanSqnr(const std::vector<float>& wanted, const std::vector<float>& given,
                       std::size_t samples) {
  REQUIRE(wanted.size() == given.size());
  const std::size_t elements = wanted.size() / samples;
  double sum = 0;
  for (std::size_t s = 0; s < samples; ++s) {
    double signal = 0;
    double noise = 1e-30;
    for (std::size_t i = s * elements; i < (s + 1) * elements; ++i) {
      signal += std::pow(static_cast<double>(wanted[i]), 2);
      noise += std::pow(static_cast<double>(wanted[i]) - static_cast<double>(given[i]), 2);
    }
    sum += 10 * std::log10(signal / noise);
  }
  return sum / static_cast<double>(samples);
}

// One TempDir with a model, its samples and the results of steps.
class StepBench {
 public:
  std::string model() const { return folder_ / "in.onnx"; }
  std::string samples() const { return folder_ / "samples"; }
  std::string out() const { return folder_ / "out.onnx"; }
  std::string operator/(const std::string& name) const { return folder_ / name; }

  Result<StepReport> Run(const std::string& step) { return Run(step, model()); }
  Result<StepReport> Run(const std::string& step, const std::string& in_path) {
    static_cast<void>(RemoveFile(out()));
    StepRequest request;
    request.in_path = in_path;
    request.out_path = out();
    if (std::filesystem::exists(samples())) request.calibration_path = samples();
    return RunStep(step, request);
  }
  OnnxGraph Read() const { return OnnxGraph::Read(out()).value(); }

 private:
  TempDir folder_;
};

inline std::string AllLines(const StepReport& report) {
  std::string text;
  for (const std::string& line : report.lines) text += line + "\n";
  return text;
}

// image[?,2,6,6] -> Conv 4x3x3, Relu -> MaxPool 2 -> Conv 6x1x1, Add with a depthwise Conv of it, Relu -> GlobalAveragePool ->
// Flatten -> Gemm -> scores[?,3]; weights seeded.
inline onnx::ModelProto SmallNetwork() {
  onnx::ModelProto model = ReluModel({-1, 2, 6, 6});
  auto* const graph = model.mutable_graph();
  graph->clear_node();
  graph->clear_output();
  graph->mutable_input(0)->set_name("image");
  SetTensorType(graph->add_output(), "scores", onnx::TensorProto::FLOAT, {-1, 3});
  const auto floats = [&](const std::string& name, const Shape& shape, unsigned seed) {
    *graph->add_initializer() = MakeFloats(name, shape, RandomFloats(*ElementCount(shape), seed));
  };
  const auto node = [&](const std::string& type, const std::vector<std::string>& inputs,
                        const std::string& output) {
    auto* const added = graph->add_node();
    *added = MakeNode(type, output, inputs, {output});
    return added;
  };
  floats("w1", {4, 2, 3, 3}, 1);
  floats("b1", {4}, 2);
  floats("w2", {6, 4, 1, 1}, 3);
  floats("b2", {6}, 4);
  floats("w3", {6, 1, 3, 3}, 5);
  floats("w4", {6, 3}, 6);
  floats("b4", {3}, 7);
  SetIntsAttribute(node("Conv", {"image", "w1", "b1"}, "conv1"), "pads", {1, 1, 1, 1});
  node("Relu", {"conv1"}, "relu1");
  auto* const pool = node("MaxPool", {"relu1"}, "pool");
  SetIntsAttribute(pool, "kernel_shape", {2, 2});
  SetIntsAttribute(pool, "strides", {2, 2});
  node("Conv", {"pool", "w2", "b2"}, "conv2");
  auto* const depthwise = node("Conv", {"conv2", "w3"}, "conv3");
  SetIntsAttribute(depthwise, "pads", {1, 1, 1, 1});
  SetIntAttribute(depthwise, "group", 6);
  node("Add", {"conv2", "conv3"}, "sum");
  node("Relu", {"sum"}, "relu2");
  node("GlobalAveragePool", {"relu2"}, "mean");
  SetIntAttribute(node("Flatten", {"mean"}, "flat"), "axis", 1);
  node("Gemm", {"flat", "w4", "b4"}, "scores");
  return model;
}

}  // namespace paddock
