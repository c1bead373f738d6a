// Convolutions, pools, means and padding.
#include <algorithm>
#include <utility>

#include "prepare/codegen/read_onnx.h"

namespace paddock {
namespace {

// A window over one or two dimensions as rows and columns; one dimension is one row.
void SetWindow(const Window& window, DraftNode* node) {
  const std::size_t rows = window.kernel.size() - 1;  // index of the columns
  const auto pair = [&](const std::vector<std::int64_t>& of, std::int32_t fallback) {
    return Pair{rows == 0 ? fallback : static_cast<std::int32_t>(of[0]), static_cast<std::int32_t>(of[rows])};
  };
  node->kernel = pair(window.kernel, 1);
  node->stride = pair(window.stride, 1);
  node->dilation = pair(window.dilation, 1);
  const Pair begin = pair(window.begin, 0);
  const Pair end = pair(window.end, 0);
  node->padding = {begin[0], begin[1], end[0], end[1]};
}

Status CheckImage(DraftReader& reader, const onnx::NodeProto& node, std::size_t value) {
  const Shape& shape = reader.shape(value);
  if (shape.size() != 3 && shape.size() != 4)
    return UnsupportedNode(node, "its input " + ShapeText(shape) +
                                     " has neither one nor two dimensions "
                                     "besides batch and channels");
  if (shape[0] != 1) {
    return UnsupportedNode(
        node, "its input " + ShapeText(shape) + " is a batch of " + std::to_string(shape[0]) + " samples");
  }
  return OkStatus();
}

Shape WindowedShape(const Window& window, std::int64_t channels) {
  Shape shape = {1, channels};
  shape.insert(shape.end(), window.output.begin(), window.output.end());
  return shape;
}

Status ReadMean(DraftReader& reader, const onnx::NodeProto& node, std::size_t input,
                std::vector<std::int64_t> axes, bool keeps) {
  const Shape& shape = reader.shape(input);
  Shape kept;
  Shape result;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool is_reduced = std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(i)) != axes.end();
    kept.push_back(is_reduced ? 1 : shape[i]);
    if (keeps || !is_reduced) result.push_back(kept.back());
  }
  DraftNode mean{.kind = DraftKind::kMean, .inputs = {input}};
  mean.axes = std::move(axes);
  if (keeps) return reader.Add(node, std::move(mean), std::move(result));
  const std::size_t between = reader.AddBetween(node, std::move(mean), std::move(kept));
  return reader.Add(node, {.kind = DraftKind::kReshape, .inputs = {between}}, std::move(result));
}

Status ReadReduceMean(DraftReader& reader, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const std::size_t input, reader.FloatActivation(node, 0));
  PADDOCK_ASSIGN_OR_RETURN(const auto given, reader.AxesOf(node));
  if (!given && IntAttribute(node, "noop_with_empty_axes", 0) != 0)
    return UnsupportedNode(node, "it has no axes and does nothing");
  std::vector<std::int64_t> axes;
  const std::size_t rank = reader.shape(input).size();
  if (given) {
    for (const std::int64_t axis : *given) {
      PADDOCK_ASSIGN_OR_RETURN(const std::size_t index, AxisOf(node, axis, rank));
      axes.push_back(static_cast<std::int64_t>(index));
    }
  } else {
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  }
  return ReadMean(reader, node, input, std::move(axes), IntAttribute(node, "keepdims", 1) != 0);
}

}  // namespace

Status ReadConvolution(DraftReader& reader, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const std::size_t input, reader.FloatActivation(node, 0));
  PADDOCK_RETURN_IF_ERROR(CheckImage(reader, node, input));
  PADDOCK_ASSIGN_OR_RETURN(const Constant* const weights, reader.NeedConstant(node, 1, "its weight"));
  PADDOCK_ASSIGN_OR_RETURN(const Constant* const bias, reader.ConstantInput(node, 2));
  if (bias == nullptr && reader.HasInput(node, 2)) return UnsupportedNode(node, "its bias is computed");
  const Shape& shape = reader.shape(input);
  const std::int64_t groups = IntAttribute(node, "group", 1);
  const Shape& filter = weights->shape;
  const bool fits = filter.size() == shape.size() && groups > 0 && shape[1] % groups == 0 && filter[0] > 0 &&
                    filter[0] % groups == 0 && filter[1] == shape[1] / groups;
  if (!fits) {
    return WrongNode(node, "its weights " + ShapeText(filter) + " in " + std::to_string(groups) +
                               " groups do not fit its input " + ShapeText(shape));
  }
  const std::vector<std::int64_t> kernel(filter.begin() + 2, filter.end());
  const std::vector<std::int64_t> stated = IntsAttribute(node, "kernel_shape");
  if (!stated.empty() && stated != kernel)
    return WrongNode(node, "its kernel_shape is not that of its weights " + ShapeText(filter));
  if (bias != nullptr && bias->shape != Shape{filter[0]})
    return WrongNode(node, "its bias " + ShapeText(bias->shape) + " does not fit its weights");
  PADDOCK_ASSIGN_OR_RETURN(const Window window, WindowOf(node, shape, kernel));
  DraftNode convolution{.kind = DraftKind::kConvolution, .inputs = {input}};
  SetWindow(window, &convolution);
  convolution.groups = static_cast<std::int32_t>(groups);
  PADDOCK_ASSIGN_OR_RETURN(convolution.weights, WeightsOf(node, *weights, bias));
  return reader.Add(node, std::move(convolution), WindowedShape(window, filter[0]));
}

Status ReadPool(DraftReader& reader, const onnx::NodeProto& node) {
  const std::string& type = node.op_type();
  if (type == "ReduceMean") return ReadReduceMean(reader, node);
  const bool is_max = type == "MaxPool";
  PADDOCK_ASSIGN_OR_RETURN(const std::size_t input,
                           is_max ? reader.Activation(node, 0) : reader.FloatActivation(node, 0));
  if (type == "GlobalAveragePool") {
    std::vector<std::int64_t> axes;
    for (std::size_t i = 2; i < reader.shape(input).size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
    return ReadMean(reader, node, input, std::move(axes), true);
  }
  PADDOCK_RETURN_IF_ERROR(CheckImage(reader, node, input));
  const Shape& shape = reader.shape(input);
  const std::vector<std::int64_t> kernel = IntsAttribute(node, "kernel_shape");
  if (kernel.size() != shape.size() - 2)
    return WrongNode(node, "its kernel_shape does not fit its input " + ShapeText(shape));
  PADDOCK_ASSIGN_OR_RETURN(const Window window, WindowOf(node, shape, kernel));
  DraftNode pool{.kind = is_max ? DraftKind::kMaxPool : DraftKind::kAveragePool, .inputs = {input}};
  SetWindow(window, &pool);
  pool.count_padding = !is_max && IntAttribute(node, "count_include_pad", 0) != 0;
  for (std::size_t d = 0; d < kernel.size(); ++d) {
    const std::int64_t reach = window.dilation[d] * (kernel[d] - 1) + 1;
    if (window.begin[d] >= reach || window.end[d] >= reach || window.dilation[d] > shape[d + 2])
      return UnsupportedNode(node, "a window lies wholly in its padding");
    if (!is_max && window.dilation[d] != 1) return UnsupportedNode(node, "its window is dilated");
    if (pool.count_padding && window.overhang[d] > 0)
      return UnsupportedNode(node, "it counts padding, and its last window reaches over the end");
  }
  return reader.Add(node, std::move(pool), WindowedShape(window, shape[1]));
}

Status ReadPad(DraftReader& reader, const onnx::NodeProto& node) {
  PADDOCK_ASSIGN_OR_RETURN(const std::size_t input, reader.FloatActivation(node, 0));
  const std::string mode = TextAttribute(node, "mode", "constant");
  if (mode != "constant") return UnsupportedNode(node, "it pads in mode '" + mode + "'");
  DraftNode pad{.kind = DraftKind::kPad, .inputs = {input}};
  const Shape& shape = reader.shape(input);
  const std::size_t rank = shape.size();
  std::vector<std::int64_t> amounts = IntsAttribute(node, "pads");
  pad.pad_value = FloatAttribute(node, "value", 0);
  if (reader.opset() >= 11) {
    PADDOCK_ASSIGN_OR_RETURN(amounts, reader.NeedIntegers(node, 1, "its list of pads"));
    PADDOCK_ASSIGN_OR_RETURN(const Constant* const value, reader.ConstantInput(node, 2));
    if (value == nullptr && reader.HasInput(node, 2)) return UnsupportedNode(node, "its value is computed");
    if (value != nullptr && value->values.size() != 1) return WrongNode(node, "its value is no scalar");
    if (value != nullptr) pad.pad_value = value->values[0];
  }
  std::vector<std::size_t> axes;
  if (reader.HasInput(node, 3)) {
    PADDOCK_ASSIGN_OR_RETURN(const auto given, reader.NeedIntegers(node, 3, "its list of axes"));
    for (const std::int64_t axis : given) {
      PADDOCK_ASSIGN_OR_RETURN(const std::size_t index, AxisOf(node, axis, rank));
      axes.push_back(index);
    }
  } else {
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(i);
  }
  if (amounts.size() != 2 * axes.size())
    return WrongNode(node, "it has " + std::to_string(amounts.size()) + " pads for " + ShapeText(shape));
  pad.pads.assign(2 * rank, 0);
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    if (amounts[i] < 0) return UnsupportedNode(node, "its pads cut off elements");
    if (amounts[i] > kLargestWindow) return UnsupportedNode(node, "it adds over 65536 elements");
    pad.pads[axes[i % axes.size()] + (i < axes.size() ? 0 : rank)] = amounts[i];
  }
  Shape result = shape;
  for (std::size_t i = 0; i < rank; ++i) result[i] += pad.pads[i] + pad.pads[rank + i];
  return reader.Add(node, std::move(pad), std::move(result));
}

}  // namespace paddock
