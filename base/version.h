// The version of Paddock that this was built from; CMakeLists.txt's project() is where it is set.
#pragma once

#include <string_view>

namespace paddock {

inline constexpr std::string_view kPaddockVersion = PADDOCK_VERSION;

}  // namespace paddock
