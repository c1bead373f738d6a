#include "device_drivers/onnxruntime/onnxruntime_driver.h"

#include <string>
#include <utility>

#include "base/option_reader.h"
#include "device_drivers/api/host_machine.h"
#include "device_drivers/onnxruntime/ort_library.h"
#include "device_drivers/onnxruntime/ort_session.h"

namespace paddock {
namespace {

constexpr OptionDoc kOptions[] = {
    {"library", "path of libonnxruntime.so.1; default: $PADDOCK_ONNXRUNTIME, else the system's library"},
    {"threads", "threads of one inference, 1 to 1024; default 1"},
    {"graph_level", "graph optimisation: disabled, basic, extended or all; default all"},
    {"spinning", "idle threads wait busily: true or false; default false"},
    {"memory_arena", "keep freed memory for the next inference: true or false; default true"},
    {"execution_provider",
     "cpu, cuda, tensorrt, or another provider of the library by its name; default cpu"},
    {"provider.KEY", "option KEY of the execution provider; default none"},
};

std::string DeviceClass(const std::string& execution_provider) {
  if (execution_provider == "cpu") return "cpu";
  return execution_provider == "cuda" || execution_provider == "tensorrt" ? "gpu" : "accelerator";
}

class OnnxruntimeDriver final : public DeviceDriver {
 public:
  OnnxruntimeDriver(std::shared_ptr<const OrtLibrary> library, OrtSettings settings)
      : library_(std::move(library)), settings_(std::move(settings)) {
    const std::string architecture = HostArchitecture();
    description_.driver = "onnxruntime";
    description_.model = architecture + " " + HostProcessorName();
    description_.runtime = "onnxruntime " + library_->version();
    description_.labels = {
        {"arch", architecture}, {"class", DeviceClass(settings_.execution_provider)}, {"os", "linux"}};
    description_.artifact_kinds = {"onnx"};
  }

  const DeviceDescription& Describe() const override { return description_; }

  // The provider may have gone since the agent started: a GPU that fell off its bus.
  Status Probe(Deadline) override {
    const Status status = MakeSessionOptions(*library_, settings_).status();
    return status.ok() ? status : UnavailableError(status.message());
  }

  Result<std::unique_ptr<Session>> Open(const SessionRequest& request, Deadline) override {
    if (request.artifact_kind != "onnx") {
      return InvalidArgumentError("driver 'onnxruntime' runs artifacts of kind 'onnx', not '" +
                                  request.artifact_kind + "'");
    }
    return OpenOrtSession(library_, request.artifact_path, settings_.With(request.options));
  }

 private:
  const std::shared_ptr<const OrtLibrary> library_;
  const OrtSettings settings_;
  DeviceDescription description_;
};

}  // namespace

std::span<const OptionDoc> OnnxruntimeOptions() { return kOptions; }

Result<std::unique_ptr<DeviceDriver>> CreateOnnxruntimeDriver(const DriverOptions& options) {
  OptionReader reader("driver 'onnxruntime'", options);
  const std::string path = reader.Text("library", "");
  OrtSettings settings = ReadOrtSettings(reader);
  PADDOCK_RETURN_IF_ERROR(reader.Finish());
  PADDOCK_ASSIGN_OR_RETURN(std::shared_ptr<const OrtLibrary> library, OrtLibrary::Open(path));
  return std::unique_ptr<DeviceDriver>(
      std::make_unique<OnnxruntimeDriver>(std::move(library), std::move(settings)));
}

}  // namespace paddock
