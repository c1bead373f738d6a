// Quantising and converting models, as the coordinator does it for a variant that is prepared for the first time.
#include <onnx/onnx_pb.h>

#include <chrono>
#include <filesystem>
#include <random>

#include "base/file.h"
#include "device_drivers/onnxruntime/ort_library.h"
#include "kpi/tensor_file.h"
#include "prepare/calibration.h"
#include "prepare/passes/calibration_set.h"
#include "prepare/passes/ort_runner.h"
#include "prepare/steps.h"
#include "tests/bench/report.h"
#include "tests/fakes/temp_dir.h"

namespace paddock::bench {
namespace {

constexpr int kRounds = 5;
constexpr std::uint64_t kCalibrationSamples = 256;

// A depthwise-separable network of the size of MLPerf Tiny's for keywords: 49 x 10 features, 64 channels, 12 classes, random
// weights.
class KeywordNetwork {
 public:
  onnx::ModelProto Build() {
    model_.set_ir_version(8);
    model_.add_opset_import()->set_version(13);
    graph_->set_name("keywords");
    Declare(graph_->add_input(), "in", {1, 1, 49, 10});
    Declare(graph_->add_output(), "out", {1, 12});
    std::string x = Convolution("in", 1, 64, {10, 4}, 1, 2, {4, 1, 5, 1});
    for (int block = 0; block < 4; ++block) {
      x = Convolution(x, 64, 64, {3, 3}, 64, 1, {1, 1, 1, 1});
      x = Convolution(x, 64, 64, {1, 1}, 1, 1, {0, 0, 0, 0});
    }
    Node("GlobalAveragePool", {x}, "pooled");
    auto* axis = Node("Flatten", {"pooled"}, "flat")->add_attribute();
    axis->set_name("axis");
    axis->set_type(onnx::AttributeProto::INT);
    axis->set_i(1);
    Node("Gemm", {"flat", Weights({64, 12}), Weights({12})}, "out");
    return model_;
  }

 private:
  static void Declare(onnx::ValueInfoProto* value, const std::string& name, const Shape& shape) {
    value->set_name(name);
    auto* type = value->mutable_type()->mutable_tensor_type();
    type->set_elem_type(onnx::TensorProto::FLOAT);
    for (const std::int64_t size : shape) type->mutable_shape()->add_dim()->set_dim_value(size);
  }
  onnx::NodeProto* Node(const std::string& type, const std::vector<std::string>& inputs,
                        const std::string& output) {
    auto* node = graph_->add_node();
    node->set_op_type(type);
    for (const std::string& input : inputs) node->add_input(input);
    node->add_output(output);
    return node;
  }
  static void Set(onnx::NodeProto* node, const std::string& name, const std::vector<std::int64_t>& values) {
    auto* attribute = node->add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t value : values) attribute->add_ints(value);
  }
  std::string Weights(const Shape& shape) {
    auto* tensor = graph_->add_initializer();
    tensor->set_name("w" + std::to_string(graph_->initializer_size()));
    tensor->set_data_type(onnx::TensorProto::FLOAT);
    std::int64_t count = 1;
    for (const std::int64_t size : shape) {
      tensor->add_dims(size);
      count *= size;
    }
    std::uniform_real_distribution<float> uniform(-0.3F, 0.3F);
    for (std::int64_t i = 0; i < count; ++i) tensor->add_float_data(uniform(random_));
    return tensor->name();
  }
  std::string Convolution(const std::string& x, std::int64_t channels, std::int64_t outputs,
                          const std::vector<std::int64_t>& kernel, std::int64_t groups, std::int64_t stride,
                          const std::vector<std::int64_t>& pads) {
    const std::string name = "c" + std::to_string(graph_->node_size());
    auto* node = Node(
        "Conv", {x, Weights({outputs, channels / groups, kernel[0], kernel[1]}), Weights({outputs})}, name);
    Set(node, "kernel_shape", kernel);
    Set(node, "strides", {stride, stride});
    Set(node, "pads", pads);
    auto* group = node->add_attribute();
    group->set_name("group");
    group->set_type(onnx::AttributeProto::INT);
    group->set_i(groups);
    Node("Relu", {name}, name + "r");
    return name + "r";
  }

  onnx::ModelProto model_;
  onnx::GraphProto* graph_ = model_.mutable_graph();
  std::mt19937 random_{7};
};

double Seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

class StepBench {
 public:
  explicit StepBench(const StepTools& tools) : tools_(tools) {}

  // The step and its floor in turns.
  void Row(Table& table, const std::string& what, const std::string& step, const std::string& model,
           const std::string& calibration, const std::string& goal, double unit,
           const std::function<void()>& floor) const {
    std::vector<double> measured;
    std::vector<double> floors;
    const std::string out = folder_ / "out";
    for (int i = 0; i < kRounds; ++i) {
      std::filesystem::remove(out);
      measured.push_back(unit * Seconds([&] {
                           Must(RunStep(step, {.in_path = model,
                                               .out_path = out,
                                               .calibration_path = calibration,
                                               .encodings_path = "",
                                               .options = {},
                                               .tools = tools_}));
                         }));
      floors.push_back(unit * Seconds(floor));
    }
    const Spread spread = SpreadOf(measured);
    const int digits = unit == 1 ? 2 : 1;
    table.Row(what, Number(spread.median, digits), goal, Number(SpreadOf(floors).median, digits),
              Range(spread, digits));
  }

  const TempDir& folder() const { return folder_; }

 private:
  const StepTools& tools_;
  TempDir folder_;
};

void QuantiseRow(Table& table, const StepBench& bench, const std::shared_ptr<const OrtLibrary>& library,
                 const std::string& what, const std::string& model, const std::string& goal) {
  const std::string calibration = bench.folder() / "calibration";
  const ModelInfo info = Must(ReadModelInfo(model));
  Must(WriteRandomCalibration(info, kCalibrationSamples, 1, calibration));
  const CalibrationSet samples = Must(CalibrationSet::Load(calibration, info));
  onnx::ModelProto proto;
  if (!proto.ParseFromString(Must(ReadFile(model)))) GiveUp(model + " cannot be parsed");
  bench.Row(table, what, "int8", model, calibration, goal, 1, [&] {
    OrtRunner runner =
        Must(OrtRunner::Load(library, proto, GraphLevel::kExtended, {info.outputs.front().name}));
    for (std::size_t i = 0; i < samples.batches(); ++i) Must(runner.Run(samples.Batch(i)));
  });
}

void ConvertRow(Table& table, const StepBench& bench, const std::string& model) {
  const bool is_onnx = model.ends_with(".onnx");
  const std::string copy = bench.folder() / "copy";
  bench.Row(table, std::filesystem::path(model).filename().string() + (is_onnx ? ", to-tflite" : ", to-onnx"),
            is_onnx ? "to-tflite" : "to-onnx", model, "", "<= 200", 1000, [&] {
              Must(ReadModelInfo(model));
              Must(WriteFileAtomically(copy, Must(ReadFile(model))));
            });
}

void RunPrepareBench() {
  const auto tools = FindStepTools("");
  if (!tools.ok()) {
    Note("not measured: " + tools.status().message());
    return;
  }
  const auto library = Must(OrtLibrary::Open(tools->onnxruntime_library_path));
  const StepBench bench(*tools);
  const std::string keywords = bench.folder() / "keywords.onnx";
  Must(WriteFileAtomically(keywords, KeywordNetwork().Build().SerializeAsString()));
  const char* shared = std::getenv("PADDOCK_SHARED");
  const std::string public_models =
      shared == nullptr || *shared == '\0' ? "" : std::string(shared) + "/data/mlperf-tiny";

  Table quantising("Step int8 with " + std::to_string(kCalibrationSamples) + " calibration samples, " +
                   std::to_string(kRounds) + " rounds; floor: the samples once through the float model, s");
  QuantiseRow(quantising, bench, library, "keyword-size network", keywords, "<= 1.5");
  if (public_models.empty()) {
    Note("PADDOCK_SHARED does not name the folder of public models: those are not measured");
    return;
  }
  QuantiseRow(quantising, bench, library, "ResNet-8", public_models + "/ic_resnet8_fp32.onnx", "<= 4");
  QuantiseRow(quantising, bench, library, "MobileNet", public_models + "/vww_mobilenet_fp32.onnx", "");

  std::vector<std::string> models;
  for (const auto& entry : std::filesystem::directory_iterator(public_models)) {
    const std::string extension = entry.path().extension();
    if (extension == ".onnx" || extension == ".tflite") models.push_back(entry.path());
  }
  std::sort(models.begin(), models.end());
  Table converting("Conversion, " + std::to_string(kRounds) +
                   " rounds; floor: the model read, checked and written as it is, ms");
  for (const std::string& model : models) ConvertRow(converting, bench, model);
}

}  // namespace
}  // namespace paddock::bench

int main() { paddock::bench::RunPrepareBench(); }
