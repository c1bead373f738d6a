#include "device_drivers/host-c/host_c_driver.h"

#include <chrono>
#include <cstring>
#include <utility>

#include "base/file.h"
#include "base/option_reader.h"
#include "device_drivers/api/host_machine.h"
#include "device_drivers/api/input_check.h"
#include "device_drivers/host-c/network_library.h"

namespace paddock {
namespace {

// When each layer began, of the run under way; the hook of generated code has no argument for it.
thread_local std::vector<std::chrono::steady_clock::time_point>* layer_starts = nullptr;

void NoteLayer(std::uint32_t) { layer_starts->push_back(std::chrono::steady_clock::now()); }

class HostCSession final : public Session {
 public:
  HostCSession(std::unique_ptr<NetworkLibrary> library, NetworkFacts facts)
      : library_(std::move(library)), facts_(std::move(facts)) {}

  // That the object is what the facts say, so that no copy leaves its tensors.
  Status Check(const SessionRequest& request) const {
    PADDOCK_RETURN_IF_ERROR(CheckTensors(request.inputs, facts_.inputs, library_->inputs(), "input"));
    PADDOCK_RETURN_IF_ERROR(CheckTensors(request.outputs, facts_.outputs, library_->outputs(), "output"));
    if (library_->layer_count() == facts_.layers.size()) return OkStatus();
    return InvalidArgumentError("the compiled network has " + std::to_string(library_->layer_count()) +
                                " layers and its facts " + std::to_string(facts_.layers.size()) +
                                "; submit the job again");
  }

  const std::vector<TensorInfo>& Inputs() const override { return facts_.inputs; }
  const std::vector<TensorInfo>& Outputs() const override { return facts_.outputs; }
  std::map<std::string, std::string> EffectiveOptions() const override { return {{"threads", "1"}}; }
  const NetworkFacts* Facts() const override { return &facts_; }

  Result<std::uint32_t> Bind(std::span<const TensorView> inputs) override {
    PADDOCK_RETURN_IF_ERROR(CheckInputs(facts_.inputs, inputs));
    std::vector<std::span<const std::byte>>& query = queries_.emplace_back();
    for (const TensorView& input : inputs) query.push_back(input.bytes);
    return static_cast<std::uint32_t>(queries_.size() - 1);
  }

  Status Invoke(std::uint32_t query) override {
    if (query >= queries_.size())
      return InvalidArgumentError("no query " + std::to_string(query) + " is bound");
    CopyInputs(query);
    library_->Run();
    has_run_ = true;
    return OkStatus();
  }

  Result<std::vector<TensorView>> ReadOutputs() override {
    if (!has_run_) return FailedPreconditionError("no query has run successfully, so there are no outputs");
    std::vector<TensorView> views;
    for (std::size_t i = 0; i < facts_.outputs.size(); ++i) {
      const GeneratedTensor& output = library_->outputs()[i];
      views.push_back({facts_.outputs[i].type,
                       facts_.outputs[i].shape,
                       {static_cast<const std::byte*>(output.data), output.bytes}});
    }
    return views;
  }

  Result<LayerCounts> CountLayers() override {
    if (queries_.empty()) return LayerCounts();
    std::vector<std::chrono::steady_clock::time_point> starts;
    starts.reserve(facts_.layers.size() + 1);
    layer_starts = &starts;
    CopyInputs(0);
    library_->RunWithHook(NoteLayer);
    layer_starts = nullptr;
    if (starts.size() != facts_.layers.size() + 1) return InternalError("the network's hook missed a layer");
    LayerCounts layers{"ns", {}};
    for (std::size_t i = 0; i + 1 < starts.size(); ++i)
      layers.counts.push_back(static_cast<std::uint64_t>((starts[i + 1] - starts[i]).count()));
    return layers;
  }

 private:
  static Status CheckTensors(const std::vector<TensorInfo>& stated, const std::vector<TensorInfo>& facts,
                             std::span<const GeneratedTensor> generated, const std::string& what) {
    bool same = facts.size() == generated.size() && (stated.empty() || stated == facts);
    for (std::size_t i = 0; same && i < facts.size(); ++i) {
      const auto count = ElementCount(facts[i].shape);
      same = count && *count * ElementSize(facts[i].type) == generated[i].bytes;
    }
    if (same) return OkStatus();
    return InvalidArgumentError("the compiled network has not the " + what +
                                "s that the job was prepared for; submit the job again");
  }

  void CopyInputs(std::uint32_t query) {
    for (std::size_t i = 0; i < facts_.inputs.size(); ++i)
      std::memcpy(library_->inputs()[i].data, queries_[query][i].data(), queries_[query][i].size());
  }

  const std::unique_ptr<NetworkLibrary> library_;
  const NetworkFacts facts_;
  std::vector<std::vector<std::span<const std::byte>>> queries_;
  bool has_run_ = false;
};

class HostCDriver final : public DeviceDriver {
 public:
  HostCDriver() {
    const std::string architecture = HostArchitecture();
    description_.driver = "host-c";
    description_.model = architecture + " " + HostProcessorName();
    description_.runtime = "generated C";
    description_.labels = {{"arch", architecture}, {"class", "cpu"}, {"os", "linux"}};
    description_.artifact_kinds = {"so+" + architecture};
    description_.last_steps = {{"onnx", {"host-c"}}, {"tflite", {"to-onnx", "host-c"}}};
    description_.limits.samples_per_query = 1;
  }

  const DeviceDescription& Describe() const override { return description_; }
  Status Probe(Deadline) override { return OkStatus(); }

  Result<std::unique_ptr<Session>> Open(const SessionRequest& request, Deadline) override {
    if (request.artifact_kind != description_.artifact_kinds.front()) {
      return InvalidArgumentError("driver 'host-c' runs artifacts of kind '" +
                                  description_.artifact_kinds.front() + "', not '" + request.artifact_kind +
                                  "'");
    }
    if (!OptionsAsText(request.options).empty()) {
      return UnimplementedError("driver 'host-c' has no runtime option '" +
                                OptionsAsText(request.options).begin()->first +
                                "'; remove it from the variant");
    }
    PADDOCK_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(request.artifact_path));
    PADDOCK_ASSIGN_OR_RETURN(NetworkFacts facts, ReadNetworkFacts(file.bytes()));
    PADDOCK_ASSIGN_OR_RETURN(auto library, NetworkLibrary::Open(request.artifact_path));
    auto session = std::make_unique<HostCSession>(std::move(library), std::move(facts));
    PADDOCK_RETURN_IF_ERROR(session->Check(request));
    return std::unique_ptr<Session>(std::move(session));
  }

 private:
  DeviceDescription description_;
};

}  // namespace

std::span<const OptionDoc> HostCOptions() { return {}; }

Result<std::unique_ptr<DeviceDriver>> CreateHostCDriver(const DriverOptions& options) {
  OptionReader reader("driver 'host-c'", options);
  PADDOCK_RETURN_IF_ERROR(reader.Finish());
  return std::unique_ptr<DeviceDriver>(std::make_unique<HostCDriver>());
}

}  // namespace paddock
