#include "prepare/firmware/model_table.h"

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "prepare/codegen/c_text.h"
#include "prepare/firmware/firmware_steps.h"

namespace paddock {
namespace {

constexpr std::size_t kMaxTensorName = 63;  // bytes of UTF-8, in ST's messages

// ST's ai_buffer_format: bit 23 signed, bits 17 to 20 float (1) or integer (2), bits 7 to 13 the number of bits, and 64.
std::string_view BufferFormat(ElementType type) {
  switch (type) {
    case ElementType::kInt8:
      return "0x00840440";
    case ElementType::kUint8:
      return "0x00040440";
    default:
      return "0x00821040";
  }
}

// Its first characters, as many as fit; none of what is no text.
std::string_view TensorName(std::string_view name) {
  std::size_t bytes = 0;
  while (bytes < name.size()) {
    const std::size_t length = Utf8SequenceLength(name.substr(bytes));
    if (length == 0 || bytes + length > kMaxTensorName) break;
    bytes += length;
  }
  return name.substr(0, bytes);
}

class ModelTable {
 public:
  explicit ModelTable(const Network& network) : network_(network) {}

  // An array of model_tensor: (name, value) for each.
  void Add(const std::string& array, const std::vector<std::pair<std::string, std::uint32_t>>& tensors) {
    std::string rows;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const NetworkValue& value = network_.values[tensors[i].second];
      const std::string shape_name = array + "_shape_" + std::to_string(i);
      std::vector<std::uint32_t> shape(value.shape.begin(), value.shape.end());
      if (shape.empty()) shape = {1};
      text_ += CArray(shape_name, shape);
      const Quantization quantization = value.quantization.value_or(Quantization{0, 0});
      rows += "    {" + CString(TensorName(tensors[i].first)) + ", " + std::string(BufferFormat(value.type)) +
              ", " + std::to_string(shape.size()) + ", " + shape_name + ", " +
              CFloat(static_cast<float>(quantization.scale)) + ", " +
              std::to_string(quantization.zero_point) + ", " + std::to_string(value.Bytes()) + ", " +
              std::to_string(value.arena_offset) + "},\n";
    }
    text_ += "const model_tensor " + array + "[] = {\n" + rows + "};\n\n";
  }

  std::string Finish() const {
    const NetworkFacts facts = FactsOf(network_);
    std::uint64_t multiply_accumulates = 0;
    std::uint64_t constant_bytes = 0;
    for (const LayerFacts& layer : facts.layers) {
      multiply_accumulates += layer.multiply_accumulates;
      constant_bytes += layer.bytes;
    }
    return "#include \"model.h\"\n\n" + text_ +
           "const uint64_t model_multiply_accumulates = " + std::to_string(multiply_accumulates) +
           "u;\nconst uint32_t model_arena_bytes = " + std::to_string(facts.arena_bytes) +
           "u;\nconst uint32_t model_constant_bytes = " + std::to_string(constant_bytes) + "u;\n";
  }

 private:
  const Network& network_;
  std::string text_;
};

}  // namespace

std::string WriteModelTable(const Network& network) {
  std::vector<std::pair<std::string, std::uint32_t>> inputs;
  std::vector<std::pair<std::string, std::uint32_t>> outputs;
  std::vector<std::pair<std::string, std::uint32_t>> layers;
  for (const std::uint32_t index : network.inputs) inputs.emplace_back(network.values[index].name, index);
  for (const std::uint32_t index : network.outputs) outputs.emplace_back(network.values[index].name, index);
  for (const NetworkLayer& layer : network.layers) layers.emplace_back(layer.name, layer.output);
  ModelTable table(network);
  table.Add("model_inputs", inputs);
  table.Add("model_outputs", outputs);
  table.Add("model_layers", layers);
  return table.Finish();
}

}  // namespace paddock
