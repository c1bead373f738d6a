// Hostile models as networks: one with a place for each value, or an error. The reference computes small ones in their arena, so
// that sizes, weights and places must fit together.
#include <sys/mman.h>
#include <unistd.h>

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "prepare/codegen/import_onnx.h"
#include "prepare/codegen/plan_arena.h"
#include "tests/unit/codegen/reference_network.h"

namespace {

bool IsSmall(const paddock::Network& network) {
  constexpr std::uint64_t kMost = 100'000;
  std::uint64_t work = 0;
  for (const paddock::NetworkValue& value : network.values) work += value.Elements();
  for (const paddock::NetworkLayer& layer : network.layers) {
    work += layer.multiply_accumulates;
    const auto window =
        static_cast<std::uint64_t>(layer.kernel[0]) * static_cast<std::uint64_t>(layer.kernel[1]);
    const bool is_pool =
        layer.kind == paddock::LayerKind::kMaxPool || layer.kind == paddock::LayerKind::kAveragePool;
    if (is_pool) work += network.values[layer.output].Elements() * window;
    if (work > kMost) return false;
  }
  return work <= kMost;
}

// A change that keeps most of a model a model: bytes alone rarely do.
void Change(std::minstd_rand* random, onnx::GraphProto* graph) {
  static constexpr const char* kOperators[] = {"Add",
                                               "AveragePool",
                                               "BatchNormalization",
                                               "Cast",
                                               "Clip",
                                               "Concat",
                                               "Conv",
                                               "DequantizeLinear",
                                               "Div",
                                               "Flatten",
                                               "Gemm",
                                               "Gather",
                                               "Shape",
                                               "Identity",
                                               "MatMul",
                                               "GlobalAveragePool",
                                               "Mul",
                                               "MaxPool",
                                               "Pad",
                                               "Relu",
                                               "Reshape",
                                               "LeakyRelu",
                                               "Softmax",
                                               "QuantizeLinear",
                                               "Sub",
                                               "Sigmoid",
                                               "ReduceMean",
                                               "Squeeze",
                                               "Tanh",
                                               "Transpose",
                                               "Slice",
                                               "Unsqueeze"};
  static constexpr const char* kAttributes[] = {"axis",         "pads",     "strides", "dilations",
                                                "kernel_shape", "perm",     "axes",    "group",
                                                "ceil_mode",    "keepdims", "transB",  "to"};
  static constexpr std::int64_t kNumbers[] = {-2, -1, 0, 1,  2,       3,       4,
                                              5,  6,  8, 64, 1 << 16, 1 << 30, INT64_MAX};
  const auto below = [&](auto count) {
    return static_cast<int>((*random)() % static_cast<std::size_t>(count));
  };
  const auto number = [&] { return kNumbers[below(std::size(kNumbers))]; };
  if (graph->node_size() == 0) return;
  onnx::NodeProto* const node = graph->mutable_node(below(graph->node_size()));
  std::vector<std::string> values;
  for (const auto& input : graph->input()) values.push_back(input.name());
  for (const auto& tensor : graph->initializer()) values.push_back(tensor.name());
  for (const auto& maker : graph->node())
    values.insert(values.end(), maker.output().begin(), maker.output().end());
  if (values.empty()) return;
  const std::string& value = values[static_cast<std::size_t>(below(values.size()))];
  switch (below(8)) {
    case 0:
      node->set_op_type(kOperators[below(std::size(kOperators))]);
      break;
    case 1:
      if (node->input_size() > 0) node->set_input(below(node->input_size()), value);
      break;
    case 2:
      node->add_input(value);
      break;
    case 3: {
      auto* const attribute = below(2) == 0 && node->attribute_size() > 0
                                  ? node->mutable_attribute(below(node->attribute_size()))
                                  : node->add_attribute();
      if (attribute->name().empty()) attribute->set_name(kAttributes[below(std::size(kAttributes))]);
      const bool is_list = attribute->ints_size() > 0 || (!attribute->has_i() && below(2) == 0);
      attribute->set_type(is_list ? onnx::AttributeProto::INTS : onnx::AttributeProto::INT);
      if (!is_list) attribute->set_i(number());
      if (is_list && (attribute->ints_size() == 0 || below(3) == 0)) attribute->add_ints(number());
      if (is_list) attribute->set_ints(below(attribute->ints_size()), number());
      break;
    }
    case 4:
      if (graph->initializer_size() > 0) {
        auto* const tensor = graph->mutable_initializer(below(graph->initializer_size()));
        if (tensor->dims_size() > 1 && below(2) == 0) tensor->mutable_dims()->SwapElements(0, 1);
        if (tensor->raw_data().size() > 0)
          (*tensor->mutable_raw_data())[static_cast<std::size_t>(below(tensor->raw_data().size()))] =
              static_cast<char>(number());
        if (tensor->int64_data_size() > 0) tensor->set_int64_data(below(tensor->int64_data_size()), number());
        if (tensor->int32_data_size() > 0)
          tensor->set_int32_data(below(tensor->int32_data_size()), below(256));
      }
      break;
    case 5:
      if (graph->input_size() > 0) {
        auto* const shape = graph->mutable_input(below(graph->input_size()))
                                ->mutable_type()
                                ->mutable_tensor_type()
                                ->mutable_shape();
        if (shape->dim_size() > 0) shape->mutable_dim(below(shape->dim_size()))->set_dim_value(number());
      }
      break;
    case 6: {
      onnx::NodeProto copy = *node;
      copy.set_name("");
      for (std::string& output : *copy.mutable_output()) output += "'";
      if (copy.input_size() > 0 && node->output_size() > 0) copy.set_input(0, node->output(0));
      *graph->add_node() = copy;
      break;
    }
    default: {
      auto* const output = graph->add_output();
      output->set_name(value);
      output->mutable_type()->mutable_tensor_type()->set_elem_type(1 + below(3));
    }
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                               unsigned seed) {
  std::minstd_rand random(seed);
  onnx::ModelProto model;
  if (random() % 8 == 0 || !model.ParseFromArray(data, static_cast<int>(size)))
    return LLVMFuzzerMutate(data, size, most);
  for (unsigned i = 0; i <= random() % 3; ++i) Change(&random, model.mutable_graph());
  const std::string changed = model.SerializeAsString();
  if (changed.size() > most) return size;
  std::copy(changed.begin(), changed.end(), data);
  return changed.size();
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const int fd = ::memfd_create("model.onnx", MFD_CLOEXEC);
  PADDOCK_CHECK(fd >= 0 && ::write(fd, data, size) == static_cast<ssize_t>(size), "memory can be written");
  auto network = paddock::ImportOnnx("/proc/self/fd/" + std::to_string(fd), "fuzz");
  ::close(fd);
  if (!network.ok()) {
    PADDOCK_CHECK(!network.status().message().empty(), "an error says what is wrong");
    PADDOCK_CHECK(network.status().code() != paddock::StatusCode::kInternal, "an error blames the model");
    return 0;
  }
  if (!paddock::PlanArena(&*network).ok() || !IsSmall(*network)) return 0;
  std::vector<paddock::ValueBytes> inputs;
  for (const std::uint32_t input : network->inputs) inputs.emplace_back(network->values[input].Bytes());
  const auto values = paddock::RunReference(*network, inputs);
  const auto outputs = paddock::RunReferenceInArena(*network, inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i)
    PADDOCK_CHECK(outputs[i] == values[network->outputs[i]], "places do not change what is computed");
  return 0;
}
