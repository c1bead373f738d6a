// Convolutions, pooling and means.
#include <algorithm>
#include <cmath>
#include <limits>

#include "prepare/tflite/to_tflite_weights.h"

namespace paddock {
namespace {

struct Convolution {
  Shape filter;  // [M, C/group, kH, kW]
  std::vector<float> weights;
  std::vector<float> bias;
  bool is_depthwise = false;
  TfliteOptions options;
};

std::vector<std::int64_t> Pair(const onnx::NodeProto& node, std::string_view attribute) {
  std::vector<std::int64_t> values = IntsAttribute(node, attribute);
  if (values.empty()) values = {1, 1};
  return values;
}

// Scale and shift of a BatchNormalization per channel.
struct Affine {
  std::vector<float> scale;
  std::vector<float> shift;
};
Result<Affine> AffineOf(const ToTflite& to, const onnx::NodeProto& node) {
  if (node.input_size() < 5) return ToTflite::Refuse(node, "it lacks inputs");
  if (IntAttribute(node, "training_mode", 0) != 0)
    return ToTflite::Refuse(node, "it is in training mode; export the model for inference");
  PADDOCK_ASSIGN_OR_RETURN(const auto gamma, to.Floats(node, node.input(1)));
  PADDOCK_ASSIGN_OR_RETURN(const auto beta, to.Floats(node, node.input(2)));
  PADDOCK_ASSIGN_OR_RETURN(const auto mean, to.Floats(node, node.input(3)));
  PADDOCK_ASSIGN_OR_RETURN(const auto variance, to.Floats(node, node.input(4)));
  if (beta.size() != gamma.size() || mean.size() != gamma.size() || variance.size() != gamma.size())
    return ToTflite::Refuse(node, "its parameters differ in size");
  Affine affine;
  for (std::size_t c = 0; c < gamma.size(); ++c) {
    const double factor = static_cast<double>(gamma[c]) /
                          std::sqrt(static_cast<double>(variance[c]) + FloatAttribute(node, "epsilon", 1e-5));
    affine.scale.push_back(static_cast<float>(factor));
    affine.shift.push_back(
        static_cast<float>(static_cast<double>(beta[c]) - static_cast<double>(mean[c]) * factor));
    if (!std::isfinite(affine.scale.back()) || !std::isfinite(affine.shift.back()))
      return ToTflite::Refuse(node, "its variance is not above 0");
  }
  return affine;
}

}  // namespace

Status ConvertConvolution(ToTflite& to, const onnx::NodeProto& node) {
  if (node.input_size() < 2 || !to.IsConstant(node.input(1)))
    return ToTflite::Refuse(node, "its weights are no constant");
  PADDOCK_ASSIGN_OR_RETURN(const Shape filter, to.ShapeOf(node.input(1)));
  PADDOCK_ASSIGN_OR_RETURN(const Shape in, to.ShapeOf(node.input(0)));
  PADDOCK_ASSIGN_OR_RETURN(const Shape out, to.ShapeOf(node.output(0)));
  if (filter.size() != 4 || in.size() != 4 || out.size() != 4)
    return ToTflite::Refuse(node, "only convolutions over two dimensions can be converted");
  const std::int64_t groups = IntAttribute(node, "group", 1);
  const bool is_depthwise = groups > 1;
  if (is_depthwise && (groups != in[1] || filter[1] != 1)) {
    return ToTflite::Refuse(node, "a convolution of " + std::to_string(groups) + " groups over " +
                                      std::to_string(in[1]) + " channels has no operator in TensorFlow Lite");
  }
  const auto strides = Pair(node, "strides");
  const auto dilations = Pair(node, "dilations");
  if (strides.size() != 2 || dilations.size() != 2) return ToTflite::Refuse(node, "its strides are not two");
  constexpr std::int64_t kMostDilation = 1 << 16;
  if (std::min(dilations[0], dilations[1]) < 1 || std::max(dilations[0], dilations[1]) > kMostDilation ||
      std::max(filter[2], filter[3]) > kMostDilation) {
    return ToTflite::Refuse(node, "its dilations or kernel are not positive, or absurd");
  }
  PADDOCK_ASSIGN_OR_RETURN(const WindowPadding padding,
                           PaddingOf(node, {in[2], in[3]}, {out[2], out[3]},
                                     {(filter[2] - 1) * dilations[0] + 1, (filter[3] - 1) * dilations[1] + 1},
                                     {strides[0], strides[1]}));

  const auto channels = static_cast<std::size_t>(filter[0]);
  std::vector<float> bias(channels, 0.0F);
  if (to.HasInput(node, 2)) {
    PADDOCK_ASSIGN_OR_RETURN(bias, to.Floats(node, node.input(2)));
    if (bias.size() != channels) return ToTflite::Refuse(node, "its bias has another size than its output");
  }
  PADDOCK_ASSIGN_OR_RETURN(Operand input, to.Take(node, node.input(0), TensorLayout::kNhwc));

  // A BatchNormalization that follows is folded into float weights.
  const onnx::NodeProto* last = &node;
  std::optional<Affine> affine;
  const onnx::NodeProto* const reader = to.OnlyReader(node.output(0));
  const bool has_int8_weights = to.Quantized(node.input(1)) != nullptr;
  if (reader != nullptr && reader->op_type() == "BatchNormalization" && !has_int8_weights) {
    PADDOCK_ASSIGN_OR_RETURN(affine, AffineOf(to, *reader));
    if (affine->scale.size() != channels)
      return ToTflite::Refuse(*reader, "its parameters are not one per channel");
    last = reader;
    to.MarkDone(reader);
  }
  const Target target = to.TargetOf(*last);
  const bool is_int8 = input.is_int8() && has_int8_weights && target.quantization;

  const std::vector<std::int32_t> order =
      is_depthwise ? std::vector<std::int32_t>{1, 2, 3, 0} : std::vector<std::int32_t>{0, 2, 3, 1};
  Shape shape;
  for (const std::int32_t from : order) shape.push_back(filter[static_cast<std::size_t>(from)]);
  const std::int32_t quantized_axis = is_depthwise ? 3 : 0;
  const std::string& name = node.output(0);

  std::vector<std::int32_t> inputs;
  if (is_int8) {
    PADDOCK_ASSIGN_OR_RETURN(const Int8Weights weights, Int8WeightsOf(to, node, node.input(1), 0));
    const double scale = to.tensor(input.int8_tensor).TensorQuantization()->scale;
    inputs = {input.int8_tensor,
              AddInt8(to, node.input(1), shape, Permuted(weights.values, filter, order), weights.scales,
                      std::vector<std::int64_t>(channels, 0), quantized_axis),
              AddInt32Bias(to, name + "/bias", bias, scale, weights.scales)};
  } else {
    PADDOCK_ASSIGN_OR_RETURN(std::vector<float> weights, to.Floats(node, node.input(1)));
    const std::size_t inner = channels == 0 ? 1 : weights.size() / channels;
    for (std::size_t i = 0; affine && i < weights.size(); ++i) weights[i] *= affine->scale[i / inner];
    for (std::size_t c = 0; affine && c < channels; ++c)
      bias[c] = bias[c] * affine->scale[c] + affine->shift[c];
    inputs = {to.Float(input), to.AddFloats(node.input(1), shape, Permuted(weights, filter, order)),
              to.AddFloats(name + "/bias", {filter[0]}, bias)};
  }
  if (padding.needs_pad) inputs[0] = AddWindowPad(to, inputs[0], padding, std::nullopt, name);

  TfliteOptions options;
  options.is_same_padded = padding.is_same;
  options.stride_h = static_cast<std::int32_t>(strides[0]);
  options.stride_w = static_cast<std::int32_t>(strides[1]);
  options.dilation_h = static_cast<std::int32_t>(dilations[0]);
  options.dilation_w = static_cast<std::int32_t>(dilations[1]);
  options.activation = target.activation;
  if (is_depthwise) options.depth_multiplier = static_cast<std::int32_t>(filter[0] / in[1]);
  const std::int32_t output =
      to.AddTensor(target.value, NhwcOf(out), is_int8 ? target.quantization : std::nullopt);
  to.AddOperator(is_depthwise ? TfliteOp::kDepthwiseConv2d : TfliteOp::kConv2d, inputs, output, options);
  return to.Finish(node, target, output, is_int8, TensorLayout::kNhwc);
}

namespace {

// The mean over height and width of an NHWC operand. MEAN, unlike AVERAGE_POOL_2D, may change the quantisation.
Status FinishMean(ToTflite& to, const onnx::NodeProto& node, const Operand& input) {
  const Target target = to.TargetOf(node, false);
  const bool is_int8 = input.is_int8() && target.quantization;
  const std::int32_t output = to.AddTensor(target.value, {input.shape[0], 1, 1, input.shape[1]},
                                           is_int8 ? target.quantization : std::nullopt);
  TfliteOptions options;
  options.keep_dims = true;
  to.AddOperator(TfliteOp::kMean,
                 {is_int8 ? input.int8_tensor : to.Float(input), to.AddInt32(target.value + "/axes", {1, 2})},
                 output, options);
  return to.Finish(node, target, output, is_int8, TensorLayout::kNhwc);
}

}  // namespace

Status ConvertPool(ToTflite& to, const onnx::NodeProto& node) {
  const bool is_max = node.op_type() == "MaxPool";
  PADDOCK_ASSIGN_OR_RETURN(const Shape in, to.ShapeOf(node.input(0)));
  PADDOCK_ASSIGN_OR_RETURN(const Shape out, to.ShapeOf(node.output(0)));
  const auto kernel = IntsAttribute(node, "kernel_shape");
  const auto strides = Pair(node, "strides");
  const auto dilations = Pair(node, "dilations");
  if (in.size() != 4 || out.size() != 4 || kernel.size() != 2 || strides.size() != 2 || dilations.size() != 2)
    return ToTflite::Refuse(node, "only pooling over two dimensions can be converted");
  if (dilations[0] != 1 || dilations[1] != 1)
    return ToTflite::Refuse(node, "dilated pooling has no operator in TensorFlow Lite");
  PADDOCK_ASSIGN_OR_RETURN(
      const WindowPadding padding,
      PaddingOf(node, {in[2], in[3]}, {out[2], out[3]}, {kernel[0], kernel[1]}, {strides[0], strides[1]}));
  const bool counts_padding = IntAttribute(node, "count_include_pad", 0) != 0;
  const auto pads = IntsAttribute(node, "pads");
  const bool is_padded = padding.is_same || padding.needs_pad;
  // TensorFlow Lite divides by what lies inside of the input.
  if (!is_max && is_padded) {
    bool is_plain = padding.is_same && !counts_padding;
    if (counts_padding) {  // zeros are as good as the padding they stand for, where they are all counted
      is_plain = pads.size() == 4;
      for (std::size_t d = 0; is_plain && d < 2; ++d) is_plain = padding.end[d] <= pads[d + 2];
    }
    if (!is_plain)
      return ToTflite::Refuse(node, "averages over this padding have no operator in TensorFlow Lite");
  }
  PADDOCK_ASSIGN_OR_RETURN(const Operand input, to.Take(node, node.input(0), TensorLayout::kNhwc));
  const Target target = to.TargetOf(node);
  std::int32_t tensor = input.is_int8() ? input.int8_tensor : input.float_tensor;
  const bool is_global = !is_padded && kernel[0] == in[2] && kernel[1] == in[3];
  if (!is_max && is_global && input.is_int8() && target.quantization &&
      target.quantization != to.tensor(tensor).TensorQuantization()) {
    return FinishMean(to, node, input);
  }
  const bool pads_before = padding.needs_pad || (!is_max && counts_padding && is_padded);
  if (pads_before) {
    std::optional<float> value;
    if (is_max) value = std::numeric_limits<float>::lowest();
    tensor = AddWindowPad(to, tensor, padding, value, node.output(0));
  }
  TfliteOptions options;
  options.is_same_padded = padding.is_same && !pads_before;
  options.stride_h = static_cast<std::int32_t>(strides[0]);
  options.stride_w = static_cast<std::int32_t>(strides[1]);
  options.filter_h = static_cast<std::int32_t>(kernel[0]);
  options.filter_w = static_cast<std::int32_t>(kernel[1]);
  options.activation = target.activation;
  const std::int32_t output = to.AddTensor(target.value, NhwcOf(out), to.tensor(tensor).TensorQuantization());
  to.AddOperator(is_max ? TfliteOp::kMaxPool2d : TfliteOp::kAveragePool2d, {tensor}, output, options);
  return to.Finish(node, target, output, input.is_int8(), TensorLayout::kNhwc);
}

Status ConvertGlobalAverage(ToTflite& to, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const Shape in, to.ShapeOf(node.input(0)));
  if (in.size() != 4) return ToTflite::Refuse(node, "only means over two dimensions can be converted");
  PADDOCK_ASSIGN_OR_RETURN(const Operand input, to.Take(node, node.input(0), TensorLayout::kNhwc));
  return FinishMean(to, node, input);
}

Status ConvertReduceMean(ToTflite& to, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const Shape in, to.ShapeOf(node.input(0)));
  PADDOCK_ASSIGN_OR_RETURN(const Shape out, to.ShapeOf(node.output(0)));
  std::vector<std::int64_t> axes = IntsAttribute(node, "axes");
  if (to.HasInput(node, 1)) {
    PADDOCK_ASSIGN_OR_RETURN(axes, to.Integers(node, node.input(1)));
  }
  const auto rank = static_cast<std::int64_t>(in.size());
  for (std::int64_t& axis : axes) {
    if (axis < 0) axis += rank;
    if (axis < 0 || axis >= rank) return ToTflite::Refuse(node, "an axis lies outside of its input");
  }
  if (axes.empty()) {
    for (std::int64_t axis = 0; axis < rank; ++axis) axes.push_back(axis);
  }
  std::sort(axes.begin(), axes.end());
  const bool keeps = IntAttribute(node, "keepdims", 1) == 1;
  if (keeps && out.size() != in.size()) return ToTflite::Refuse(node, "its output has not its input's rank");
  PADDOCK_ASSIGN_OR_RETURN(Operand input, to.TakeAsItIs(node, node.input(0)));
  // Without the reduced dimensions, what is left must stand in ONNX's order.
  if (!keeps && axes != std::vector<std::int64_t>{2, 3}) {
    PADDOCK_ASSIGN_OR_RETURN(input, to.Take(node, node.input(0), TensorLayout::kOnnx));
  }
  std::vector<std::int32_t> own_axes;
  for (const std::int64_t axis : axes) own_axes.push_back(AxisIn(input.layout, axis, in.size()));
  std::sort(own_axes.begin(), own_axes.end());
  const Target target = to.TargetOf(node, false);
  const bool is_int8 = input.is_int8() && target.quantization;
  const bool is_nhwc = keeps && input.layout == TensorLayout::kNhwc;
  const std::int32_t output =
      to.AddTensor(target.value, is_nhwc ? NhwcOf(out) : out, is_int8 ? target.quantization : std::nullopt);
  TfliteOptions options;
  options.keep_dims = keeps;
  to.AddOperator(
      TfliteOp::kMean,
      {is_int8 ? input.int8_tensor : to.Float(input), to.AddInt32(target.value + "/axes", own_axes)}, output,
      options);
  return to.Finish(node, target, output, is_int8, is_nhwc ? TensorLayout::kNhwc : TensorLayout::kOnnx);
}

Status ConvertBatchNormalization(ToTflite& to, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const Affine affine, AffineOf(to, node));
  PADDOCK_ASSIGN_OR_RETURN(Operand input, to.TakeAsItIs(node, node.input(0)));
  if (input.shape.size() < 2 || input.shape[1] != static_cast<std::int64_t>(affine.scale.size()))
    return ToTflite::Refuse(node, "its parameters are not one per channel");
  if (input.shape.size() == 4) {
    PADDOCK_ASSIGN_OR_RETURN(input, to.Take(node, node.input(0), TensorLayout::kNhwc));
  }
  Shape shape = {input.shape[1]};
  if (input.shape.size() != 4) shape.resize(input.shape.size() - 1, 1);
  const Target target = to.TargetOf(node);
  const std::int32_t source = to.Float(input);
  const Shape own = to.tensor(source).shape;
  const std::int32_t scaled = to.AddTensor(node.output(0) + "/scaled", own, std::nullopt);
  to.AddOperator(TfliteOp::kMul, {source, to.AddFloats(node.output(0) + "/scale", shape, affine.scale)},
                 scaled);
  const std::int32_t output = to.AddTensor(target.value, own, std::nullopt);
  TfliteOptions options;
  options.activation = target.activation;
  to.AddOperator(TfliteOp::kAdd, {scaled, to.AddFloats(node.output(0) + "/shift", shape, affine.shift)},
                 output, options);
  return to.Finish(node, target, output, false, input.layout);
}

}  // namespace paddock
