// The constants of a model while it is read: initializers, and what nodes make of them alone (a DequantizeLinear of int8
// weights, a Transpose of it). Internal to prepare/codegen/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "prepare/onnx_graph.h"

namespace paddock {

struct Constant {
  ElementType type = ElementType::kFloat32;
  Shape shape;
  std::vector<double> values;  // exact for all types but 64-bit integers beyond 2^53, which are refused
  // Where a DequantizeLinear made it: values[i] is about integers[i] * scales[...], zero points taken off.
  struct Quantized {
    std::vector<std::int32_t> integers;
    std::vector<double> scales;  // one, or one per index of `axis`
    std::size_t axis = 0;
  };
  std::optional<Quantized> quantized{};
};

// INVALID_ARGUMENT names the tensor: strings, NaN, sizes that do not fit the shape.
Result<Constant> ConstantOf(const onnx::TensorProto& tensor);

// What `node` makes of constants alone; `inputs` has one entry per input, null where it is left out. UNIMPLEMENTED names the
// node when it is none of QuantizeLinear, DequantizeLinear, Cast, Identity, Reshape, Flatten, Squeeze, Unsqueeze, Transpose, nor,
// for lists, Concat, Gather, Slice.
Result<Constant> FoldConstants(const onnx::NodeProto& node, const std::vector<const Constant*>& inputs);

// With dimension i of the result being dimension permutation[i]. REQUIRES: a permutation of the dimensions.
Constant TransposedConstant(const Constant& constant, const std::vector<std::int64_t>& permutation);

}  // namespace paddock
