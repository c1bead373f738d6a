// Files of the source tree that are part of the program. See cmake/EmbedText.cmake.
#pragma once

#include <span>
#include <string_view>

namespace paddock {

struct EmbeddedText {
  std::string_view name;  // below its folder
  std::string_view text;
};

// prepare/codegen/kernels/*.h, by name.
std::span<const EmbeddedText> KernelSources();

}  // namespace paddock
