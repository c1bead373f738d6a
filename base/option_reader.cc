#include "base/option_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace paddock {
namespace {

// Shortest text that reads back as the same number.
std::string NumberText(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof(text), value).ptr};
}

std::string Joined(const auto& names) {
  std::string text;
  for (const auto& name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

template <typename T>
bool ParseWhole(std::string_view text, T* value) {
  const char* const end = text.data() + text.size();
  const auto [stopped_at, error] = std::from_chars(text.data(), end, *value);
  return error == std::errc() && stopped_at == end;
}

}  // namespace

bool ParseNumber(std::string_view text, double* value) {
  return ParseWhole(text, value) && std::isfinite(*value);
}

bool ParseUnsigned(std::string_view text, std::uint64_t* value) { return ParseWhole(text, value); }

std::string OptionReader::Text(const std::string& key, std::string_view fallback) {
  const std::string* const value = Find(key);
  return value ? *value : std::string(fallback);
}

std::string OptionReader::Choice(const std::string& key, std::string_view fallback,
                                 std::initializer_list<std::string_view> choices) {
  std::string value = Text(key, fallback);
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return value;
  Refuse(key, value, "one of: " + Joined(choices));
  return std::string(fallback);
}

std::uint64_t OptionReader::Unsigned(const std::string& key, std::uint64_t fallback, std::uint64_t min,
                                     std::uint64_t max) {
  const std::string* const text = Find(key);
  if (text == nullptr) return fallback;
  std::uint64_t value = 0;
  if (ParseUnsigned(*text, &value) && value >= min && value <= max) return value;
  Refuse(key, *text, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return fallback;
}

double OptionReader::Number(const std::string& key, double fallback, double min, double max) {
  const std::string* const text = Find(key);
  if (text == nullptr) return fallback;
  double value = 0;
  if (ParseNumber(*text, &value) && value >= min && value <= max) return value;
  Refuse(key, *text, "a number from " + NumberText(min) + " to " + NumberText(max));
  return fallback;
}

bool OptionReader::Flag(const std::string& key, bool fallback) {
  return Choice(key, fallback ? "true" : "false", {"true", "false"}) == "true";
}

std::map<std::string, std::string> OptionReader::WithPrefix(std::string_view prefix) {
  std::map<std::string, std::string> found;
  known_.insert(std::string(prefix) + "KEY");
  for (const auto& [key, value] : options_) {
    if (!std::string_view(key).starts_with(prefix)) continue;
    known_.insert(key);
    found.emplace(key.substr(prefix.size()), value);
  }
  return found;
}

Status OptionReader::Finish() const {
  PADDOCK_RETURN_IF_ERROR(first_error_);
  for (const auto& [key, value] : options_) {
    if (known_.contains(key)) continue;
    return InvalidArgumentError(subject_ + " has no option '" + key + "'; it has: " + Joined(known_));
  }
  return OkStatus();
}

const std::string* OptionReader::Find(const std::string& key) {
  known_.insert(key);
  const auto found = options_.find(key);
  return found == options_.end() ? nullptr : &found->second;
}

void OptionReader::Refuse(const std::string& key, const std::string& value, const std::string& expected) {
  if (!first_error_.ok()) return;
  first_error_ = InvalidArgumentError("option '" + key + "' of " + subject_ + " is '" + value +
                                      "'; it must be " + expected);
}

}  // namespace paddock
