#include "boards/agent_file.h"

#include <algorithm>
#include <cctype>

#include "base/strict_json.h"

namespace paddock {
namespace {

constexpr std::size_t kMaxIdBytes = 64;

// JSON's strings are YAML's too.
std::string Quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

void AppendMap(const char* name, const std::map<std::string, std::string>& values, std::string* out) {
  if (values.empty()) return;
  out->append(name).append(":\n");
  for (const auto& [key, value] : values)
    out->append("  ").append(Quoted(key)).append(": ").append(Quoted(value)).append("\n");
}

}  // namespace

std::string FreeDeviceId(std::string_view text, std::set<std::string>* taken) {
  std::string id;
  for (const char c : text.substr(0, kMaxIdBytes - 4)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = byte < 0x80 && (std::isalnum(byte) != 0 || c == '.' || c == '_');
    id += is_plain ? static_cast<char>(std::tolower(byte)) : '-';
  }
  id.erase(0, std::min(id.find_first_not_of(".-"), id.size()));
  if (id.empty()) id = "board";
  std::string free_id = id;
  for (int i = 2; !taken->insert(free_id).second; ++i) free_id = id + "-" + std::to_string(i);
  return free_id;
}

std::string AgentFileText(const BoardAgent& agent) {
  std::string text;
  for (std::string note : agent.notes) {
    std::replace_if(
        note.begin(), note.end(), [](unsigned char c) { return c < ' ' || c > '~'; }, '?');
    text += "# " + note + "\n";
  }
  text += "id: " + Quoted(agent.id) +
          "\ndriver: mcu\nstate: " + Quoted("/var/lib/paddock-agent/" + agent.id) + "\n";
  AppendMap("labels", agent.labels, &text);
  AppendMap("options", agent.options, &text);
  return text;
}

}  // namespace paddock
