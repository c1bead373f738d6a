// Where in the bytes of an ONNX model its constants lie, for what packs them. Internal to prepare/.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/packed_file.h"

namespace paddock {

// Initializers and constants of nodes with at least `min_bytes`; of subgraphs none. What cannot be read ends the list: it is
// about size, not about truth.
std::vector<WordRange> OnnxArrays(std::string_view bytes, std::uint64_t min_bytes);

}  // namespace paddock
