// How ONNX Runtime is told to run a model: every option of the driver with its value, and the session options
// made from it.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/option_reader.h"
#include "device_drivers/onnxruntime/ort_library.h"
#include "kpi/run_plan.h"

namespace paddock {

struct OrtSettings {
  std::uint32_t threads = 1;
  std::string graph_level = "all";
  bool spinning = false;  // idle threads wait busily: a little faster, many times the energy
  bool memory_arena = true;
  std::string execution_provider = "cpu";
  std::map<std::string, std::string> provider_options;

  // The variant's options over these. Another provider than the device's starts without the device's provider
  // options.
  OrtSettings With(const RuntimeOptions& options) const;
  // For the record; the keys are those of the driver's options.
  std::map<std::string, std::string> AsText() const;
};

OrtSettings ReadOrtSettings(OptionReader& reader);

// INVALID_ARGUMENT: a value out of its range. UNIMPLEMENTED: this build of ONNX Runtime
// does not have the provider, cannot start it here, or the provider refuses its options; the text says which.
Result<OrtOptionsHandle> MakeSessionOptions(const OrtLibrary& library, const OrtSettings& settings);

}  // namespace paddock
