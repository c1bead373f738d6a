// The floor of bench_latency: a loop over ONNX Runtime's C interface and nothing around it, with the options that the
// driver uses by default (one thread, all graph optimisations, no spinning) and outputs allocated beforehand.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/status.h"

namespace paddock::bench {

// Latencies of one measured window in nanoseconds, after a warm-up. `batch_path` is a tensor file whose rows are fed one at a
// time; inputs and outputs are `float32` or `int8` by the model, with the given shapes of one query.
struct BareTensor {
  std::string name;
  int ort_type = 1;
  std::vector<std::int64_t> shape;
};
struct BareRequest {
  std::string library_path;  // empty: PADDOCK_ONNXRUNTIME
  std::string model_path;
  std::string batch_path;
  BareTensor input;
  BareTensor output;
  double warmup_s = 0.2;
  double window_s = 1;
};
Result<std::vector<double>> RunBareLoop(const BareRequest& request);

}  // namespace paddock::bench
