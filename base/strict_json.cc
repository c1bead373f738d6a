#include "base/strict_json.h"

#include <algorithm>
#include <cmath>

namespace paddock {
namespace {

constexpr std::size_t kMaxShownBytes = 80;

// Text from outside, short enough for an error message and never cut within a character.
std::string Shorten(std::string text) {
  if (text.size() <= kMaxShownBytes) return text;
  std::size_t end = kMaxShownBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

std::string NameOf(const std::string& path) { return path.empty() ? "the document" : path; }

std::string Describe(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "a mapping";
    case Json::value_t::array:
      return "a list";
    default:
      return Shorten(value.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::optional<std::string> Nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::optional<std::string> nearest;
  std::size_t smallest = 0;
  for (const auto& candidate : candidates) {
    // A third of the letters may be wrong; comparing the lengths first bounds the work for a hostile word.
    const std::size_t allowed = std::max<std::size_t>(1, candidate.size() / 3);
    if (word.size() > candidate.size() + allowed || candidate.size() > word.size() + allowed) continue;
    const std::size_t distance = EditDistance(word, candidate);
    if (distance <= allowed && distance < candidate.size() && (!nearest || distance < smallest)) {
      nearest = candidate;
      smallest = distance;
    }
  }
  return nearest;
}

StrictObject::StrictObject(const Json& json, std::string path) : json_(json), path_(std::move(path)) {
  if (!json_.is_object()) WrongType(json_, path_, "a mapping");
}

bool StrictObject::Has(std::string_view key) const { return json_.is_object() && json_.contains(key); }

const Json* StrictObject::Child(std::string_view key) {
  known_.emplace(key);
  if (!json_.is_object()) return nullptr;
  const auto found = json_.find(key);
  return found == json_.end() ? nullptr : &*found;
}

std::string StrictObject::PathOf(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void StrictObject::Fail(Status status) {
  if (error_.ok()) error_ = std::move(status);
}

Status StrictObject::Finish() {
  if (!error_.ok() || !json_.is_object()) return error_;
  const std::vector<std::string> known(known_.begin(), known_.end());
  for (const auto& [key, value] : json_.items()) {
    if (known_.contains(key)) continue;
    std::string message = PathOf(Shorten(key)) + ": unknown key; ";
    if (const auto nearest = Nearest(key, known)) {
      message += "did you mean \"" + *nearest + "\"?";
    } else if (known.empty()) {
      message += "no keys are allowed here";
    } else {
      message += "known are";
      for (const auto& name : known) message += (name == known.front() ? " " : ", ") + name;
    }
    Fail(InvalidArgumentError(std::move(message)));
    break;
  }
  return error_;
}

const Json* StrictObject::Take(std::string_view key, bool required) {
  const Json* value = Child(key);
  if (value != nullptr && !value->is_null()) return value;
  if (required && json_.is_object()) {
    // A near miss among the keys that are there is the likelier mistake: then both are named.
    std::vector<std::string> present;
    for (const auto& [name, unused] : json_.items()) present.push_back(name);
    const auto nearest = value == nullptr ? Nearest(key, present) : std::nullopt;
    const bool mistyped = nearest.has_value() && !known_.contains(*nearest);
    Fail(InvalidArgumentError(PathOf(key) + ": missing" +
                              (mistyped ? "; is \"" + *nearest + "\" a misspelling of it?" : "")));
  }
  return nullptr;
}

void StrictObject::WrongType(const Json& value, const std::string& path, std::string_view wanted) {
  Fail(InvalidArgumentError(NameOf(path) + ": must be " + std::string(wanted) + ", not " + Describe(value)));
}

void StrictObject::Convert(const Json& value, const std::string& path, bool* out) {
  if (!value.is_boolean()) return WrongType(value, path, "true or false");
  *out = value.get<bool>();
}

void StrictObject::Convert(const Json& value, const std::string& path, double* out) {
  if (!value.is_number() || !std::isfinite(value.get<double>())) return WrongType(value, path, "a number");
  *out = value.get<double>();
}

void StrictObject::Convert(const Json& value, const std::string& path, std::string* out) {
  if (!value.is_string()) return WrongType(value, path, "text");
  *out = value.get<std::string>();
}

void StrictObject::ConvertSigned(const Json& value, const std::string& path, std::int64_t low,
                                 std::int64_t high, std::int64_t* out) {
  if (!value.is_number_integer()) return WrongType(value, path, "an integer");
  const bool fits_64_bits =
      !value.is_number_unsigned() || value.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max();
  if (!fits_64_bits || value.get<std::int64_t>() < low || value.get<std::int64_t>() > high) {
    return WrongType(value, path, "an integer from " + std::to_string(low) + " to " + std::to_string(high));
  }
  *out = value.get<std::int64_t>();
}

void StrictObject::ConvertUnsigned(const Json& value, const std::string& path, std::uint64_t high,
                                   std::uint64_t* out) {
  if (!value.is_number_integer()) return WrongType(value, path, "an integer");
  const bool negative = !value.is_number_unsigned() && value.get<std::int64_t>() < 0;
  if (negative || value.get<std::uint64_t>() > high) {
    return WrongType(value, path, "an integer from 0 to " + std::to_string(high));
  }
  *out = value.get<std::uint64_t>();
}

}  // namespace paddock
