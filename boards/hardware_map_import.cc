// Between hardware maps and agents.
#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

#include "boards/hardware_map.h"
#include "boards/known_boards.h"

namespace paddock {
namespace {

constexpr std::uint32_t kUsualBaud = 115'200;
constexpr std::string_view kFixture = "fixture.";
constexpr char kUnknown[] = "unknown";

struct FlashThrough {
  std::string tool;
  std::string openocd_interface;  // empty: none
};

std::string InLowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Of what the probe calls itself; empty: not known.
std::string InterfaceOfProduct(const std::string& product) {
  const std::string name = InLowerCase(product);
  const auto has = [&name](const char* word) { return name.find(word) != std::string::npos; };
  if (has("stlink") || has("st-link")) return "stlink";
  if (has("cmsis-dap")) return "cmsis-dap";
  return has("j-link") ? "jlink" : "";
}

// How Paddock flashes what Zephyr flashes with this runner. Absent: not at all.
std::optional<FlashThrough> ToolOfRunner(const HardwareMapEntry& entry) {
  const std::string by_product = InterfaceOfProduct(entry.product);
  if (entry.runner == "stm32cubeprogrammer") return FlashThrough{"stm32cubeprogrammer", ""};
  if (entry.runner == "dfu-util") return FlashThrough{"dfu-util", ""};
  if (entry.runner == "pyocd") return FlashThrough{"openocd", by_product.empty() ? "cmsis-dap" : by_product};
  if (entry.runner == "jlink" || entry.runner == "nrfjprog") return FlashThrough{"openocd", "jlink"};
  const bool by_openocd = entry.runner == "openocd" || entry.runner == kUnknown || entry.runner.empty();
  if (by_openocd && !by_product.empty()) return FlashThrough{"openocd", by_product};
  return std::nullopt;
}

// As Twister's own scan names them.
std::string RunnerOfTool(std::string_view tool, std::string_view openocd_interface) {
  if (tool == "dfu-util") return "dfu-util";
  if (tool == "gdb") return "blackmagicprobe";
  if (openocd_interface == "cmsis-dap") return "pyocd";
  return openocd_interface == "jlink" ? "jlink" : "openocd";
}

// The platform that Paddock knows, else one that is named at all.
const std::string& MainPlatform(const HardwareMapEntry& entry) {
  const auto first = [&entry](auto is_it) {
    return std::find_if(entry.platforms.begin(), entry.platforms.end(), is_it);
  };
  auto found = first([](const std::string& name) { return FindBoardOfPlatform(name) != nullptr; });
  if (found == entry.platforms.end()) found = first([](const std::string& name) { return name != kUnknown; });
  return found == entry.platforms.end() ? entry.platforms.front() : *found;
}

std::string Titled(std::size_t index, const HardwareMapEntry& entry) {
  return "[" + std::to_string(index) + "] " + MainPlatform(entry) +
         (entry.id.empty() ? "" : ", id " + entry.id);
}

// Why no agent can be made of it; empty: one can.
std::string ReasonToSkip(const HardwareMapEntry& entry) {
  if (!entry.connected) return "not connected";
  if (entry.serial.empty() && !entry.serial_pty.empty())
    return "its line is made by a script (serial_pty), which only Twister runs";
  if (entry.serial.empty()) return "no serial port";
  if (!entry.serial.starts_with('/')) return "its serial port " + entry.serial + " is none of Linux";
  return {};
}

void AddLabels(const HardwareMapEntry& entry, BoardAgent* agent) {
  const auto add = [agent](const std::string& key, const std::string& value) {
    if (!value.empty()) agent->labels[key] = value;
  };
  add("platform", MainPlatform(entry));
  add("product", entry.product);
  add("runner", entry.runner);
  add("probe", entry.probe_id.empty() ? entry.id : entry.probe_id);
  for (const std::string& fixture : entry.fixtures) add(std::string(kFixture) + fixture, "yes");
}

void AddFlashing(const HardwareMapEntry& entry, BoardAgent* agent) {
  const KnownBoard* const board = FindBoardOfPlatform(MainPlatform(entry));
  const auto through = ToolOfRunner(entry);
  const std::string probe = entry.probe_id.empty() ? entry.id : entry.probe_id;
  std::string why_not;
  if (board == nullptr) {
    why_not = "Paddock has no firmware for platform " + MainPlatform(entry);
  } else if (!through) {
    why_not =
        "Paddock does not flash through runner " + entry.runner + " and probe \"" + entry.product + "\"";
  } else if (probe.empty()) {
    why_not = "the map does not name the probe";
  }
  if (!why_not.empty()) {
    agent->options["mode"] = "existing";
    agent->notes.push_back(why_not + ": the firmware that is on the board answers.");
    return;
  }
  agent->options["board"] = board->name;
  agent->options["probe"] = probe;
  if (through->tool != "openocd") agent->options["flash_tool"] = through->tool;
  if (!through->openocd_interface.empty() && through->openocd_interface != "stlink")
    agent->options["openocd_interface"] = through->openocd_interface;
}

BoardAgent AgentOf(const HardwareMapEntry& entry, std::set<std::string>* taken) {
  constexpr std::size_t kSuffix = 6;
  BoardAgent agent;
  const std::string& platform = MainPlatform(entry);
  const std::string suffix = entry.id.substr(entry.id.size() - std::min(kSuffix, entry.id.size()));
  agent.id =
      FreeDeviceId(platform.substr(0, platform.find('/')) + (suffix.empty() ? "" : "-" + suffix), taken);
  agent.options["link"] = "serial:" + entry.serial;
  if (entry.baud && *entry.baud != kUsualBaud) agent.options["baud"] = std::to_string(*entry.baud);
  if (entry.serial.starts_with("/dev/tty"))
    agent.notes.push_back("After the next start " + entry.serial +
                          " may be another board; `paddock-agent discover` shows a name that lasts.");
  AddFlashing(entry, &agent);
  AddLabels(entry, &agent);
  if (!entry.notes.empty()) agent.notes.push_back("Notes of the map: " + entry.notes);
  if (entry.platforms.size() > 1)
    agent.notes.emplace_back("The map names other platforms for this board too.");
  if (!entry.other_keys.empty()) {
    std::string keys;
    for (const std::string& key : entry.other_keys) keys.append(keys.empty() ? "" : ", ").append(key);
    agent.notes.push_back("Not taken over from the map: " + keys + ".");
  }
  return agent;
}

}  // namespace

ImportedMap ImportHardwareMap(const std::vector<HardwareMapEntry>& entries) {
  ImportedMap imported;
  std::set<std::string> taken;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::string reason = ReasonToSkip(entries[i]);
    if (reason.empty()) {
      imported.agents.push_back(AgentOf(entries[i], &taken));
    } else {
      imported.skipped.push_back(Titled(i, entries[i]) + ": " + reason);
    }
  }
  return imported;
}

std::optional<HardwareMapEntry> EntryOfLabels(const std::map<std::string, std::string>& labels,
                                              const std::string& serial_port, bool connected) {
  if (serial_port.empty()) return std::nullopt;
  const auto label = [&labels](const char* key) {
    const auto found = labels.find(key);
    return found == labels.end() ? std::string() : found->second;
  };
  HardwareMapEntry entry{.connected = connected, .id = label("probe"), .serial = serial_port};
  std::string platform = label("platform");
  if (const KnownBoard* board = FindKnownBoard(label("board")); platform.empty() && board != nullptr)
    platform = board->zephyr_platform;
  entry.platforms = {platform.empty() ? kUnknown : platform};
  entry.product = label("product").empty() ? kUnknown : label("product");
  entry.runner = label("runner").empty() ? kUnknown : label("runner");
  for (const auto& [key, value] : labels) {
    if (key.starts_with(kFixture)) entry.fixtures.push_back(key.substr(kFixture.size()));
  }
  return entry;
}

std::vector<HardwareMapEntry> EntriesOf(const std::vector<Discovered>& found) {
  std::vector<HardwareMapEntry> entries;
  for (const Discovered& one : found) {
    const UsbSerialPort* const port = BoardPort(one.device);
    if (port == nullptr) continue;
    entries.push_back(
        {.connected = true,
         .id = one.device.serial,
         .platforms = {one.board != nullptr ? std::string(one.board->zephyr_platform) : kUnknown},
         .product = one.device.product.empty() ? kUnknown : one.device.product,
         .runner = one.kind ? RunnerOfTool(one.kind->flash_tool, one.kind->openocd_interface) : kUnknown,
         .serial = LastingName(*port)});
  }
  return entries;
}

}  // namespace paddock
