// How TensorFlow Lite is told to run a model: every option of the driver with its value.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/option_reader.h"
#include "device_drivers/tflite/tflite_delegate.h"
#include "device_drivers/tflite/tflite_library.h"
#include "kpi/run_plan.h"

namespace paddock {

struct TfliteSettings {
  std::uint32_t threads = 1;
  std::string execution_provider;                       // "cpu", "xnnpack" or "external"
  std::string delegate;                                 // path of the plug-in; empty: the device has none
  std::shared_ptr<const DelegatePlugin> plugin;         // what is there
  std::map<std::string, std::string> delegate_options;  // of the plug-in

  // The variant's options over these. INVALID_ARGUMENT: a value out of its range, or options for a provider that has none.
  // UNIMPLEMENTED: an option or provider that this runtime or device does not have.
  Result<TfliteSettings> With(const RuntimeOptions& options) const;
  // For the record; the keys are those of the driver's options.
  std::map<std::string, std::string> AsText() const;
};

// Leaves mistakes in the reader.
TfliteSettings ReadTfliteSettings(OptionReader& reader);

// Opens the plug-in; FAILED_PRECONDITION when it cannot be. Where the options name no execution provider, it is the plug-in
// if there is one, else "cpu". INVALID_ARGUMENT: a plug-in is wanted, but not named.
Status CompleteTfliteSettings(TfliteSettings* settings);

// What takes nodes over from the library's own kernels; null for "cpu".
Result<DelegateHandle> MakeDelegate(const TfliteLibrary& library, const TfliteSettings& settings);

}  // namespace paddock
