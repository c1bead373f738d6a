// A stand-in for libnvidia-ml.so.1 with two GPUs: 0 has an energy counter, 1 has only a power reading. What it shows comes
// from the environment, so that a test can change it: FAKE_NVML_ENERGY_MJ, FAKE_NVML_POWER_MW, and FAKE_NVML_ERROR (a code
// that nvmlInit_v2 answers).
#include <cstdlib>
#include <cstring>

namespace {
constexpr int kNotSupported = 3;
int g_first = 0;
int g_second = 0;

unsigned long long FromEnvironment(const char* name) {
  const char* const text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : 0;
}
}  // namespace

extern "C" {
int nvmlInit_v2() { return static_cast<int>(FromEnvironment("FAKE_NVML_ERROR")); }
int nvmlShutdown() { return 0; }
const char* nvmlErrorString(int code) { return code == 9 ? "Driver Not Loaded" : "Not Supported"; }
int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = 2;
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  *device = index == 0 ? &g_first : &g_second;
  return 0;
}
int nvmlDeviceGetName(void*, char* name, unsigned size) {
  std::strncpy(name, "Fake A100", size);
  return 0;
}
int nvmlDeviceGetTotalEnergyConsumption(void* device, unsigned long long* millijoules) {
  if (device != &g_first) return kNotSupported;
  *millijoules = FromEnvironment("FAKE_NVML_ENERGY_MJ");
  return 0;
}
int nvmlDeviceGetPowerUsage(void*, unsigned* milliwatts) {
  *milliwatts = static_cast<unsigned>(FromEnvironment("FAKE_NVML_POWER_MW"));
  return 0;
}
}
