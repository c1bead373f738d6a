// The name of our JSON type, for headers that only hand it on. What looks into a value includes base/strict_json.h: its
// headers cost a source 1.5 s of compiling.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace paddock {

using Json = nlohmann::json;
class StrictObject;

}  // namespace paddock
