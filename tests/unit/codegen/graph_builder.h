// ONNX graphs for tests, a line per node: each function answers the name of the value that it makes. Weights are seeded.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "prepare/onnx_graph.h"

namespace paddock {

class GraphBuilder {
 public:
  explicit GraphBuilder(std::int64_t opset = 13);

  void Import(const std::string& domain) {
    model_.add_opset_import()->set_domain(domain);
    model_.mutable_opset_import()->rbegin()->set_version(1);
  }
  std::string Input(const std::string& name, const Shape& shape,
                    std::int32_t type = onnx::TensorProto::FLOAT);
  void Output(const std::string& value, const Shape& shape, std::int32_t type = onnx::TensorProto::FLOAT);
  std::string Floats(const Shape& shape, const std::vector<float>& values);
  std::string RandomFloats(const Shape& shape, float min = -1, float max = 1);
  std::string Integers(ElementType type, const Shape& shape, const std::vector<std::int64_t>& values);
  // A list of int64.
  std::string List(const std::vector<std::int64_t>& values);

  std::string Node(const std::string& type, const std::vector<std::string>& inputs,
                   const std::map<std::string, std::vector<std::int64_t>>& attributes = {});
  onnx::NodeProto& last() { return *model_.mutable_graph()->mutable_node(model_.graph().node_size() - 1); }
  // An attribute of one number.
  GraphBuilder& With(const std::string& name, std::int64_t value);
  GraphBuilder& WithFloat(const std::string& name, float value);
  GraphBuilder& WithText(const std::string& name, const std::string& value);

  // QuantizeLinear and DequantizeLinear, of type int8 or uint8.
  std::string Quantised(const std::string& value, float scale, std::int64_t zero_point,
                        ElementType type = ElementType::kInt8);
  // Behind a DequantizeLinear: int8 weights, with one scale for each index of `axis`, or one in all (-1); int32 biases.
  std::string Weights(const Shape& shape, std::int64_t axis, float scale = 0.01F);
  std::string Bias(std::int64_t count, float scale);

  const onnx::ModelProto& model() const { return model_; }

 private:
  std::string NewName(const std::string& base) { return base + std::to_string(++names_); }
  unsigned Random();

  onnx::ModelProto model_;
  int names_ = 0;
  std::uint32_t state_ = 1;
};

}  // namespace paddock
