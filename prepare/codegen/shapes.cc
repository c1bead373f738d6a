#include "prepare/codegen/shapes.h"

#include <algorithm>
#include <set>
#include <string>

namespace paddock {
namespace {

// Of an attribute with one entry per dimension of the window.
Result<std::vector<std::int64_t>> WindowAttribute(const onnx::NodeProto& node, const std::string& name,
                                                  std::size_t count, std::int64_t least,
                                                  std::int64_t fallback) {
  std::vector<std::int64_t> values = IntsAttribute(node, name);
  if (values.empty()) values.assign(count, fallback);
  if (values.size() != count)
    return WrongNode(node, "its " + name + " has " + std::to_string(values.size()) + " entries and not " +
                               std::to_string(count));
  for (const std::int64_t value : values) {
    if (value < least || value > kLargestWindow)
      return WrongNode(node, "its " + name + " holds " + std::to_string(value));
  }
  return values;
}

}  // namespace

Status WrongNode(const onnx::NodeProto& node, std::string_view what) {
  return InvalidArgumentError(NodeText(node) + ": " + std::string(what) + "; export the model anew");
}

Status UnsupportedNode(const onnx::NodeProto& node, std::string_view what) {
  return UnimplementedError(NodeText(node) + ": " + std::string(what) +
                            ", which the code generator cannot do; change the model, or run it with a driver "
                            "that interprets it");
}

Status CheckSizes(const onnx::NodeProto& node, const Shape& shape) {
  for (const std::int64_t size : shape) {
    if (size < 1) return WrongNode(node, "its result has the shape " + ShapeText(shape));
  }
  const auto count = ElementCount(shape);
  if (!count || *count > kMostElements)
    return UnsupportedNode(node, "its result has the shape " + ShapeText(shape) + ", over 2^28 elements");
  return OkStatus();
}

Result<std::size_t> AxisOf(const onnx::NodeProto& node, std::int64_t axis, std::size_t rank) {
  const auto dimensions = static_cast<std::int64_t>(rank);
  if (axis < -dimensions || axis >= dimensions) {
    return WrongNode(node,
                     "it names axis " + std::to_string(axis) + " of " + std::to_string(rank) + " dimensions");
  }
  return static_cast<std::size_t>(axis < 0 ? axis + dimensions : axis);
}

Result<Shape> ReshapedShape(const onnx::NodeProto& node, const Shape& shape,
                            const std::vector<std::int64_t>& target, bool allow_zero) {
  const std::uint64_t count = ElementCount(shape).value_or(0);
  Shape result = target;
  std::optional<std::size_t> open;
  for (std::size_t i = 0; i < target.size(); ++i) {
    if (target[i] == 0 && !allow_zero && i < shape.size()) result[i] = shape[i];
    if (target[i] != -1) continue;
    if (open) return WrongNode(node, "its shape leaves two dimensions open: " + ShapeText(target));
    open = i;
    result[i] = 1;
  }
  const auto known = ElementCount(result);
  if (open && known.value_or(0) > 0 && count % *known == 0)
    result[*open] = static_cast<std::int64_t>(count / *known);
  if (ElementCount(result) != count || count == 0)
    return WrongNode(node, "it makes " + ShapeText(target) + " of " + ShapeText(shape));
  return result;
}

Result<Shape> FlattenedShape(const onnx::NodeProto& node, const Shape& shape) {
  const std::int64_t axis = IntAttribute(node, "axis", 1);
  const auto rank = static_cast<std::int64_t>(shape.size());
  if (axis < -rank || axis > rank) return WrongNode(node, "it names axis " + std::to_string(axis));
  const std::int64_t border = axis < 0 ? axis + rank : axis;
  Shape result = {1, 1};
  for (std::int64_t i = 0; i < rank; ++i) result[i < border ? 0 : 1] *= shape[static_cast<std::size_t>(i)];
  return result;
}

Result<Shape> SqueezedShape(const onnx::NodeProto& node, const Shape& shape,
                            const std::optional<std::vector<std::int64_t>>& axes) {
  std::set<std::size_t> dropped;
  if (axes) {
    for (const std::int64_t axis : *axes) {
      PADDOCK_ASSIGN_OR_RETURN(const std::size_t index, AxisOf(node, axis, shape.size()));
      if (shape[index] != 1)
        return WrongNode(node, "it drops axis " + std::to_string(axis) + " of " + ShapeText(shape));
      dropped.insert(index);
    }
  }
  Shape result;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool drops = axes ? dropped.contains(i) : shape[i] == 1;
    if (!drops) result.push_back(shape[i]);
  }
  return result;
}

Result<Shape> UnsqueezedShape(const onnx::NodeProto& node, const Shape& shape,
                              const std::vector<std::int64_t>& axes) {
  std::set<std::size_t> added;
  for (const std::int64_t axis : axes) {
    PADDOCK_ASSIGN_OR_RETURN(const std::size_t index, AxisOf(node, axis, shape.size() + axes.size()));
    if (!added.insert(index).second)
      return WrongNode(node, "it adds axis " + std::to_string(axis) + " twice");
  }
  Shape result;
  auto next = shape.begin();
  for (std::size_t i = 0; i < shape.size() + axes.size(); ++i)
    result.push_back(added.contains(i) ? 1 : *next++);
  return result;
}

Result<std::vector<std::int64_t>> PermutationOf(const onnx::NodeProto& node, std::size_t rank) {
  std::vector<std::int64_t> permutation = IntsAttribute(node, "perm");
  if (permutation.empty()) {
    for (std::size_t i = rank; i > 0; --i) permutation.push_back(static_cast<std::int64_t>(i) - 1);
  }
  std::vector<std::int64_t> sorted = permutation;
  std::sort(sorted.begin(), sorted.end());
  bool is_one = sorted.size() == rank;
  for (std::size_t i = 0; is_one && i < rank; ++i) is_one = sorted[i] == static_cast<std::int64_t>(i);
  if (!is_one)
    return WrongNode(node, "its perm " + ShapeText(permutation) + " is no order of " + std::to_string(rank) +
                               " dimensions");
  return permutation;
}

Result<Window> WindowOf(const onnx::NodeProto& node, const Shape& input,
                        const std::vector<std::int64_t>& kernel) {
  const std::size_t count = kernel.size();
  Window window{
      .kernel = kernel, .stride = {}, .dilation = {}, .begin = {}, .end = {}, .overhang = {}, .output = {}};
  for (const std::int64_t size : kernel) {
    if (size < 1 || size > kLargestWindow)
      return WrongNode(node, "its window has the size " + ShapeText(kernel));
  }
  PADDOCK_ASSIGN_OR_RETURN(window.stride, WindowAttribute(node, "strides", count, 1, 1));
  PADDOCK_ASSIGN_OR_RETURN(window.dilation, WindowAttribute(node, "dilations", count, 1, 1));
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<std::int64_t> pads,
                           WindowAttribute(node, "pads", 2 * count, 0, 0));
  const std::string auto_pad = TextAttribute(node, "auto_pad", "NOTSET");
  const bool is_same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (!is_same && auto_pad != "NOTSET" && auto_pad != "VALID" && !auto_pad.empty())
    return WrongNode(node, "its auto_pad is '" + auto_pad + "'");
  const bool rounds_up = IntAttribute(node, "ceil_mode", 0) != 0;
  for (std::size_t d = 0; d < count; ++d) {
    const std::int64_t size = input[input.size() - count + d];
    const std::int64_t reach = window.dilation[d] * (kernel[d] - 1) + 1;
    const std::int64_t stride = window.stride[d];
    std::int64_t begin = auto_pad == "VALID" ? 0 : pads[d];
    std::int64_t end = auto_pad == "VALID" ? 0 : pads[count + d];
    if (is_same) {
      const std::int64_t total =
          std::max<std::int64_t>(((size + stride - 1) / stride - 1) * stride + reach - size, 0);
      begin = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
      end = total - begin;
    }
    const std::int64_t room = size + begin + end - reach;
    if (room < 0) {
      return WrongNode(node, "its window reaches over " + std::to_string(reach) +
                                 " elements where there are " + std::to_string(size + begin + end));
    }
    std::int64_t output = room / stride + 1;
    std::int64_t overhang = 0;
    // A last window that begins within the input or its leading pads counts.
    if (rounds_up && room % stride != 0 && output * stride < size + begin) {
      overhang = output * stride - room;
      ++output;
    }
    window.begin.push_back(begin);
    window.end.push_back(end + overhang);
    window.overhang.push_back(overhang);
    window.output.push_back(output);
  }
  return window;
}

}  // namespace paddock
