#include "prepare/codegen/write_layer.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "prepare/codegen/c_text.h"
#include "prepare/codegen/fixed_point.h"
#include "prepare/codegen/write_weighted.h"

namespace paddock {
namespace {

using Fields = LayerWriter::Fields;

std::string Braces(const std::vector<std::int32_t>& numbers) {
  std::string text;
  for (const std::int32_t number : numbers) text += (text.empty() ? "" : ", ") + std::to_string(number);
  return "{" + text + "}";
}

std::int32_t Count(const NetworkValue& value) { return static_cast<std::int32_t>(value.Elements()); }

// The integer of another quantisation that is nearest to what `integer` stands for, as DequantizeLinear and QuantizeLinear
// give it: in float32, halves to the even one.
std::int8_t Requantized(std::int32_t integer, const Quantization& from, const Quantization& to) {
  const float value = static_cast<float>(from.scale) *
                      static_cast<float>(integer - static_cast<std::int32_t>(from.zero_point));
  const float steps =
      std::nearbyint(value / static_cast<float>(to.scale)) + static_cast<float>(to.zero_point);
  return static_cast<std::int8_t>(std::clamp(steps, -128.0F, 127.0F));
}

// Rows of `input` through `table` into an output of rows of `output_step` elements.
void WriteLookup(LayerWriter* writer, const std::string& variable, std::span<const std::int8_t> table,
                 std::int32_t rows, std::int32_t count, std::int32_t output_step, const std::string& input,
                 const std::string& output) {
  writer->AddConstant(CArray(writer->Name(variable + "_table"), table));
  writer->Struct("lookup_s8", variable,
                 Fields{{"rows", std::to_string(rows)},
                        {"count", std::to_string(count)},
                        {"output_step", std::to_string(output_step)},
                        {"table", writer->Name(variable + "_table")}});
  writer->Call("lookup_s8", {"&" + variable, input, output});
}

void WriteConcat(LayerWriter* writer) {
  const NetworkLayer& layer = writer->layer();
  const NetworkValue& output = writer->output();
  const std::int32_t row = Count(output) / layer.rows;
  std::int32_t before = 0;
  for (std::size_t i = 0; i < layer.inputs.size(); ++i) {
    const NetworkValue& input = writer->input(i);
    const std::int32_t count = Count(input) / layer.rows;
    const std::string variable = "part_" + std::to_string(i);
    const std::string to = writer->OutputPlace() + " + " + std::to_string(before);
    if (output.type == ElementType::kInt8 && input.quantization != output.quantization) {
      std::array<std::int8_t, 256> table{};
      for (std::int32_t value = -128; value < 128; ++value)
        table[static_cast<std::uint8_t>(value + 128)] =
            Requantized(value, *input.quantization, *output.quantization);
      WriteLookup(writer, variable, table, layer.rows, count, row, writer->InputPlace(input), to);
    } else {
      const auto size = static_cast<std::int32_t>(ElementSize(output.type));
      writer->Struct("copy_rows", variable,
                     Fields{{"rows", std::to_string(layer.rows)},
                            {"bytes", std::to_string(count * size)},
                            {"output_step", std::to_string(row * size)}});
      writer->Call("copy_rows", {"&" + variable, writer->InputPlace(input), to});
    }
    before += count;
  }
}

// Strides of an array in elements, last dimension innermost.
std::vector<std::int32_t> Steps(const std::vector<std::int32_t>& extents) {
  std::vector<std::int32_t> steps(extents.size(), 1);
  for (std::size_t i = extents.size(); i-- > 1;) steps[i - 1] = steps[i] * extents[i];
  return steps;
}

void WriteStridedCopy(LayerWriter* writer, std::vector<std::int32_t> extents,
                      std::vector<std::int32_t> input_steps, std::vector<std::int32_t> output_steps,
                      std::int32_t output_offset) {
  // Dimensions that follow one another in both arrays are one; then ones are put before the others.
  for (std::size_t i = extents.size(); i-- > 1;) {
    if (input_steps[i - 1] != input_steps[i] * extents[i] ||
        output_steps[i - 1] != output_steps[i] * extents[i])
      continue;
    extents[i - 1] *= extents[i];
    input_steps[i - 1] = input_steps[i];
    output_steps[i - 1] = output_steps[i];
    for (std::vector<std::int32_t>* dimensions : {&extents, &input_steps, &output_steps})
      dimensions->erase(dimensions->begin() + static_cast<std::ptrdiff_t>(i));
  }
  for (std::vector<std::int32_t>* dimensions : {&extents, &input_steps, &output_steps})
    dimensions->insert(dimensions->begin(), kStridedCopyRank - dimensions->size(),
                       dimensions == &extents ? 1 : 0);
  const NetworkValue& output = writer->output();
  writer->Struct("strided_copy", "layer",
                 Fields{{"bytes", std::to_string(ElementSize(output.type))},
                        {"extent", Braces(extents)},
                        {"input_step", Braces(input_steps)},
                        {"output_step", Braces(output_steps)},
                        {"output_offset", std::to_string(output_offset)}});
  writer->Call("strided_copy", {"&layer", writer->InputPlace(writer->input(0)), writer->OutputPlace()});
}

void WriteTranspose(LayerWriter* writer) {
  const NetworkLayer& layer = writer->layer();
  const std::vector<std::int32_t> steps = Steps(layer.extents);
  std::vector<std::int32_t> extents;
  std::vector<std::int32_t> input_steps;
  for (const std::int32_t axis : layer.permutation) {
    extents.push_back(layer.extents[static_cast<std::size_t>(axis)]);
    input_steps.push_back(steps[static_cast<std::size_t>(axis)]);
  }
  WriteStridedCopy(writer, extents, input_steps, Steps(extents), 0);
}

void WritePad(LayerWriter* writer) {
  const NetworkLayer& layer = writer->layer();
  const NetworkValue& output = writer->output();
  const std::size_t rank = layer.extents.size();
  std::vector<std::int32_t> padded;
  for (std::size_t i = 0; i < rank; ++i)
    padded.push_back(layer.pads[i] + layer.extents[i] + layer.pads[rank + i]);
  const std::vector<std::int32_t> output_steps = Steps(padded);
  std::int32_t offset = 0;
  for (std::size_t i = 0; i < rank; ++i) offset += layer.pads[i] * output_steps[i];
  if (output.type == ElementType::kInt8) {
    const Quantization& quantization = *output.quantization;
    const double value = std::nearbyint(static_cast<double>(layer.pad_value) / quantization.scale) +
                         static_cast<double>(quantization.zero_point);
    writer->Call("fill_s8", {std::to_string(Count(output)),
                             std::to_string(static_cast<std::int32_t>(std::clamp(value, -128.0, 127.0))),
                             writer->OutputPlace()});
  } else {
    writer->Call("fill_f32", {std::to_string(Count(output)), CFloat(layer.pad_value), writer->OutputPlace()});
  }
  WriteStridedCopy(writer, layer.extents, Steps(layer.extents), output_steps, offset);
}

void WriteActivation(LayerWriter* writer) {
  const NetworkLayer& layer = writer->layer();
  const std::string count = std::to_string(Count(writer->output()));
  const std::string input = writer->InputPlace(writer->input(0));
  const std::string output = writer->OutputPlace();
  if (writer->output().type == ElementType::kInt8) {
    WriteLookup(writer, "layer", layer.table, 1, Count(writer->output()), Count(writer->output()), input,
                output);
    return;
  }
  switch (layer.activation) {
    case ActivationKind::kRelu:
      return writer->Call("clip_f32", {count, "0.0f", "INFINITY", input, output});
    case ActivationKind::kRelu6:
      return writer->Call("clip_f32", {count, "0.0f", "6.0f", input, output});
    case ActivationKind::kClip:
      return writer->Call(
          "clip_f32", {count, CFloat(layer.float_clamp_low), CFloat(layer.float_clamp_high), input, output});
    case ActivationKind::kLeakyRelu:
      return writer->Call("leaky_relu_f32", {count, CFloat(layer.slope), input, output});
    case ActivationKind::kSigmoid:
      return writer->Call("sigmoid_f32", {count, input, output});
    case ActivationKind::kTanh:
      return writer->Call("tanh_f32", {count, input, output});
  }
}

void WriteQuantize(LayerWriter* writer) {
  const NetworkValue& input = writer->input(0);
  const NetworkValue& output = writer->output();
  const std::string count = std::to_string(Count(output));
  if (input.type == ElementType::kFloat32 || output.type == ElementType::kFloat32) {
    const bool quantize = input.type == ElementType::kFloat32;
    const Quantization& quantization = *(quantize ? output : input).quantization;
    const std::string kernel = quantize ? "quantize_f32" : "dequantize_s8";
    writer->Struct(kernel, "layer",
                   Fields{{"count", count},
                          {"scale", CFloat(static_cast<float>(quantization.scale))},
                          {"zero_point", std::to_string(quantization.zero_point)}});
    writer->Call(kernel, {"&layer", writer->InputPlace(input), writer->OutputPlace()});
  } else if (input.type != output.type) {
    writer->Call("flip_signs", {count, writer->InputPlace(input), writer->OutputPlace()});
  } else {
    std::array<std::int8_t, 256> table{};
    for (std::int32_t value = -128; value < 128; ++value)
      table[static_cast<std::uint8_t>(value + 128)] =
          Requantized(value, *input.quantization, *output.quantization);
    WriteLookup(writer, "layer", table, 1, Count(output), Count(output), writer->InputPlace(input),
                writer->OutputPlace());
  }
}

void WriteSoftmax(LayerWriter* writer) {
  const std::int32_t rows = writer->layer().rows;
  writer->Call("softmax_f32", {std::to_string(rows), std::to_string(Count(writer->output()) / rows),
                               writer->InputPlace(writer->input(0)), writer->OutputPlace()});
}

void WriteCopy(LayerWriter* writer) {
  const std::string bytes = std::to_string(writer->output().Bytes());
  writer->Struct("copy_rows", "layer", Fields{{"rows", "1"}, {"bytes", bytes}, {"output_step", bytes}});
  writer->Call("copy_rows", {"&layer", writer->InputPlace(writer->input(0)), writer->OutputPlace()});
}

std::string ImageText(const ImageSize& image) {
  return std::to_string(image.height) + "x" + std::to_string(image.width) + "x" +
         std::to_string(image.channels);
}

}  // namespace

LayerText WriteLayer(const Network& network, std::size_t index) {
  LayerWriter writer(network, index);
  switch (network.layers[index].kind) {
    case LayerKind::kConvolution:
    case LayerKind::kDense:
      WriteConvolution(&writer);
      break;
    case LayerKind::kAveragePool:
    case LayerKind::kMaxPool:
      WritePool(&writer);
      break;
    case LayerKind::kAdd:
    case LayerKind::kMul:
      WriteBinary(&writer);
      break;
    case LayerKind::kConcat:
      WriteConcat(&writer);
      break;
    case LayerKind::kPad:
      WritePad(&writer);
      break;
    case LayerKind::kActivation:
      WriteActivation(&writer);
      break;
    case LayerKind::kSoftmax:
      WriteSoftmax(&writer);
      break;
    case LayerKind::kQuantize:
    case LayerKind::kDequantize:
      WriteQuantize(&writer);
      break;
    case LayerKind::kTranspose:
      WriteTranspose(&writer);
      break;
    case LayerKind::kCopy:
      WriteCopy(&writer);
      break;
  }
  return std::move(writer).text();
}

std::string LayerSizesText(const Network& network, const NetworkLayer& layer) {
  const NetworkValue& output = network.values[layer.output];
  std::string text(ElementTypeName(output.type));
  switch (layer.kind) {
    case LayerKind::kConvolution:
    case LayerKind::kDense:
    case LayerKind::kAveragePool:
    case LayerKind::kMaxPool:
      text += " " + ImageText(layer.input_size) + " -> " + ImageText(layer.output_size);
      break;
    default:
      text += " " + std::to_string(output.Elements());
  }
  if (layer.multiply_accumulates > 0)
    text += ", " + std::to_string(layer.multiply_accumulates) + " multiply-accumulates";
  return text;
}

}  // namespace paddock
