#include "prepare/codegen/kernel_choice.h"

namespace paddock {

bool IsDepthwise(const NetworkLayer& layer) {
  return layer.kind == LayerKind::kConvolution && layer.groups > 1 &&
         layer.input_size.channels == layer.groups && layer.output_size.channels == layer.groups;
}

bool IsDepthwise3x3(const NetworkLayer& layer) {
  return IsDepthwise(layer) && layer.groups % 4 == 0 && layer.kernel == Pair{3, 3} &&
         layer.dilation == Pair{1, 1} && (layer.stride == Pair{1, 1} || layer.stride == Pair{2, 2}) &&
         layer.padding[0] < 3 && layer.padding[1] < 3;
}

bool IsPointwise(const NetworkLayer& layer) {
  return layer.kernel == Pair{1, 1} && layer.stride == Pair{1, 1} &&
         layer.padding == std::array<std::int32_t, 4>{};
}

}  // namespace paddock
