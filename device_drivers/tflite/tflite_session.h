// One model loaded by TensorFlow Lite. There is an interpreter for each set of input shapes that is bound, because resizing
// one would throw away what the others have prepared. Invoke() copies the query's inputs into it: the interpreter owns its
// tensors.
#pragma once

#include <memory>

#include "device_drivers/api/driver.h"
#include "device_drivers/tflite/tflite_settings.h"

namespace paddock {

// INVALID_ARGUMENT: TensorFlow Lite cannot load the model, or it is not what the request says. UNIMPLEMENTED: it has an
// operator that this build lacks, a tensor of an element type that Paddock does not have, or the delegate refuses it.
// RESOURCE_EXHAUSTED: memory. Otherwise as MakeDelegate(). A dimension is open where the request says so.
Result<std::unique_ptr<Session>> OpenTfliteSession(std::shared_ptr<const TfliteLibrary> library,
                                                   const SessionRequest& request,
                                                   const TfliteSettings& settings);

}  // namespace paddock
