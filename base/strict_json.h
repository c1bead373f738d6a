// Reading JSON and YAML that a person or another machine wrote: strictly. Unknown keys, wrong types and values out of
// range are errors that name the path ("scenario.min_duration_s") and, for a mistyped key, the nearest known one.
//
//   StrictObject root(json, "");
//   root.Required("id", &config.id);
//   root.Optional("server", &config.server);
//   PADDOCK_RETURN_IF_ERROR(root.Finish());   // the first error, or a key that nobody asked for
//
// One thread at a time. A StrictObject refers to the json it was made from and must not outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/status.h"

namespace paddock {

struct ParseLimits {
  std::size_t max_bytes = 1 << 20;
  int max_depth = 32;
  std::size_t max_nodes = 100'000;
};

// Both refuse input over the limits, duplicate keys, and bytes that are not UTF-8; `source` is named in errors with line and
// column where known. YAML: one document; anchors, aliases, tags and merge keys are refused. Plain scalars become null,
// bool, integer or double by the YAML 1.2 core schema, quoted ones stay strings. kText: plain ones stay strings too, for files
// whose authors write 000683759358 or 12E45 and mean a name; null stays null.
enum class YamlScalars { kCoreSchema, kText };
Result<Json> ParseJson(std::string_view text, std::string_view source, const ParseLimits& limits = {});
Result<Json> ParseYaml(std::string_view text, std::string_view source, const ParseLimits& limits = {},
                       YamlScalars scalars = YamlScalars::kCoreSchema);

// The candidate nearest to `word` by edit distance, when near enough to be what was meant.
std::optional<std::string> Nearest(std::string_view word, const std::vector<std::string>& candidates);

class StrictObject {
 public:
  // `json` that is not an object is an error that Finish() reports.
  StrictObject(const Json& json, std::string path);

  bool Has(std::string_view key) const;
  // Missing: an error. Present: as Optional().
  template <typename T>
  void Required(std::string_view key, T* out) {
    if (const Json* value = Take(key, true)) Convert(*value, PathOf(key), out);
  }
  // Missing or null: *out is unchanged. T is bool, an integer, double, std::string, std::optional<T>, std::vector<T>,
  // or std::map<std::string, T>. Integers out of T's range are errors.
  template <typename T>
  void Optional(std::string_view key, T* out) {
    if (const Json* value = Take(key, false)) Convert(*value, PathOf(key), out);
  }
  // The raw value for a nested object or list; null when missing. The key counts as known.
  const Json* Child(std::string_view key);
  std::string PathOf(std::string_view key) const;
  void Fail(Status status);
  Status Finish();

 private:
  const Json* Take(std::string_view key, bool required);
  void Convert(const Json& value, const std::string& path, bool* out);
  void Convert(const Json& value, const std::string& path, double* out);
  void Convert(const Json& value, const std::string& path, std::string* out);
  void ConvertSigned(const Json& value, const std::string& path, std::int64_t low, std::int64_t high,
                     std::int64_t* out);
  void ConvertUnsigned(const Json& value, const std::string& path, std::uint64_t high, std::uint64_t* out);
  void WrongType(const Json& value, const std::string& path, std::string_view wanted);

  template <typename T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) void Convert(const Json& value,
                                                                           const std::string& path, T* out) {
    if constexpr (std::is_signed_v<T>) {
      std::int64_t wide = *out;
      ConvertSigned(value, path, std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), &wide);
      *out = static_cast<T>(wide);
    } else {
      std::uint64_t wide = *out;
      ConvertUnsigned(value, path, std::numeric_limits<T>::max(), &wide);
      *out = static_cast<T>(wide);
    }
  }
  template <typename T>
  void Convert(const Json& value, const std::string& path, std::optional<T>* out) {
    T inner{};
    const bool was_ok = error_.ok();
    Convert(value, path, &inner);
    if (was_ok && error_.ok()) *out = std::move(inner);
  }
  template <typename T>
  void Convert(const Json& value, const std::string& path, std::vector<T>* out) {
    if (!value.is_array()) return WrongType(value, path, "a list");
    out->clear();
    for (std::size_t i = 0; i < value.size(); ++i) {
      T inner{};
      Convert(value[i], path + "[" + std::to_string(i) + "]", &inner);
      out->push_back(std::move(inner));
    }
  }
  template <typename T>
  void Convert(const Json& value, const std::string& path, std::map<std::string, T>* out) {
    if (!value.is_object()) return WrongType(value, path, "a mapping");
    out->clear();
    for (const auto& [key, item] : value.items()) {
      T inner{};
      Convert(item, path + "." + key, &inner);
      out->emplace(key, std::move(inner));
    }
  }

  const Json& json_;
  std::string path_;
  std::set<std::string, std::less<>> known_;
  Status error_;
};

}  // namespace paddock
