#include "device_drivers/tflite/tflite_driver.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/option_reader.h"
#include "device_drivers/api/host_machine.h"
#include "device_drivers/tflite/tflite_library.h"
#include "device_drivers/tflite/tflite_session.h"

namespace paddock {
namespace {

constexpr OptionDoc kTfliteOptions[] = {
    {"library", "path of libtensorflowlite_c.so; default: $PADDOCK_TFLITE, else the system's library"},
    {"threads", "threads of one inference, 1 to 1024; default 1"},
    {"execution_provider",
     "cpu (the library's own kernels), xnnpack or external (the delegate plug-in); default: external with a "
     "plug-in, else cpu"},
    {"delegate", "path of a delegate plug-in, such as libedgetpu.so.1; default none"},
    {"delegate.KEY", "option KEY of the delegate plug-in; default none"},
    {"takes",
     "what the plug-in runs and the library alone does not: edgetpu for models of the kind tflite+edgetpu; "
     "default none"},
};

class TfliteDriver final : public DeviceDriver {
 public:
  TfliteDriver(std::shared_ptr<const TfliteLibrary> library, TfliteSettings settings,
               const std::string& takes)
      : library_(std::move(library)), settings_(std::move(settings)) {
    const std::string architecture = HostArchitecture();
    const bool accelerated = settings_.execution_provider == "external";
    description_.driver = "tflite";
    description_.model = architecture + " " + HostProcessorName();
    description_.runtime = "tflite " + library_->Version();
    description_.labels = {
        {"arch", architecture}, {"class", accelerated ? "accelerator" : "cpu"}, {"os", "linux"}};
    description_.artifact_kinds = {"tflite"};
    if (!takes.empty()) description_.artifact_kinds.push_back("tflite+" + takes);
  }

  const DeviceDescription& Describe() const override { return description_; }

  // The plug-in's device may have gone since the agent started.
  Status Probe(Deadline) override {
    const Status status = MakeDelegate(*library_, settings_).status();
    return status.ok() ? status : UnavailableError(status.message());
  }

  Result<std::unique_ptr<Session>> Open(const SessionRequest& request, Deadline) override {
    const auto& kinds = description_.artifact_kinds;
    if (std::find(kinds.begin(), kinds.end(), request.artifact_kind) == kinds.end()) {
      return InvalidArgumentError("driver 'tflite' runs artifacts of kind '" + kinds.back() + "', not '" +
                                  request.artifact_kind + "'");
    }
    PADDOCK_ASSIGN_OR_RETURN(const TfliteSettings settings, settings_.With(request.options));
    auto session = OpenTfliteSession(library_, request, settings);
    // With the device's own options the plug-in starts, as Probe() has seen.
    const bool options_at_fault = session.status().code() == StatusCode::kUnavailable &&
                                  settings.delegate_options != settings_.delegate_options;
    if (options_at_fault) return InvalidArgumentError(session.status().message());
    return session;
  }

 private:
  const std::shared_ptr<const TfliteLibrary> library_;
  const TfliteSettings settings_;
  DeviceDescription description_;
};

}  // namespace

std::span<const OptionDoc> TfliteOptions() { return kTfliteOptions; }

Result<std::unique_ptr<DeviceDriver>> CreateTfliteDriver(const DriverOptions& options) {
  OptionReader reader("driver 'tflite'", options);
  const std::string path = reader.Text("library", "");
  const std::string takes = reader.Text("takes", "");
  TfliteSettings settings = ReadTfliteSettings(reader);
  PADDOCK_RETURN_IF_ERROR(reader.Finish());
  PADDOCK_ASSIGN_OR_RETURN(std::shared_ptr<const TfliteLibrary> library, TfliteLibrary::Open(path));
  PADDOCK_RETURN_IF_ERROR(CompleteTfliteSettings(&settings));
  return std::unique_ptr<DeviceDriver>(
      std::make_unique<TfliteDriver>(std::move(library), std::move(settings), takes));
}

}  // namespace paddock
