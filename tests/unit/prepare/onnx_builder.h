// Small ONNX models for tests, made with libonnx's messages.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <vector>

#include "kpi/tensor.h"
#include "prepare/model_info.h"
#include "tests/unit/prepare/npz_builder.h"

namespace paddock {

inline void SetTensorType(onnx::ValueInfoProto* value, const std::string& name, int type,
                          const Shape& shape) {
  value->set_name(name);
  auto* tensor = value->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  tensor->mutable_shape();
  for (const std::int64_t size : shape) {
    auto* dimension = tensor->mutable_shape()->add_dim();
    if (size >= 0) dimension->set_dim_value(size);
  }
}

// out = Relu(in)
inline onnx::ModelProto ReluModel(const Shape& shape = {-1, 4}) {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.set_producer_name("paddock-test");
  model.set_producer_version("1");
  model.add_opset_import()->set_version(13);
  auto* graph = model.mutable_graph();
  graph->set_name("relu");
  auto* node = graph->add_node();
  node->set_op_type("Relu");
  node->add_input("in");
  node->add_output("out");
  SetTensorType(graph->add_input(), "in", onnx::TensorProto::FLOAT, shape);
  SetTensorType(graph->add_output(), "out", onnx::TensorProto::FLOAT, shape);
  return model;
}

inline void AddFloatInitializer(onnx::GraphProto* graph, const std::string& name, const Shape& dims) {
  auto* tensor = graph->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(onnx::TensorProto::FLOAT);
  std::int64_t count = 1;
  for (const std::int64_t size : dims) {
    tensor->add_dims(size);
    count *= size;
  }
  for (std::int64_t i = 0; i < count; ++i) tensor->add_float_data(0.5F);
}

// A model's signature alone, for what needs no file.
inline ModelInfo Signature(std::vector<TensorInfo> inputs, std::vector<TensorInfo> outputs) {
  ModelInfo model;
  model.kind = "onnx";
  model.inputs = std::move(inputs);
  model.outputs = std::move(outputs);
  return model;
}

}  // namespace paddock
