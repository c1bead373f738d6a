// The golden model and its samples (deploy/golden), compiled in.
#pragma once

#include <string_view>

namespace paddock {

struct GoldenFiles {
  std::string_view model;    // golden.onnx
  std::string_view samples;  // golden.npz
};
GoldenFiles EmbeddedGoldenFiles();

}  // namespace paddock
