#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "base/subprocess.h"
#include "base/utf8.h"

namespace paddock {
namespace {

constexpr std::size_t kLastWordsBytes = 600;

}  // namespace

std::string ProcessResult::Describe() const {
  if (cancelled) return "cancelled; killed";
  if (timed_out) return "no answer within its deadline; killed";
  if (signal != 0) return "killed by signal " + std::to_string(signal) + " (" + SignalName(signal) + ")";
  return "exit code " + std::to_string(exit_code);
}

std::string ProcessResult::LastWords() const {
  std::string_view text = stderr_text.empty() ? stdout_text : stderr_text;
  text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  if (text.empty()) return "it left no last words";
  std::string words = "its last words: ";
  if (text.size() > kLastWordsBytes) {
    text.remove_prefix(text.size() - kLastWordsBytes);
    while (!text.empty() && (text.front() & 0xC0) == 0x80) text.remove_prefix(1);  // the rest of a character
    words += "... ";
  }
  while (!text.empty()) {
    const std::size_t length = Utf8SequenceLength(text);
    const bool is_control = static_cast<unsigned char>(text.front()) < 0x20 || text.front() == 0x7F;
    words += is_control ? " " : length == 0 ? "?" : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return words;
}

std::string SignalName(int signal) {
  const char* description = ::sigdescr_np(signal);
  return description != nullptr ? description : "unknown signal";
}

}  // namespace paddock
