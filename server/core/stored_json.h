// What the JSON forms of this folder have in common. They are written and read by the coordinator only; reading is strict all
// the same, so a damaged store is noticed and named.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/strict_json.h"

namespace paddock {

inline constexpr ParseLimits kStoredLimits{.max_bytes = 64 << 20, .max_depth = 16, .max_nodes = 4'000'000};

// Text that came from outside may hold bytes that are not UTF-8; they are replaced rather than thrown over.
inline std::string DumpStored(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Empty text is no digest.
inline void ReadDigest(StrictObject& object, std::string_view key, Digest* out) {
  std::string hex;
  object.Required(key, &hex);
  if (hex.empty()) return;
  auto digest = Digest::Parse(hex);
  if (!digest.ok()) return object.Fail(digest.status().WithContext(object.PathOf(key)));
  *out = std::move(digest).value();
}

// A name that `parse` turns into a value.
template <typename T>
void ReadName(StrictObject& object, std::string_view key, Result<T> (*parse)(std::string_view), T* out) {
  std::string name;
  object.Required(key, &name);
  auto value = parse(name);
  if (!value.ok()) return object.Fail(value.status().WithContext(object.PathOf(key)));
  *out = std::move(value).value();
}

// `read` gets a StrictObject for the child, which must be there.
template <typename Read>
void ReadObject(StrictObject& parent, std::string_view key, Read read) {
  const Json* child = parent.Child(key);
  if (child == nullptr) return parent.Fail(InvalidArgumentError(parent.PathOf(key) + ": missing"));
  StrictObject object(*child, parent.PathOf(key));
  read(object);
  if (Status status = object.Finish(); !status.ok()) parent.Fail(std::move(status));
}

// `read` gets a StrictObject and the new element for each entry of the list, which must be there.
template <typename T, typename Read>
void ReadList(StrictObject& parent, std::string_view key, std::vector<T>* out, Read read) {
  const Json* list = parent.Child(key);
  if (list == nullptr || !list->is_array()) {
    return parent.Fail(InvalidArgumentError(parent.PathOf(key) + ": must be a list"));
  }
  out->clear();
  for (std::size_t i = 0; i < list->size(); ++i) {
    StrictObject object((*list)[i], parent.PathOf(key) + "[" + std::to_string(i) + "]");
    read(object, &out->emplace_back());
    if (Status status = object.Finish(); !status.ok()) return parent.Fail(std::move(status));
  }
}

}  // namespace paddock
