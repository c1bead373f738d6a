// One layer of a network as C. Internal to prepare/codegen/.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "prepare/codegen/network.h"

namespace paddock {

struct LayerText {
  std::set<std::string_view> kernels{};  // names of KernelSources()
  std::string constants{};               // definitions, each with an empty line behind it
  std::string statements{};              // of the function that runs the layer, indented
};
LayerText WriteLayer(const Network& network, std::size_t layer);

// "int8 32x32x3 -> 32x32x16, 442368 multiply-accumulates".
std::string LayerSizesText(const Network& network, const NetworkLayer& layer);

}  // namespace paddock
