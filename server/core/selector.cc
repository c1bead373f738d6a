#include "server/core/selector.h"

#include <algorithm>
#include <set>

namespace paddock {
namespace {

// A label with more values than this is shown with its first ones only.
constexpr std::size_t kMaxShownValues = 12;

Status FormError(std::string_view text) {
  return InvalidArgumentError("\"" + std::string(text.substr(0, 100)) +
                              "\" is no selector; write \"all\" or \"key=value[,key=value]...\"");
}

}  // namespace

Result<Selector> Selector::Parse(std::string_view text) {
  Selector selector;
  if (text == "all") return selector;
  for (std::string_view rest = text;;) {
    const std::size_t comma = rest.find(',');
    const std::string_view pair = rest.substr(0, comma);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == pair.size()) return FormError(text);
    selector.wanted_.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
    if (comma == std::string_view::npos) return selector;
    rest.remove_prefix(comma + 1);
  }
}

bool Selector::Matches(const std::map<std::string, std::string>& labels) const {
  return std::all_of(wanted_.begin(), wanted_.end(), [&](const auto& pair) {
    const auto found = labels.find(pair.first);
    return found != labels.end() && found->second == pair.second;
  });
}

std::string KnownLabelsText(const std::vector<std::map<std::string, std::string>>& devices) {
  std::map<std::string, std::set<std::string>> values;
  for (const auto& labels : devices) {
    for (const auto& [key, value] : labels) values[key].insert(value);
  }
  std::string text;
  for (const auto& [key, known] : values) {
    text += (text.empty() ? "" : ", ") + key + "=";
    std::size_t shown = 0;
    for (const auto& value : known) {
      if (shown == kMaxShownValues) {
        text += "|... (" + std::to_string(known.size()) + ")";
        break;
      }
      text += (shown++ == 0 ? "" : "|") + value;
    }
  }
  return text;
}

}  // namespace paddock
