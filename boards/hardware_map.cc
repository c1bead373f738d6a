#include "boards/hardware_map.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <sstream>
#include <utility>

#include "base/option_reader.h"
#include "base/strict_json.h"

namespace paddock {
namespace {

constexpr ParseLimits kMapLimits{.max_bytes = 1 << 20, .max_depth = 8, .max_nodes = 50'000};
constexpr std::uint64_t kHighestBaud = 100'000'000;

// One entry, whose scalars are all text. Keeps the first mistake; knows which keys nobody asked for.
class EntryReader {
 public:
  EntryReader(const Json& json, std::string path) : json_(json), path_(std::move(path)) {
    if (!json.is_object()) Fail("", "must be a mapping of a board's keys");
  }

  std::string Text(const std::string& key) {
    const Json* const value = Find(key);
    if (value == nullptr) return {};
    if (value->is_string()) return value->get<std::string>();
    Fail(key, "must be text");
    return {};
  }
  // As PyYAML reads it, which wrote and reads these files.
  bool Flag(const std::string& key) {
    const std::string text = Text(key);
    for (const char* word : {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"}) {
      if (text == word) return true;
    }
    for (const char* word : {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"}) {
      if (text == word) return false;
    }
    Fail(key, text.empty() ? "is missing; it must be true or false" : "must be true or false");
    return false;
  }
  std::optional<std::uint32_t> Baud(const std::string& key) {
    const std::string text = Text(key);
    if (text.empty()) return std::nullopt;
    std::uint64_t value = 0;
    if (!ParseUnsigned(text, &value) || value == 0 || value > kHighestBaud) {
      Fail(key, "must be a number of bits per second");
      return std::nullopt;
    }
    return static_cast<std::uint32_t>(value);
  }
  std::vector<std::string> List(const std::string& key) {
    const Json* const value = Find(key);
    std::vector<std::string> list;
    if (value == nullptr) return list;
    if (!value->is_array()) Fail(key, "must be a list");
    for (const Json& item : *value) {
      if (!item.is_string()) {
        Fail(key, "must be a list of texts");
        break;
      }
      list.push_back(item.get<std::string>());
    }
    return list;
  }
  bool IsList(const std::string& key) const { return json_.contains(key) && json_[key].is_array(); }
  std::vector<std::string> OtherKeys() const {
    std::vector<std::string> keys;
    if (!json_.is_object()) return keys;
    for (const auto& [key, value] : json_.items()) {
      if (!known_.contains(key)) keys.push_back(key);
    }
    return keys;
  }
  const Status& status() const { return status_; }
  void Fail(const std::string& key, const std::string& what) {
    if (status_.ok()) status_ = InvalidArgumentError(path_ + (key.empty() ? "" : "." + key) + ": " + what);
  }

 private:
  // Null: not there, or nothing written.
  const Json* Find(const std::string& key) {
    known_.insert(key);
    if (!json_.is_object() || !json_.contains(key)) return nullptr;
    const Json& value = json_[key];
    return value.is_null() ? nullptr : &value;
  }

  const Json& json_;
  const std::string path_;
  std::set<std::string> known_;
  Status status_;
};

std::vector<std::string> BlankSeparated(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), std::istream_iterator<std::string>()};
}

Result<HardwareMapEntry> ReadEntry(const Json& json, const std::string& path) {
  EntryReader reader(json, path);
  HardwareMapEntry entry;
  entry.connected = reader.Flag("connected");
  entry.id = reader.Text("id");
  entry.platforms =
      reader.IsList("platform") ? reader.List("platform") : BlankSeparated(reader.Text("platform"));
  entry.product = reader.Text("product");
  entry.runner = reader.Text("runner");
  entry.serial = reader.Text("serial");
  entry.serial_pty = reader.Text("serial_pty");
  entry.baud = reader.Baud("baud");
  if (const auto newer = reader.Baud("serial_baud")) entry.baud = newer;
  entry.probe_id = reader.Text("probe_id");
  entry.fixtures = reader.List("fixtures");
  entry.notes = reader.Text("notes");
  entry.other_keys = reader.OtherKeys();
  if (entry.platforms.empty()) reader.Fail("platform", "is missing; it must name the board");
  PADDOCK_RETURN_IF_ERROR(reader.status());
  return entry;
}

std::string Written(const std::string& text) {
  return Json(text).dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

void AppendList(const char* key, const std::vector<std::string>& list, std::string* out) {
  if (list.empty()) return;
  out->append("  ").append(key).append(":\n");
  for (const std::string& item : list) out->append("    - ").append(Written(item)).append("\n");
}

}  // namespace

Result<std::vector<HardwareMapEntry>> ParseHardwareMap(std::string_view yaml, std::string_view source) {
  PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseYaml(yaml, source, kMapLimits, YamlScalars::kText));
  if (!json.is_array())
    return InvalidArgumentError(
        std::string(source) +
        ": must be a hardware map of Twister, a list of boards that begins with \"- \"");
  std::vector<HardwareMapEntry> entries;
  for (std::size_t i = 0; i < json.size(); ++i) {
    auto entry = ReadEntry(json[i], "[" + std::to_string(i) + "]");
    if (!entry.ok()) return entry.status().WithContext(source);
    entries.push_back(std::move(entry).value());
  }
  return entries;
}

std::string HardwareMapText(const std::vector<HardwareMapEntry>& entries) {
  std::string text;
  for (const HardwareMapEntry& entry : entries) {
    const auto line = [&text](const char* key, const std::string& value) {
      if (!value.empty()) text.append("  ").append(key).append(": ").append(Written(value)).append("\n");
    };
    text.append("- connected: ").append(entry.connected ? "true" : "false").append("\n");
    line("id", entry.id);
    if (entry.platforms.size() == 1 && entry.platforms.front().find(' ') == std::string::npos) {
      line("platform", entry.platforms.front());
    } else {
      AppendList("platform", entry.platforms, &text);
    }
    line("product", entry.product);
    line("runner", entry.runner);
    line("serial", entry.serial);
    line("serial_pty", entry.serial_pty);
    if (entry.baud) text.append("  baud: ").append(std::to_string(*entry.baud)).append("\n");
    line("probe_id", entry.probe_id);
    AppendList("fixtures", entry.fixtures, &text);
    line("notes", entry.notes);
  }
  return text.empty() ? "[]\n" : text;
}

}  // namespace paddock
