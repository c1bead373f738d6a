#include "tests/unit/codegen/runtime_comparison.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "base/file.h"
#include "prepare/codegen/import_onnx.h"
#include "prepare/codegen/plan_arena.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {

std::shared_ptr<const OrtLibrary> RuntimeOrSkip() {
  static const auto library = OrtLibrary::Open("");
  if (library.ok()) return *library;
  WARN("skipped: " << library.status().message());
  return nullptr;
}

std::string SharedFileOrSkip(const std::string& name) {
  const char* const shared = std::getenv("PADDOCK_SHARED");
  const std::string folder = shared == nullptr ? PADDOCK_SOURCE_DIR "/../shared" : shared;
  const std::string path = folder + "/data/mlperf-tiny/" + name;
  if (std::filesystem::exists(path)) return path;
  WARN("skipped: there is no " << path);
  return "";
}

Result<Network> Imported(const onnx::ModelProto& model) {
  const TempDir folder;
  const std::string path = folder / "model.onnx";
  PADDOCK_RETURN_IF_ERROR(WriteFileAtomically(path, model.SerializeAsString()));
  return ImportedFile(path);
}

Result<Network> ImportedFile(const std::string& path) {
  PADDOCK_ASSIGN_OR_RETURN(Network network, ImportOnnx(path, "test"));
  PADDOCK_RETURN_IF_ERROR(PlanArena(&network));
  return network;
}

std::vector<ValueBytes> RandomInputs(const Network& network, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<ValueBytes> inputs;
  for (const std::uint32_t input : network.inputs) {
    const NetworkValue& value = network.values[input];
    ValueBytes bytes;
    for (std::uint64_t i = 0; i < value.Elements(); ++i) {
      if (value.type != ElementType::kFloat32) {
        bytes.push_back(static_cast<std::byte>(random() & 0xff));
        continue;
      }
      const float number = static_cast<float>(random() % 512) / 64 - 4;
      const auto* const begin = reinterpret_cast<const std::byte*>(&number);
      bytes.insert(bytes.end(), begin, begin + sizeof(number));
    }
    inputs.push_back(std::move(bytes));
  }
  return inputs;
}

std::vector<float> Reals(const NetworkValue& value, const ValueBytes& bytes) {
  const TensorView view{value.type, value.shape, bytes};
  std::vector<float> reals;
  const Quantization by = value.quantization.value_or(Quantization{});
  for (std::size_t i = 0; i < value.Elements(); ++i)
    reals.push_back(
        static_cast<float>((ElementAsDouble(view, i) - static_cast<double>(by.zero_point)) * by.scale));
  return reals;
}

Runtime::Runtime(std::shared_ptr<const OrtLibrary> library, const onnx::ModelProto& model,
                 const Network& network)
    : network_(network), model_(model) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < network.outputs.size(); ++i) {
    auto* const output = model_.mutable_graph()->mutable_output(static_cast<int>(i));
    if (output->type().tensor_type().elem_type() != onnx::TensorProto::FLOAT) {
      *model_.mutable_graph()->add_node() =
          MakeNode("Cast", "", {output->name()}, {output->name() + "_as_float"});
      SetIntAttribute(&*model_.mutable_graph()->mutable_node()->rbegin(), "to", onnx::TensorProto::FLOAT);
      output->set_name(output->name() + "_as_float");
      output->mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
    }
    names.push_back(output->name());
  }
  auto runner = OrtRunner::Load(std::move(library), model_, GraphLevel::kDisabled, names);
  INFO(runner.status().ToString());
  REQUIRE(runner.ok());
  runner_ = std::make_unique<OrtRunner>(std::move(*runner));
}

std::vector<std::vector<float>> Runtime::Run(const std::vector<ValueBytes>& inputs) {
  std::vector<std::vector<float>> reals;  // of inputs that the model has as float
  std::vector<NamedTensorView> tensors;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const NetworkValue& value = network_.values[network_.inputs[i]];
    const auto& given = model_.graph().input(static_cast<int>(i));
    REQUIRE(given.name() == value.name);
    NamedTensorView tensor{value.name, {value.type, value.shape, inputs[i]}};
    if (given.type().tensor_type().elem_type() == onnx::TensorProto::FLOAT) {
      reals.push_back(Reals(value, inputs[i]));
      tensor.tensor.type = ElementType::kFloat32;
      tensor.tensor.bytes = std::as_bytes(std::span(reals.back()));
    }
    tensors.push_back(std::move(tensor));
  }
  const auto views = runner_->Run(tensors);
  INFO(views.status().ToString());
  REQUIRE(views.ok());
  std::vector<std::vector<float>> outputs;
  for (std::size_t i = 0; i < views->size(); ++i) {
    const std::string& name = model_.graph().output(static_cast<int>(i)).name();
    const NetworkValue& value = network_.values[network_.outputs[i]];
    outputs.emplace_back((*views)[i].values.begin(), (*views)[i].values.end());
    if (name == value.name) continue;
    for (float& number : outputs.back())
      number = static_cast<float>(
          (static_cast<double>(number) - static_cast<double>(value.quantization->zero_point)) *
          value.quantization->scale);
  }
  return outputs;
}

Difference Compare(const std::shared_ptr<const OrtLibrary>& library, const onnx::ModelProto& model,
                   const Network& network, int samples) {
  Runtime runtime(library, model, network);
  Difference worst;
  for (int sample = 0; sample < samples; ++sample) {
    const std::vector<ValueBytes> inputs = RandomInputs(network, static_cast<unsigned>(sample) + 1);
    const std::vector<ValueBytes> given = RunReferenceInArena(network, inputs);
    const std::vector<std::vector<float>> wanted = runtime.Run(inputs);
    for (std::size_t o = 0; o < given.size(); ++o) {
      const NetworkValue& value = network.values[network.outputs[o]];
      const std::vector<float> reals = Reals(value, given[o]);
      REQUIRE(reals.size() == wanted[o].size());
      float largest = 1e-6F;
      for (const float number : wanted[o]) largest = std::max(largest, std::abs(number));
      for (std::size_t i = 0; i < reals.size(); ++i) {
        const auto difference = static_cast<double>(std::abs(reals[i] - wanted[o][i]));
        if (value.type == ElementType::kFloat32) {
          worst.relative = std::max(worst.relative, difference / static_cast<double>(largest));
          continue;
        }
        const double steps = difference / value.quantization->scale;
        worst.steps = std::max(worst.steps, steps);
        worst.unequal += steps > 0.5 ? 1 : 0;
        ++worst.elements;
      }
    }
  }
  return worst;
}

Network CheckAgainstRuntime(const onnx::ModelProto& model, double tolerance) {
  auto network = Imported(model);
  INFO(network.status().ToString());
  REQUIRE(network.ok());
  const auto library = RuntimeOrSkip();
  if (library == nullptr) return *std::move(network);
  const Difference worst = Compare(library, model, *network, 3);
  CHECK(worst.steps < 1.01);
  CHECK(worst.unequal * 50 <= worst.elements);
  CHECK(worst.relative < tolerance);
  return *std::move(network);
}

}  // namespace paddock
