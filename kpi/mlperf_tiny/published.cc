#include "kpi/mlperf_tiny/published.h"

#include <algorithm>
#include <cctype>

#include "kpi/mlperf_tiny/runner_log.h"

namespace paddock::mlperf_tiny {
namespace {

constexpr std::size_t kMaxPublishedErrors = 20;
constexpr std::size_t kMaxErrorText = 200;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

void ReadFigure(std::string_view line, std::string_view mark, std::optional<PublishedFigure>* figure) {
  const auto rest = After(line, mark);
  if (!rest) return;
  const auto value = LeadingNumber(*rest);
  if (!value) return;
  const std::size_t begin = std::min(rest->find_first_not_of(" \t"), rest->size());
  const std::string_view digits = rest->substr(begin);
  const std::size_t whole = static_cast<std::size_t>(
      std::find_if_not(digits.begin(), digits.end(), [](char c) { return IsDigit(c) || c == '-'; }) -
      digits.begin());
  int decimals = 0;
  if (whole < digits.size() && digits[whole] == '.') {
    while (whole + 1 + static_cast<std::size_t>(decimals) < digits.size() &&
           IsDigit(digits[whole + 1 + static_cast<std::size_t>(decimals)])) {
      ++decimals;
    }
  }
  *figure = PublishedFigure{*value, decimals};
}

// "e-[text]" that is not the end of a word such as "m-profile-[".
std::optional<std::string_view> ErrorText(std::string_view line) {
  if (const auto error = After(line, "ERROR")) return line.substr(line.size() - error->size() - 5);
  for (std::size_t at = line.find("e-["); at != std::string_view::npos; at = line.find("e-[", at + 1)) {
    const bool in_a_word = at > 0 && std::isalnum(static_cast<unsigned char>(line[at - 1])) != 0;
    if (in_a_word) continue;
    const std::string_view text = line.substr(at + 3);
    return text.substr(0, text.rfind(']'));
  }
  return std::nullopt;
}

}  // namespace

Published ParsePublished(std::string_view text) {
  Published published;
  bool windows_ended = false;
  while (!text.empty()) {
    const std::string_view line = TakeLine(text);
    ReadFigure(line, "Median throughput is", &published.throughput);
    ReadFigure(line, "Estimated throughput:", &published.throughput);  // streaming wake word
    ReadFigure(line, "Median energy cost is", &published.energy_uj);
    ReadFigure(line, "Top-1:", &published.top1_percent);
    ReadFigure(line, "Top 1% =", &published.top1_percent);
    ReadFigure(line, "AUC:", &published.auc);
    ReadFigure(line, "AUC =", &published.auc);
    if (const auto count = After(line, "# Inferences :")) {
      if (std::exchange(windows_ended, false)) published.inferences.clear();
      if (const auto value = LeadingNumber(*count); value && *value >= 0 && *value < 1e15)
        published.inferences.push_back(static_cast<std::uint64_t>(*value));
    }
    if (After(line, "Median throughput is")) windows_ended = true;
    const auto error = ErrorText(line);
    if (error && published.errors.size() < kMaxPublishedErrors)
      published.errors.emplace_back(error->substr(0, kMaxErrorText));
  }
  return published;
}

}  // namespace paddock::mlperf_tiny
