// Small ONNX models written as text, and what tests of the onnxruntime driver need around them.
#pragma once

#include <onnx/defs/parser.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "device_drivers/onnxruntime/ort_library.h"
#include "kpi/tensor.h"

namespace paddock {

// `graph` in libonnx's text form: "g (float[N, 4] x) => (float[N, 4] y) { y = Identity(x) }".
inline std::string ModelBytes(const std::string& graph, int opset = 13) {
  const std::string text = "<ir_version: 7, opset_import: [\"\" : " + std::to_string(opset) + "]> " + graph;
  onnx::ModelProto model;
  onnx::OnnxParser parser(text.c_str());
  const auto parsed = parser.Parse(model);
  REQUIRE(parsed.ErrorMessage() == "");
  return model.SerializeAsString();
}

inline std::string WriteModel(const std::string& path, const std::string& graph, int opset = 13) {
  REQUIRE(WriteFileAtomically(path, ModelBytes(graph, opset)).ok());
  return path;
}

// Null, with a word to the reader, where ONNX Runtime is not installed.
inline std::shared_ptr<const OrtLibrary> LibraryOrSkip() {
  auto library = OrtLibrary::Open("");
  if (library.ok()) return *library;
  WARN("skipped, set PADDOCK_ONNXRUNTIME to the path of libonnxruntime.so.1: " << library.status().message());
  return nullptr;
}

template <typename T>
Tensor MakeTensor(ElementType type, Shape shape, const std::vector<T>& values) {
  Tensor tensor{{"", type, std::move(shape)}, std::vector<std::byte>(values.size() * sizeof(T))};
  if (!values.empty()) std::memcpy(tensor.bytes.data(), values.data(), tensor.bytes.size());
  return tensor;
}

inline Tensor Floats(Shape shape, const std::vector<float>& values) {
  return MakeTensor(ElementType::kFloat32, std::move(shape), values);
}

template <typename T>
std::vector<T> ValuesOf(const TensorView& view) {
  std::vector<T> values(view.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), view.bytes.data(), view.bytes.size());
  return values;
}

}  // namespace paddock
