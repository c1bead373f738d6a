#include "prepare/sources/number_text.h"

#include <charconv>
#include <cmath>
#include <cstring>

namespace paddock {
namespace {

constexpr std::size_t kMaxClassBytes = 16 << 20;  // of all names together
constexpr std::size_t kShownBytes = 40;

template <typename T>
std::optional<T> ParseWhole(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || text.starts_with('+')) return std::nullopt;
  return value;
}

}  // namespace

std::string_view WithoutSpaces(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<double> ParseNumber(std::string_view text) {
  const auto value = ParseWhole<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::string NotANumberText(std::string_view text) {
  if (WithoutSpaces(text).empty()) return "there is no number";
  return "'" + std::string(text.substr(0, kShownBytes)) + (text.size() > kShownBytes ? "..." : "") +
         "' is no finite number";
}

Status LabelTexts::Add(std::string_view field) {
  const std::string_view text = WithoutSpaces(field);
  if (text.empty()) return InvalidArgumentError("there is no label; give every sample one");
  const bool is_number = ParseNumber(text).has_value();
  if (kind_ == Kind::kUnknown) kind_ = is_number ? Kind::kNumbers : Kind::kTexts;
  if (is_number != (kind_ == Kind::kNumbers)) {
    return InvalidArgumentError(
        "the label " + (is_number ? "'" + std::string(text) + "' is a number" : NotANumberText(text)) +
        ", and those above are " + (is_number ? "text" : "numbers") +
        "; give numbers or names to all of them");
  }
  if (is_number) {
    all_whole_ = all_whole_ && ParseWhole<std::int64_t>(text);
    return OkStatus();
  }
  if (classes_.find(text) != classes_.end()) return OkStatus();
  text_bytes_ += text.size();
  if (text_bytes_ > kMaxClassBytes) {
    return InvalidArgumentError(
        "the labels are " + std::to_string(classes_.size()) +
        " different texts, which is too much for names of classes; give class numbers");
  }
  classes_.emplace(text, 0);
  return OkStatus();
}

LabelTexts LabelTexts::OfClasses(const std::vector<std::string>& names) {
  LabelTexts texts;
  texts.kind_ = Kind::kTexts;
  for (const std::string& name : names) texts.classes_.emplace(name, 0);
  texts.Finish();
  return texts;
}

void LabelTexts::Finish() {
  for (auto& [name, number] : classes_) {
    number = static_cast<std::int64_t>(class_names_.size());
    class_names_.push_back(name);
  }
}

void LabelTexts::Write(std::string_view field, std::byte* out) const {
  const std::string_view text = WithoutSpaces(field);
  const auto write = [&](auto value) { std::memcpy(out, &value, sizeof(value)); };
  if (kind_ == Kind::kTexts) {
    const auto found = classes_.find(text);
    write(found == classes_.end() ? std::int64_t{-1} : found->second);
  } else if (all_whole_) {
    write(ParseWhole<std::int64_t>(text).value_or(-1));
  } else {
    write(ParseNumber(text).value_or(0));
  }
}

}  // namespace paddock
