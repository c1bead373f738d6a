#include "prepare/codegen/write_weighted.h"

#include <algorithm>

#include "prepare/codegen/c_text.h"
#include "prepare/codegen/embedded_text.h"
#include "prepare/codegen/fixed_point.h"
#include "prepare/codegen/kernel_choice.h"
#include "prepare/codegen/pack_weights.h"

namespace paddock {
namespace {

using Fields = LayerWriter::Fields;

std::string ImageField(const ImageSize& image) {
  return "{" + std::to_string(image.height) + ", " + std::to_string(image.width) + ", " +
         std::to_string(image.channels) + "}";
}

std::string WindowField(const NetworkLayer& layer) {
  const auto field = [](const std::string& name, std::int32_t value) {
    return "." + name + " = " + std::to_string(value);
  };
  return "{" + field("height", layer.kernel[0]) + ", " + field("width", layer.kernel[1]) + ", " +
         field("stride_y", layer.stride[0]) + ", " + field("stride_x", layer.stride[1]) + ", " +
         field("dilation_y", layer.dilation[0]) + ", " + field("dilation_x", layer.dilation[1]) + ", " +
         field("pad_top", layer.padding[0]) + ", " + field("pad_left", layer.padding[1]) + "}";
}

std::int32_t ZeroPoint(const NetworkValue& value) {
  return static_cast<std::int32_t>(value.quantization->zero_point);
}

std::string RequantizationField(const LayerWriter& writer, std::int32_t shift) {
  const NetworkLayer& layer = writer.layer();
  return "{.shift = " + std::to_string(shift) +
         ", .zero_point = " + std::to_string(ZeroPoint(writer.output())) +
         ", .low = " + std::to_string(std::max(layer.clamp_low, -128)) +
         ", .high = " + std::to_string(std::min(layer.clamp_high, 127)) + "}";
}

void WriteConvolutionS8(LayerWriter* writer) {
  const NetworkLayer& layer = writer->layer();
  const FixedPointFactors factors = FitFactors(layer.multipliers);
  const auto groups = static_cast<std::size_t>(layer.groups);
  Fields fields = {{"input", ImageField(layer.input_size)}, {"output", ImageField(layer.output_size)}};
  std::string kernel = "conv_s8";
  std::vector<std::uint32_t> words;
  std::vector<std::int32_t> bias = layer.bias;
  std::vector<std::int32_t> multipliers = factors.multipliers;
  if (IsDepthwise3x3(layer)) {
    kernel = "depthwise_3x3_s8";
    words = PackDepthwise3x3(layer.weights);
    fields.insert(fields.end(), {{"stride", std::to_string(layer.stride[0])},
                                 {"pad_top", std::to_string(layer.padding[0])},
                                 {"pad_left", std::to_string(layer.padding[1])}});
  } else if (IsDepthwise(layer)) {
    kernel = "depthwise_s8";
    words = PackDepthwise(layer.weights, static_cast<std::size_t>(layer.kernel[0]),
                          static_cast<std::size_t>(layer.kernel[1]));
    fields.emplace_back("window", WindowField(layer));
  } else {
    words = PackPairs(layer.weights, groups, static_cast<std::size_t>(layer.output_size.channels) / groups);
    bias = PackPairIntegers(bias, groups);
    multipliers = PackPairIntegers(multipliers, groups);
    fields.emplace_back("window", WindowField(layer));
    fields.emplace_back("groups", std::to_string(layer.groups));
  }
  writer->AddConstant(CArray(writer->Name("weights"), words));
  writer->AddConstant(CArray(writer->Name("bias"), bias));
  writer->AddConstant(CArray(writer->Name("multipliers"), multipliers));
  fields.insert(fields.end(), {{"input_zero_point", std::to_string(ZeroPoint(writer->input(0)))},
                               {"to", RequantizationField(*writer, factors.shift)},
                               {"weights", writer->Name("weights")},
                               {"bias", writer->Name("bias")},
                               {"multipliers", writer->Name("multipliers")}});
  writer->Struct(kernel, "layer", fields);
  writer->Call(kernel,
               {"&layer", writer->InputPlace(writer->input(0)), writer->OutputPlace(), writer->Scratch()});
}

void WriteConvolutionF32(LayerWriter* writer) {
  const NetworkLayer& layer = writer->layer();
  const auto groups = static_cast<std::size_t>(layer.groups);
  const auto channels = static_cast<std::size_t>(layer.output_size.channels);
  Fields fields = {{"input", ImageField(layer.input_size)},
                   {"output", ImageField(layer.output_size)},
                   {"window", WindowField(layer)}};
  const bool depthwise = IsDepthwise(layer);
  if (!depthwise) fields.emplace_back("groups", std::to_string(layer.groups));
  writer->AddConstant(
      CArray(writer->Name("weights"), depthwise ? PackChannelsLast(layer.float_weights, channels)
                                                : PackFours(layer.float_weights, groups, channels / groups)));
  writer->AddConstant(
      CArray(writer->Name("bias"),
             depthwise ? layer.float_bias : PackFours(layer.float_bias, groups, channels / groups)));
  fields.insert(fields.end(), {{"low", CFloat(layer.float_clamp_low)},
                               {"high", CFloat(layer.float_clamp_high)},
                               {"weights", writer->Name("weights")},
                               {"bias", writer->Name("bias")}});
  const std::string kernel = depthwise ? "depthwise_f32" : "conv_f32";
  writer->Struct(kernel, "layer", fields);
  writer->Call(kernel, {"&layer", writer->InputPlace(writer->input(0)), writer->OutputPlace()});
}

}  // namespace

std::string LayerWriter::InputPlace(const NetworkValue& value) const {
  return "INPUT_" + std::string(CTypeName(value.type)) + "(" + std::to_string(value.arena_offset) + ")";
}

std::string LayerWriter::OutputPlace() const {
  return "OUTPUT_" + std::string(CTypeName(output().type)) + "(" + std::to_string(output().arena_offset) +
         ")";
}

void LayerWriter::Struct(const std::string& type, const std::string& variable, const Fields& fields) {
  text_.statements += "  static const " + type + " " + variable + " = {\n";
  for (const auto& [name, value] : fields) text_.statements += "      ." + name + " = " + value + ",\n";
  text_.statements += "  };\n";
}

void LayerWriter::Call(const std::string& kernel, const std::vector<std::string>& arguments) {
  for (const EmbeddedText& source : KernelSources()) {
    if (source.name == kernel + ".h") text_.kernels.insert(source.name);
  }
  std::string list;
  for (const std::string& argument : arguments) list += (list.empty() ? "" : ", ") + argument;
  text_.statements += "  " + kernel + "_run(" + list + ");\n";
}

void WriteConvolution(LayerWriter* writer) {
  if (writer->output().type == ElementType::kInt8)
    WriteConvolutionS8(writer);
  else
    WriteConvolutionF32(writer);
}

void WritePool(LayerWriter* writer) {
  const NetworkLayer& layer = writer->layer();
  const bool average = layer.kind == LayerKind::kAveragePool;
  const bool integers = writer->output().type == ElementType::kInt8;
  Fields fields = {{"input", ImageField(layer.input_size)},
                   {"output", ImageField(layer.output_size)},
                   {"window", WindowField(layer)}};
  if (average && integers) {
    const std::int32_t most = layer.kernel[0] * layer.kernel[1];
    const bool as_many = layer.count_padding || layer.padding == std::array<std::int32_t, 4>{};
    const double ratio = writer->input(0).quantization->scale / writer->output().quantization->scale;
    std::vector<double> means;
    for (std::int32_t count = as_many ? most : 1; count <= most; ++count) means.push_back(ratio / count);
    const FixedPointFactors factors = FitFactors(means);
    writer->AddConstant(CArray(writer->Name("multipliers"), factors.multipliers));
    fields.insert(fields.end(), {{"all_count_as_many", as_many ? "1" : "0"},
                                 {"input_zero_point", std::to_string(ZeroPoint(writer->input(0)))},
                                 {"to", RequantizationField(*writer, factors.shift)},
                                 {"multipliers", writer->Name("multipliers")}});
  } else if (average) {
    fields.emplace_back("count_padding", layer.count_padding ? "1" : "0");
  }
  const std::string kernel = std::string(average ? "average" : "max") + (integers ? "_pool_s8" : "_pool_f32");
  writer->Struct(kernel, "layer", fields);
  writer->Call(kernel, {"&layer", writer->InputPlace(writer->input(0)), writer->OutputPlace()});
}

void WriteBinary(LayerWriter* writer) {
  const NetworkLayer& layer = writer->layer();
  const NetworkValue& first = writer->input(0);
  const NetworkValue& output = writer->output();
  const bool constant = layer.inputs.size() == 1;
  const std::uint64_t second_count = constant ? layer.float_constant.size() : writer->input(1).Elements();
  const bool add = layer.kind == LayerKind::kAdd;
  Fields fields = {{"count", std::to_string(output.Elements())},
                   {"second_count", std::to_string(second_count)}};
  const bool integers = output.type == ElementType::kInt8;
  const std::string kernel = std::string(add ? "add" : "mul") + (integers ? "_s8" : "_f32");
  if (!integers) {
    fields.emplace_back("low", CFloat(layer.float_clamp_low));
    fields.emplace_back("high", CFloat(layer.float_clamp_high));
  } else if (add) {
    const NetworkValue& second = writer->input(1);
    const FixedPointSum sum = FitSum(
        {first.quantization->scale / output.quantization->scale, ZeroPoint(first)},
        {second.quantization->scale / output.quantization->scale, ZeroPoint(second)}, ZeroPoint(output));
    fields.insert(fields.end(), {{"first_multiplier", std::to_string(sum.first_multiplier)},
                                 {"second_multiplier", std::to_string(sum.second_multiplier)},
                                 {"offset", std::to_string(sum.offset)},
                                 {"shift", std::to_string(sum.shift)},
                                 {"low", std::to_string(std::max(layer.clamp_low, -128))},
                                 {"high", std::to_string(std::min(layer.clamp_high, 127))}});
  } else {
    const NetworkValue& second = writer->input(1);
    const std::vector<double> factor = {first.quantization->scale * second.quantization->scale /
                                        output.quantization->scale};
    const FixedPointFactors factors = FitFactors(factor);
    fields.insert(fields.end(), {{"first_zero_point", std::to_string(ZeroPoint(first))},
                                 {"second_zero_point", std::to_string(ZeroPoint(second))},
                                 {"multiplier", std::to_string(factors.multipliers[0])},
                                 {"to", RequantizationField(*writer, factors.shift)}});
  }
  if (constant) writer->AddConstant(CArray(writer->Name("operand"), layer.float_constant));
  writer->Struct(kernel, "layer", fields);
  writer->Call(kernel, {"&layer", writer->InputPlace(first),
                        constant ? writer->Name("operand") : writer->InputPlace(writer->input(1)),
                        writer->OutputPlace()});
}

}  // namespace paddock
