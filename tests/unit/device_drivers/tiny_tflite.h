// Small TensorFlow Lite models, written byte by byte, and what tests of the tflite driver need around them.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "device_drivers/tflite/tflite_library.h"
#include "kpi/tensor.h"

namespace paddock {

// A FlatBuffer, from its beginning to its end: tables before what they refer to.
class FlatWriter {
 public:
  struct Table;
  using Tables = std::vector<Table>;
  using Value = std::variant<std::int32_t, std::string, std::vector<std::int32_t>, std::vector<float>,
                             std::vector<std::int64_t>, Table, Tables>;
  struct Table {
    std::vector<std::pair<std::size_t, Value>> fields;  // by their number in the schema
  };

  static std::string File(const Table& root, const std::string& identifier) {
    FlatWriter writer;
    writer.bytes_.assign(4, '\0');
    writer.bytes_ += identifier;
    writer.Patch(0, writer.Write(root));
    return writer.bytes_;
  }

 private:
  void Align(std::size_t size, std::size_t ahead = 0) {
    while ((bytes_.size() + ahead) % size != 0) bytes_ += '\0';
  }
  template <typename T>
  void Put(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  // The reference at `at` shall point to `target`.
  void Patch(std::size_t at, std::size_t target) {
    const auto distance = static_cast<std::uint32_t>(target - at);
    std::memcpy(bytes_.data() + at, &distance, sizeof(distance));
  }

  std::size_t Write(const Table& table) {
    std::size_t count = 0;
    for (const auto& field : table.fields) count = std::max(count, field.first + 1);
    Align(4);
    const std::size_t offsets = bytes_.size();
    Put(static_cast<std::uint16_t>(4 + 2 * count));
    Put(static_cast<std::uint16_t>(4 + 4 * table.fields.size()));
    bytes_.append(2 * count, '\0');
    Align(4);
    const std::size_t start = bytes_.size();
    Put(static_cast<std::int32_t>(start - offsets));
    for (const auto& [number, value] : table.fields) {
      const auto offset = static_cast<std::uint16_t>(bytes_.size() - start);
      std::memcpy(bytes_.data() + offsets + 4 + 2 * number, &offset, sizeof(offset));
      const auto* const scalar = std::get_if<std::int32_t>(&value);
      Put(scalar != nullptr ? *scalar : 0);
    }
    std::size_t at = start + 4;
    for (const auto& field : table.fields) {
      if (!std::holds_alternative<std::int32_t>(field.second)) Patch(at, Write(field.second));
      at += 4;
    }
    return start;
  }
  std::size_t Write(const Value& value) {
    return std::visit([this](const auto& content) { return Write(content); }, value);
  }
  std::size_t Write(std::int32_t) { return 0; }  // lies in its table
  std::size_t Write(const std::string& text) {
    Align(4);
    const std::size_t start = bytes_.size();
    Put(static_cast<std::uint32_t>(text.size()));
    bytes_ += text + '\0';
    return start;
  }
  template <typename T>
  std::size_t Write(const std::vector<T>& values) {
    Align(sizeof(T), 4);
    const std::size_t start = bytes_.size();
    Put(static_cast<std::uint32_t>(values.size()));
    for (const T value : values) Put(value);
    return start;
  }
  std::size_t Write(const Tables& tables) {
    Align(4);
    const std::size_t start = bytes_.size();
    Put(static_cast<std::uint32_t>(tables.size()));
    bytes_.append(4 * tables.size(), '\0');
    for (std::size_t i = 0; i < tables.size(); ++i) Patch(start + 4 + 4 * i, Write(tables[i]));
    return start;
  }

  std::string bytes_;
};

struct TinyTensor {
  std::string name;
  std::int32_t type =
      0;  // TensorType of the schema, which is not TfLiteType: 0 float32, 5 string, 6 bool, 9 int8
  std::vector<std::int32_t> shape;
  std::optional<Quantization> quantization{};
  std::vector<std::int32_t> open_shape{};  // shape_signature
};

struct TinyOperator {
  std::int32_t code = 0;  // BuiltinOperator; 32: custom
  std::vector<std::int32_t> inputs;
  std::vector<std::int32_t> outputs;
  std::string custom{};
};

inline std::string TfliteBytes(const std::vector<TinyTensor>& tensors,
                               const std::vector<TinyOperator>& operators, std::vector<std::int32_t> inputs,
                               std::vector<std::int32_t> outputs) {
  FlatWriter::Tables tensor_tables, operator_tables, codes;
  for (const TinyTensor& tensor : tensors) {
    FlatWriter::Table table{{{0, tensor.shape}, {1, tensor.type}, {3, tensor.name}}};
    if (tensor.quantization) {
      const std::vector<float> scales = {static_cast<float>(tensor.quantization->scale)};
      const std::vector<std::int64_t> zero_points = {tensor.quantization->zero_point};
      table.fields.push_back({4, FlatWriter::Table{{{2, scales}, {3, zero_points}}}});
    }
    if (!tensor.open_shape.empty()) table.fields.push_back({7, tensor.open_shape});
    tensor_tables.push_back(std::move(table));
  }
  for (const TinyOperator& node : operators) {
    FlatWriter::Table code{{{0, std::min<std::int32_t>(node.code, 127)}, {2, 1}, {3, node.code}}};
    if (!node.custom.empty()) code.fields.push_back({1, node.custom});
    const auto index = static_cast<std::int32_t>(codes.size());
    codes.push_back(std::move(code));
    operator_tables.push_back({{{0, index}, {1, node.inputs}, {2, node.outputs}}});
  }
  const FlatWriter::Table graph{{{0, std::move(tensor_tables)},
                                 {1, std::move(inputs)},
                                 {2, std::move(outputs)},
                                 {3, std::move(operator_tables)},
                                 {4, std::string("main")}}};
  return FlatWriter::File({{{0, 3},
                            {1, std::move(codes)},
                            {2, FlatWriter::Tables{graph}},
                            {4, FlatWriter::Tables{FlatWriter::Table{}}}}},
                          "TFL3");
}

// Null, with a word to the reader, where TensorFlow Lite is not installed.
inline std::shared_ptr<const TfliteLibrary> TfliteOrSkip() {
  auto library = TfliteLibrary::Open("");
  if (library.ok()) return *library;
  WARN("skipped, set PADDOCK_TFLITE to the path of libtensorflowlite_c.so: " << library.status().message());
  return nullptr;
}

}  // namespace paddock
