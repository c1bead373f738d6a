// Convolutions, pooling, dense layers, means, padding and resizing.
#include <algorithm>

#include "prepare/onnx_graph.h"
#include "prepare/tflite/to_onnx.h"

namespace paddock {
namespace {

constexpr std::size_t kRank = 4;

bool IsInteger8(const TfliteTensor& tensor) {
  return tensor.type == ElementType::kInt8 || tensor.type == ElementType::kUint8;
}

// Begin and end of height and width, as ONNX writes them.
std::vector<std::int64_t> PadsOf(const TfliteOptions& options, const Shape& in, const Shape& out,
                                 const std::int64_t (&kernel)[2]) {
  if (!options.is_same_padded) return {0, 0, 0, 0};
  const std::int64_t strides[2] = {options.stride_h, options.stride_w};
  std::vector<std::int64_t> pads(4, 0);
  for (std::size_t d = 0; d < 2; ++d) {
    const std::int64_t total =
        std::max<std::int64_t>((out[d + 1] - 1) * strides[d] + kernel[d] - in[d + 1], 0);
    pads[d] = total / 2;
    pads[d + 2] = total - total / 2;
  }
  return pads;
}

// INVALID_ARGUMENT unless sizes of the window are such as a runtime would take.
Status CheckWindow(const ToOnnx& to, const TfliteOperator& op, const std::int64_t (&kernel)[2]) {
  const TfliteOptions& o = op.options;
  constexpr std::int64_t kMost = 1 << 16;
  for (const std::int64_t size :
       {std::int64_t{o.stride_h}, std::int64_t{o.stride_w}, std::int64_t{o.dilation_h},
        std::int64_t{o.dilation_w}, kernel[0], kernel[1]}) {
    if (size < 1 || size > kMost) return to.Refuse(op, "its strides or window are not positive");
  }
  if (to.tensor(op.inputs[0]).shape.size() != kRank || to.tensor(op.outputs[0]).shape.size() != kRank)
    return to.Refuse(op, "its input or output is no image");
  return OkStatus();
}

}  // namespace

Status ConvolutionToOnnx(ToOnnx& to, const TfliteOperator& op) {
  PADDOCK_RETURN_IF_ERROR(to.CheckArity(op, 2, 3));
  const bool is_depthwise = op.op == TfliteOp::kDepthwiseConv2d;
  const TfliteTensor& filter = to.tensor(op.inputs[1]);
  const TfliteTensor& input = to.tensor(op.inputs[0]);
  if (filter.shape.size() != kRank || !to.IsConstant(op.inputs[1]))
    return to.Refuse(op, "its weights are no constant");
  const std::int64_t kernel[2] = {filter.shape[1], filter.shape[2]};
  PADDOCK_RETURN_IF_ERROR(CheckWindow(to, op, kernel));
  const std::int64_t channels = input.shape[3];
  const bool fits = is_depthwise ? filter.shape[0] == 1 && channels > 0 && filter.shape[3] % channels == 0
                                 : filter.shape[3] == channels;
  if (!fits) return to.Refuse(op, "its weights do not fit the channels of its input");
  PADDOCK_ASSIGN_OR_RETURN(const std::string image, to.Take(op, op.inputs[0], ImageOrder::kNchw));
  const bool as_integers = IsInteger8(input) && IsInteger8(filter);
  const std::vector<std::int32_t> order =
      is_depthwise ? std::vector<std::int32_t>{3, 0, 1, 2} : std::vector<std::int32_t>{0, 3, 1, 2};
  const std::int64_t quantized_axis = is_depthwise ? 3 : 0;
  if (as_integers && filter.scales.size() > 1 && filter.quantized_dimension != quantized_axis)
    return to.Refuse(op, "its weights have scales along another dimension than its output's channels");
  PADDOCK_ASSIGN_OR_RETURN(const std::string weights,
                           to.AddConstant(op, op.inputs[1], filter.shape, order, 0, as_integers));
  std::vector<std::string> inputs = {image, weights};
  if (to.HasInput(op, 2)) {
    PADDOCK_ASSIGN_OR_RETURN(
        const std::string bias,
        to.AddConstant(op, op.inputs[2], to.tensor(op.inputs[2]).shape, {0}, 0, as_integers));
    inputs.push_back(bias);
  }
  const TfliteOptions& o = op.options;
  const std::int64_t covered[2] = {(kernel[0] - 1) * o.dilation_h + 1, (kernel[1] - 1) * o.dilation_w + 1};
  const std::string value =
      to.AddNode("Conv", inputs, to.tensor(op.outputs[0]).name + "/conv",
                 {{"kernel_shape", {kernel[0], kernel[1]}},
                  {"strides", {o.stride_h, o.stride_w}},
                  {"dilations", {o.dilation_h, o.dilation_w}},
                  {"pads", PadsOf(o, input.shape, to.tensor(op.outputs[0]).shape, covered)}});
  SetIntAttribute(&to.last_node(), "group", is_depthwise ? channels : 1);
  return to.Define(op, value, ImageOrder::kNchw, o.activation);
}

Status PoolToOnnx(ToOnnx& to, const TfliteOperator& op) {
  PADDOCK_RETURN_IF_ERROR(to.CheckArity(op, 1, 1));
  const TfliteOptions& o = op.options;
  const std::int64_t kernel[2] = {o.filter_h, o.filter_w};
  PADDOCK_RETURN_IF_ERROR(CheckWindow(to, op, kernel));
  PADDOCK_ASSIGN_OR_RETURN(const std::string image, to.Take(op, op.inputs[0], ImageOrder::kNchw));
  const std::string value = to.AddNode(
      op.op == TfliteOp::kMaxPool2d ? "MaxPool" : "AveragePool", {image},
      to.tensor(op.outputs[0]).name + "/pool",
      {{"kernel_shape", {kernel[0], kernel[1]}},
       {"strides", {o.stride_h, o.stride_w}},
       {"pads", PadsOf(o, to.tensor(op.inputs[0]).shape, to.tensor(op.outputs[0]).shape, kernel)}});
  return to.Define(op, value, ImageOrder::kNchw, o.activation);
}

Status DenseToOnnx(ToOnnx& to, const TfliteOperator& op) {
  PADDOCK_RETURN_IF_ERROR(to.CheckArity(op, 2, 3));
  const TfliteTensor& matrix = to.tensor(op.inputs[1]);
  const TfliteTensor& input = to.tensor(op.inputs[0]);
  const TfliteTensor& output = to.tensor(op.outputs[0]);
  if (matrix.shape.size() != 2 || !to.IsConstant(op.inputs[1]) || op.options.has_shuffled_weights)
    return to.Refuse(op, "its weights are no plain constant matrix");
  const std::int64_t inner = matrix.shape[1];
  const auto elements = static_cast<std::int64_t>(ElementCount(input.shape).value_or(0));
  if (inner < 1 || elements % inner != 0) return to.Refuse(op, "its weights do not fit its input");
  const std::int64_t rows = elements / inner;
  const bool as_integers = IsInteger8(input) && IsInteger8(matrix);
  if (as_integers && matrix.scales.size() > 1 && matrix.quantized_dimension != 0)
    return to.Refuse(op, "its weights have scales along another dimension than its outputs");
  PADDOCK_ASSIGN_OR_RETURN(std::string value, to.Take(op, op.inputs[0], ImageOrder::kNhwc));
  if (input.shape != Shape{rows, inner})
    value = to.AddNode("Reshape", {value, to.AddIntegers("shape", {rows, inner})}, output.name + "/rows");
  PADDOCK_ASSIGN_OR_RETURN(const std::string weights,
                           to.AddConstant(op, op.inputs[1], matrix.shape, {0, 1}, 0, as_integers));
  std::vector<std::string> inputs = {value, weights};
  if (to.HasInput(op, 2)) {
    PADDOCK_ASSIGN_OR_RETURN(
        const std::string bias,
        to.AddConstant(op, op.inputs[2], to.tensor(op.inputs[2]).shape, {0}, 0, as_integers));
    inputs.push_back(bias);
  }
  value = to.AddNode("Gemm", inputs, output.name + "/gemm");
  SetIntAttribute(&to.last_node(), "transB", 1);
  if (output.shape != Shape{rows, matrix.shape[0]}) {
    value = to.AddNode("Reshape", {value, to.AddIntegers("shape", output.shape)}, output.name + "/shaped");
  }
  return to.Define(op, value, ImageOrder::kNhwc, op.options.activation);
}

Status MeanToOnnx(ToOnnx& to, const TfliteOperator& op) {
  PADDOCK_RETURN_IF_ERROR(to.CheckArity(op, 2, 2));
  PADDOCK_ASSIGN_OR_RETURN(std::vector<std::int64_t> axes, to.Integers(op, op.inputs[1]));
  const auto rank = static_cast<std::int64_t>(to.tensor(op.inputs[0]).shape.size());
  for (std::int64_t& axis : axes) {
    if (axis < 0) axis += rank;
    if (axis < 0 || axis >= rank) return to.Refuse(op, "an axis lies outside of its input");
  }
  std::sort(axes.begin(), axes.end());
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  const std::string& name = to.tensor(op.outputs[0]).name;
  const bool is_global = rank == static_cast<std::int64_t>(kRank) && axes == std::vector<std::int64_t>{1, 2};
  if (is_global) {
    PADDOCK_ASSIGN_OR_RETURN(const std::string image, to.Take(op, op.inputs[0], ImageOrder::kNchw));
    const std::string mean = to.AddNode("GlobalAveragePool", {image}, name + "/mean");
    if (op.options.keep_dims) return to.Define(op, mean, ImageOrder::kNchw);
    const std::string flat = to.AddNode("Flatten", {mean}, name + "/flat");
    return to.Define(op, flat, ImageOrder::kNhwc);
  }
  PADDOCK_ASSIGN_OR_RETURN(const std::string value, to.Take(op, op.inputs[0], ImageOrder::kNhwc));
  const std::string mean = to.AddNode("ReduceMean", {value}, name + "/mean", {{"axes", axes}});
  SetIntAttribute(&to.last_node(), "keepdims", op.options.keep_dims ? 1 : 0);
  return to.Define(op, mean, ImageOrder::kNhwc);
}

Status PadToOnnx(ToOnnx& to, const TfliteOperator& op) {
  PADDOCK_RETURN_IF_ERROR(to.CheckArity(op, 2, 3));
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<std::int64_t> amounts, to.Integers(op, op.inputs[1]));
  const std::size_t rank = to.tensor(op.inputs[0]).shape.size();
  if (amounts.size() != 2 * rank) return to.Refuse(op, "its paddings are not two per dimension");
  ImageOrder order = to.OrderOf(op.inputs[0]);
  if (rank != kRank) order = ImageOrder::kNhwc;
  std::vector<std::int64_t> pads(2 * rank);
  for (std::size_t d = 0; d < rank; ++d) {
    const std::size_t place = order == ImageOrder::kNchw ? (d == 0 ? 0 : d == 3 ? 1 : d + 1) : d;
    pads[place] = amounts[2 * d];
    pads[place + rank] = amounts[2 * d + 1];
  }
  std::vector<float> number = {0.0F};
  if (to.HasInput(op, 2)) {
    PADDOCK_ASSIGN_OR_RETURN(number, to.Floats(op, op.inputs[2]));
    if (number.size() != 1) return to.Refuse(op, "its padding is not one number");
  }
  PADDOCK_ASSIGN_OR_RETURN(const std::string value, to.Take(op, op.inputs[0], order));
  const std::string& name = to.tensor(op.outputs[0]).name;
  const std::string padded = to.AddNode(
      "Pad", {value, to.AddIntegers(name + "/pads", pads), to.AddFloats(name + "/number", {}, number)},
      name + "/pad");
  return to.Define(op, padded, order);
}

Status ResizeToOnnx(ToOnnx& to, const TfliteOperator& op) {
  PADDOCK_RETURN_IF_ERROR(to.CheckArity(op, 2, 2));
  const Shape& out = to.tensor(op.outputs[0]).shape;
  if (out.size() != kRank) return to.Refuse(op, "its output is no image");
  PADDOCK_ASSIGN_OR_RETURN(const std::string image, to.Take(op, op.inputs[0], ImageOrder::kNchw));
  const bool is_nearest = op.op == TfliteOp::kResizeNearestNeighbor;
  const TfliteOptions& o = op.options;
  if (is_nearest && o.align_corners)
    return to.Refuse(op, "aligned corners of the nearest neighbour cannot be converted");
  Shape sizes;
  for (const std::size_t d : {0, 3, 1, 2}) sizes.push_back(out[d]);
  const std::string& name = to.tensor(op.outputs[0]).name;
  const std::string value =
      to.AddNode("Resize", {image, "", "", to.AddIntegers(name + "/sizes", sizes)}, name + "/resized");
  SetTextAttribute(&to.last_node(), "mode", is_nearest ? "nearest" : "linear");
  SetTextAttribute(&to.last_node(), "coordinate_transformation_mode",
                   o.half_pixel_centers ? "half_pixel"
                   : o.align_corners    ? "align_corners"
                                        : "asymmetric");
  if (is_nearest)
    SetTextAttribute(&to.last_node(), "nearest_mode", o.half_pixel_centers ? "round_prefer_ceil" : "floor");
  return to.Define(op, value, ImageOrder::kNchw);
}

}  // namespace paddock
