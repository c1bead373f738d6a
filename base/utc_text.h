// A wall time as people read it, in UTC.
#pragma once

#include <cstdint>
#include <string>

namespace paddock {

inline constexpr const char* kUtcDay = "%Y-%m-%d";
inline constexpr const char* kUtcSecond = "%Y-%m-%d %H:%M:%S UTC";
inline constexpr const char* kUtcIso = "%Y-%m-%dT%H:%M:%SZ";

// `format` is strftime's; the text has at most 63 characters.
std::string UtcText(std::int64_t wall_ms, const char* format);

}  // namespace paddock
