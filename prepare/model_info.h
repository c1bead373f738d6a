// What can be known of a model file without running it. ONNX is parsed and checked with libonnx, TensorFlow
// Lite with a schema and checks of our own, and of a compiled model the facts that are in it are read; the content tells which it
// is.
//
// The batch dimension rule: a model is fed samples. The first dimension of every input is the batch dimension; it must be open
// or 1, and an open one is the same number of samples for all inputs of a query. All other dimensions must be fixed. A model
// that breaks the rule can be inspected but not run: SampleShapes() says which dimension of which input is at fault.
// Pure functions over a file; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "kpi/tensor.h"

namespace paddock {

struct ModelInfo {
  std::string kind;                 // "onnx", "tflite"; compiled models: "elf", "so"
  std::vector<TensorInfo> inputs;   // without those that an initializer fills
  std::vector<TensorInfo> outputs;  // shape {} when the model does not state one
  std::map<std::string, std::uint64_t>
      operators;  // count by name, subgraphs included; "domain:Name" outside ai.onnx, "custom:Name" in TensorFlow Lite
  std::uint64_t parameters = 0;  // elements of all initializers
  std::int64_t opset = 0;        // of ai.onnx; 0 when the model does not use it
  std::int64_t ir_version = 0;   // of ONNX
  std::string producer;          // "pytorch 2.1.0"
  std::uint64_t size_bytes = 0;
  std::optional<std::uint64_t>
      packed_bytes{};  // of the file, when step `compress` packed it; the rest is of what it holds
  std::map<std::string, std::string>
      open_dimensions;             // of inputs, those that have a name: "tokens[1]" -> "sequence"
  std::vector<std::string> notes;  // what could not be checked, and why
};

// INVALID_ARGUMENT for what is empty, truncated, not a model or not consistent, for weights in external files, and for inputs
// or outputs that are not tensors; the message names `shown_name` (empty: the path) and the next step. A model of a newer
// opset or IR version than libonnx knows is only noted. Hostile bytes cost time in proportion to their number, or to that of the
// bytes that a packed file holds, no more.
Result<ModelInfo> ReadModelInfo(const std::string& path, const std::string& shown_name = {});

// What a model file holds: its bytes, or what they were before they were packed.
class ModelBytes {
 public:
  static Result<ModelBytes> Read(const std::string& path);
  std::string_view bytes() const { return unpacked_ ? std::string_view(*unpacked_) : file_.bytes(); }
  // Of the file; absent when it is not packed.
  std::optional<std::uint64_t> packed_bytes() const;

 private:
  explicit ModelBytes(MappedFile file) : file_(std::move(file)) {}
  MappedFile file_;
  std::optional<std::string> unpacked_;
};

// What lies in the file of a model of this kind: "tflite" for "tflite+edgetpu".
std::string_view FileKind(std::string_view kind);
// Whether it is a program that was compiled of a model: "elf" and "so". Its layers stand for operators.
bool IsCompiled(std::string_view kind);
// Whether ReadModelInfo() reads such a file; a vendor's format is closed.
bool CanReadModelInfo(std::string_view kind);

// The shape of one sample for each of `model.inputs`, by the batch dimension rule; INVALID_ARGUMENT names input and dimension.
Result<std::vector<Shape>> SampleShapes(const ModelInfo& model);

// True when every input's batch dimension is open, so that a query may hold several samples.
bool HasOpenBatch(const ModelInfo& model);

}  // namespace paddock
