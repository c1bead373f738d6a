#include "device_drivers/mcu/eembc_tokens.h"

#include <algorithm>
#include <charconv>

#include "base/option_reader.h"

namespace paddock {
namespace {

using Kind = EembcToken::Kind;

enum class Rest { kNothing, kNumber, kWord, kBracket, kList };

struct Mark {
  std::string_view text;
  Kind kind;
  Rest rest;
};

constexpr std::string_view kTooLargeMark = "exceeds maximum of ";
constexpr std::string_view kPartialInputMark = "The inputs take ";

// A longer mark stands before its beginning.
constexpr Mark kMarks[] = {
    {"m-ready", Kind::kReady, Rest::kNothing},
    {"m-name-dut-[", Kind::kName, Rest::kBracket},
    {"m-profile-[", Kind::kProfile, Rest::kBracket},
    {"m-model-[", Kind::kModel, Rest::kBracket},
    {"m-timestamp-mode-", Kind::kTimestampMode, Rest::kWord},
    {"m-init-done", Kind::kInitDone, Rest::kNothing},
    {"m-[Expecting ", Kind::kExpecting, Rest::kNumber},
    {kTooLargeMark, Kind::kTooLarge, Rest::kNumber},
    {"elemented, expected ", Kind::kOtherSize, Rest::kNumber},
    {"m-load-done", Kind::kLoadDone, Rest::kNothing},
    {"m-warmup-start-", Kind::kWarmupStart, Rest::kNumber},
    {"m-warmup-done", Kind::kWarmupDone, Rest::kNothing},
    {"m-infer-start-", Kind::kInferStart, Rest::kNumber},
    {"m-infer-done", Kind::kInferDone, Rest::kNothing},
    {"m-lap-us-", Kind::kLap, Rest::kNumber},
    {"m-results", Kind::kResults, Rest::kList},
    {"m-x-paddock-", Kind::kPaddock, Rest::kWord},
    {"e-[", Kind::kError, Rest::kBracket},
};

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The mark that stands at `position`; null for none. "cache-[" holds no error, and "m-ready-finished" is a runner's word.
const Mark* MarkAt(std::string_view line, std::size_t position) {
  const std::string_view here = line.substr(position);
  const auto* const mark = std::find_if(std::begin(kMarks), std::end(kMarks),
                                        [&](const Mark& row) { return here.starts_with(row.text); });
  if (mark == std::end(kMarks)) return nullptr;
  if (mark->kind == Kind::kError && position > 0 && IsLetter(line[position - 1])) return nullptr;
  if (mark->kind == Kind::kReady && here.substr(mark->text.size()).starts_with('-')) return nullptr;
  return mark;
}

// Reads what belongs to the mark from the beginning of `rest` and takes it away; false when it is not there.
bool ReadRest(Rest kind, std::string_view& rest, EembcToken* token) {
  if (kind == Rest::kNothing) return true;
  if (kind == Rest::kNumber) {
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), token->number);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    return error == std::errc();
  }
  if (kind == Rest::kWord) {
    token->text = rest.substr(0, rest.find_first_of(" \t"));
    rest.remove_prefix(token->text.size());
    return !token->text.empty();
  }
  if (kind == Rest::kList) {  // "m-results-[" and "m-results    : [" are both seen
    const std::size_t open = rest.find_first_not_of("-: \t");
    if (open == std::string_view::npos || rest[open] != '[') return false;
    rest.remove_prefix(open + 1);
  }
  const std::size_t close = rest.find(']');
  if (close == std::string_view::npos) return false;
  token->text = rest.substr(0, close);
  rest.remove_prefix(close + 1);
  return true;
}

// What some say as an error, with a number behind `mark`.
void ReadErrorAs(Kind kind, std::string_view mark, EembcToken* error) {
  const std::size_t at = error->text.find(mark);
  if (at == error->text.npos) return;
  std::string_view number = std::string_view(error->text).substr(at + mark.size());
  if (ReadRest(Rest::kNumber, number, error)) *error = {kind, error->number, {}};
}

std::string_view Trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  return text.substr(0, text.find_last_not_of(" \t") + 1);
}

}  // namespace

std::vector<EembcToken> FindEembcTokens(std::string_view line) {
  std::vector<EembcToken> tokens;
  // All marks begin with one of these.
  for (std::size_t at = line.find_first_of("me"); at != std::string_view::npos;
       at = line.find_first_of("me", at)) {
    const Mark* const mark = MarkAt(line, at);
    if (mark == nullptr) {
      ++at;
      continue;
    }
    std::string_view rest = line.substr(at + mark->text.size());
    EembcToken token{mark->kind, 0, {}};
    const bool is_whole = ReadRest(mark->rest, rest, &token);
    if (token.kind == Kind::kError) {
      ReadErrorAs(Kind::kTooLarge, kTooLargeMark, &token);
      ReadErrorAs(Kind::kPartialInput, kPartialInputMark, &token);
    }
    if (is_whole) tokens.push_back(std::move(token));
    at = is_whole ? line.size() - rest.size() : at + mark->text.size();
  }
  return tokens;
}

std::optional<std::vector<double>> ParseEembcResults(std::string_view text) {
  std::vector<double> numbers;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view item = Trimmed(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (item.empty() && text.empty()) break;
    if (item.starts_with('+')) item.remove_prefix(1);
    double number = 0;
    const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), number);
    if (error != std::errc() || end != item.data() + item.size()) return std::nullopt;
    numbers.push_back(number);
  }
  if (numbers.empty()) return std::nullopt;
  return numbers;
}

std::optional<FrameAbility> ParseFrameAbility(std::string_view text) {
  constexpr std::string_view kVersion = "1-[";
  constexpr std::uint64_t kMaxHz = 100'000'000'000;
  constexpr std::uint64_t kMinDataBytes = 16;
  constexpr std::uint64_t kMaxDataBytes = 65'000;  // a frame's length and offset in it stay below 2^16
  if (!text.starts_with(kVersion) || !text.ends_with(']')) return std::nullopt;
  text = text.substr(kVersion.size(), text.size() - kVersion.size() - 1);
  FrameAbility ability;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(item.size() + 1, text.size()));
    const std::size_t equals = std::min(item.find('='), item.size());
    const std::string_view key = item.substr(0, equals);
    const std::string_view value = item.substr(std::min(equals + 1, item.size()));
    std::uint64_t number = 0;
    const bool is_number = ParseUnsigned(value, &number);
    if (key == "counter") ability.counter = value;
    if (key == "hz" && is_number && number <= kMaxHz) ability.counter_hz = number;
    if (key == "data" && is_number && number >= kMinDataBytes)
      ability.data_bytes = static_cast<std::uint32_t>(std::min(number, kMaxDataBytes));
  }
  if (ability.counter.empty() || ability.counter_hz == 0 || ability.data_bytes == 0) return std::nullopt;
  return ability;
}

}  // namespace paddock
