// Shapes that ONNX's operators make. Every size of a result is positive, and a shape has at most 2^28 elements. Errors name the
// node. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "prepare/onnx_graph.h"

namespace paddock {

inline constexpr std::uint64_t kMostElements = std::uint64_t{1} << 28;
inline constexpr std::int64_t kLargestWindow = 1 << 16;  // kernels, strides, dilations, pads

// INVALID_ARGUMENT: the model is wrong. UNIMPLEMENTED: it is beyond what can be generated. Both name the node and end in what to
// do about it.
Status WrongNode(const onnx::NodeProto& node, std::string_view what);
Status UnsupportedNode(const onnx::NodeProto& node, std::string_view what);

Status CheckSizes(const onnx::NodeProto& node, const Shape& shape);
// An axis attribute as an index below `rank`.
Result<std::size_t> AxisOf(const onnx::NodeProto& node, std::int64_t axis, std::size_t rank);
// Reshape's target: 0 copies a dimension (unless `allow_zero`), one -1 takes what is left.
Result<Shape> ReshapedShape(const onnx::NodeProto& node, const Shape& shape,
                            const std::vector<std::int64_t>& target, bool allow_zero);
Result<Shape> FlattenedShape(const onnx::NodeProto& node, const Shape& shape);
// `axes`: absent for all dimensions of size 1.
Result<Shape> SqueezedShape(const onnx::NodeProto& node, const Shape& shape,
                            const std::optional<std::vector<std::int64_t>>& axes);
Result<Shape> UnsqueezedShape(const onnx::NodeProto& node, const Shape& shape,
                              const std::vector<std::int64_t>& axes);
// Transpose's attribute, which is the reverse of the dimensions where it is left out.
Result<std::vector<std::int64_t>> PermutationOf(const onnx::NodeProto& node, std::size_t rank);

// The window of a Conv or a pool over the last `kernel.size()` dimensions, pads resolved from auto_pad and, for a pool with
// ceil_mode, enlarged to what its last windows reach.
struct Window {
  std::vector<std::int64_t> kernel;
  std::vector<std::int64_t> stride;
  std::vector<std::int64_t> dilation;
  std::vector<std::int64_t> begin;  // pads
  std::vector<std::int64_t> end;
  std::vector<std::int64_t> overhang;  // how far `end` was enlarged
  std::vector<std::int64_t> output;    // sizes
};
Result<Window> WindowOf(const onnx::NodeProto& node, const Shape& input,
                        const std::vector<std::int64_t>& kernel);

}  // namespace paddock
