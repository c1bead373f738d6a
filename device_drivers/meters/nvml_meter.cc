#include "device_drivers/meters/nvml_meter.h"

#include <dlfcn.h>

#include <string>
#include <utility>

#include "base/option_reader.h"

namespace paddock {
namespace {

// The part of NVML's C interface that is used; its numbers are fixed by NVIDIA's promise of compatibility.
extern "C" {
using NvmlDevice = struct NvmlDeviceTag*;
using NvmlInit = int (*)();
using NvmlShutdown = int (*)();
using NvmlErrorString = const char* (*)(int);
using NvmlGetCount = int (*)(unsigned*);
using NvmlGetHandle = int (*)(unsigned, NvmlDevice*);
using NvmlGetName = int (*)(NvmlDevice, char*, unsigned);
using NvmlGetEnergy = int (*)(NvmlDevice, unsigned long long*);  // millijoules since the driver was loaded
using NvmlGetPower = int (*)(NvmlDevice, unsigned*);             // milliwatts
}
constexpr int kNvmlSuccess = 0;

// The counter of recent boards moves about ten times a second.
constexpr std::int64_t kCounterRefreshNs = 100'000'000;

class NvmlLibrary {
 public:
  static Result<std::unique_ptr<NvmlLibrary>> Open(const std::string& path) {
    void* const handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle == nullptr) {
      const char* const why = ::dlerror();
      return NotFoundError("NVML: " + std::string(why ? why : path) + "; it comes with NVIDIA's driver");
    }
    auto library = std::unique_ptr<NvmlLibrary>(new NvmlLibrary);
    PADDOCK_RETURN_IF_ERROR(library->Bind(handle, path));
    ::dlclose(handle);
    const int code = library->init_();
    if (code != kNvmlSuccess) return UnavailableError("NVML does not start: " + library->Text(code));
    library->started_ = true;
    return library;
  }
  ~NvmlLibrary() {
    if (started_) shutdown_();
  }

  Status Check(int code, const std::string& what) const {
    return code == kNvmlSuccess ? OkStatus() : UnavailableError("NVML: " + what + ": " + Text(code));
  }

  NvmlGetCount get_count = nullptr;
  NvmlGetHandle get_handle = nullptr;
  NvmlGetName get_name = nullptr;
  NvmlGetEnergy get_energy = nullptr;
  NvmlGetPower get_power = nullptr;

 private:
  NvmlLibrary() = default;
  std::string Text(int code) const {
    const char* const text = error_string_(code);
    return text ? text : "error " + std::to_string(code);
  }
  template <typename Function>
  static Status Symbol(void* handle, const std::string& path, const char* name, Function* function) {
    *function = reinterpret_cast<Function>(::dlsym(handle, name));
    return *function ? OkStatus() : UnavailableError("NVML: " + path + " has no " + name);
  }
  Status Bind(void* handle, const std::string& path) {
    PADDOCK_RETURN_IF_ERROR(Symbol(handle, path, "nvmlInit_v2", &init_));
    PADDOCK_RETURN_IF_ERROR(Symbol(handle, path, "nvmlShutdown", &shutdown_));
    PADDOCK_RETURN_IF_ERROR(Symbol(handle, path, "nvmlErrorString", &error_string_));
    PADDOCK_RETURN_IF_ERROR(Symbol(handle, path, "nvmlDeviceGetCount_v2", &get_count));
    PADDOCK_RETURN_IF_ERROR(Symbol(handle, path, "nvmlDeviceGetHandleByIndex_v2", &get_handle));
    PADDOCK_RETURN_IF_ERROR(Symbol(handle, path, "nvmlDeviceGetName", &get_name));
    PADDOCK_RETURN_IF_ERROR(Symbol(handle, path, "nvmlDeviceGetTotalEnergyConsumption", &get_energy));
    return Symbol(handle, path, "nvmlDeviceGetPowerUsage", &get_power);
  }

  NvmlInit init_ = nullptr;
  NvmlShutdown shutdown_ = nullptr;
  NvmlErrorString error_string_ = nullptr;
  bool started_ = false;
};

class NvmlReader final : public MeterReader {
 public:
  NvmlReader(std::unique_ptr<NvmlLibrary> library, NvmlDevice device, bool counter)
      : library_(std::move(library)), device_(device), counter_(counter) {}
  Status Open() override { return OkStatus(); }
  Result<std::int64_t> Read() override {
    if (counter_) {
      unsigned long long millijoules = 0;
      PADDOCK_RETURN_IF_ERROR(library_->Check(library_->get_energy(device_, &millijoules), "total energy"));
      return static_cast<std::int64_t>(millijoules) * 1000;
    }
    unsigned milliwatts = 0;
    PADDOCK_RETURN_IF_ERROR(library_->Check(library_->get_power(device_, &milliwatts), "power"));
    return static_cast<std::int64_t>(milliwatts) * 1000;
  }

 private:
  const std::unique_ptr<NvmlLibrary> library_;
  const NvmlDevice device_;
  const bool counter_;
};

}  // namespace

std::span<const OptionDoc> NvmlOptions() {
  static constexpr OptionDoc kOptions[] = {
      {"gpu", "which GPU, counted from 0 (default 0)"},
      {"library", "NVML's library (default libnvidia-ml.so.1)"},
      {"period_ms", "time between readings (default 50)"},
  };
  return kOptions;
}

Result<std::unique_ptr<PowerMeter>> CreateNvmlMeter(const DriverOptions& options, const std::string& root) {
  if (root.empty()) return CreateNvmlMeterOf(options, MeterSeams());
  DriverOptions below = options;
  below.emplace("library", root + "/usr/lib/libnvidia-ml.so.1");
  return CreateNvmlMeterOf(below, MeterSeams());
}

Result<std::unique_ptr<PowerMeter>> CreateNvmlMeterOf(const DriverOptions& options, const MeterSeams& seams) {
  OptionReader read("meter 'nvml'", options);
  const auto index = static_cast<unsigned>(read.Unsigned("gpu", 0, 0, 1023));
  const std::string path = read.Text("library", "libnvidia-ml.so.1");
  const auto period_ms = static_cast<std::int64_t>(read.Unsigned("period_ms", 50, 1, 10'000));
  PADDOCK_RETURN_IF_ERROR(read.Finish());

  PADDOCK_ASSIGN_OR_RETURN(std::unique_ptr<NvmlLibrary> library, NvmlLibrary::Open(path));
  unsigned count = 0;
  PADDOCK_RETURN_IF_ERROR(library->Check(library->get_count(&count), "number of GPUs"));
  if (index >= count) {
    return NotFoundError("NVML: there is no GPU " + std::to_string(index) + ", there are " +
                         std::to_string(count));
  }
  NvmlDevice device = nullptr;
  PADDOCK_RETURN_IF_ERROR(
      library->Check(library->get_handle(index, &device), "GPU " + std::to_string(index)));
  char name[96] = "";
  if (library->get_name(device, name, sizeof name) != kNvmlSuccess) name[0] = '\0';

  MeterDescription meter;
  meter.source = "nvml";
  meter.boundary = "gpu-board";
  meter.rails = {"gpu" + std::to_string(index) + (name[0] ? " " + std::string(name) : "")};
  meter.period_ns = period_ms * 1'000'000;
  unsigned long long millijoules = 0;
  const bool counter = library->get_energy(device, &millijoules) == kNvmlSuccess;
  if (counter) {
    meter.kind = MeterKind::kCounter;
    meter.averaging_ns = kCounterRefreshNs;
  }
  meter.lsb = 1e-3;
  auto reader = std::make_unique<NvmlReader>(std::move(library), device, counter);
  PADDOCK_RETURN_IF_ERROR(reader->Read().status());
  // An idle GPU's power may stand still while the processor works, its energy may not.
  return std::unique_ptr<PowerMeter>(
      std::make_unique<PolledMeter>(std::move(meter), std::move(reader), seams, counter));
}

}  // namespace paddock
