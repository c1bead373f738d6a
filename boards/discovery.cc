#include "boards/discovery.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "base/strict_json.h"

namespace paddock {
namespace {

constexpr char kPlainPort[] = "serial port";

// The last characters of a serial number differ most.
std::string Suffix(const UsbDevice& device) {
  constexpr std::size_t kLength = 6;
  if (device.serial.empty()) return device.location;
  return device.serial.substr(device.serial.size() - std::min(kLength, device.serial.size()));
}

std::map<std::string, std::string> FlashOptions(const ProbeKind& kind, const UsbDevice& device) {
  std::map<std::string, std::string> options;
  if (kind.flash_tool != "openocd") options["flash_tool"] = kind.flash_tool;
  if (!kind.openocd_interface.empty() && kind.openocd_interface != "stlink")
    options["openocd_interface"] = kind.openocd_interface;
  options["probe"] = kind.flash_tool == "gdb" && !device.ports.empty() ? LastingName(device.ports.front())
                                                                       : ProbeName(device);
  return options;
}

std::optional<BoardAgent> AgentFor(const Discovered& found, std::set<std::string>* taken) {
  const UsbSerialPort* const port = BoardPort(found.device);
  if (port == nullptr) return std::nullopt;
  BoardAgent agent;
  agent.id = FreeDeviceId(
      (found.board != nullptr ? std::string(found.board->name) : "board") + "-" + Suffix(found.device),
      taken);
  agent.options["link"] = "serial:" + LastingName(*port);
  if (!found.kind) {
    agent.options["mode"] = "existing";
    agent.notes.emplace_back("No probe belongs to this port: the firmware that is on the board answers.");
    return agent;
  }
  agent.options.merge(FlashOptions(*found.kind, found.device));
  if (found.board != nullptr) {
    agent.options["board"] = found.board->name;
  } else {
    std::string names;
    for (const KnownBoard& board : KnownBoards()) {
      if (!board.openocd_target.empty()) names.append(names.empty() ? "" : ", ").append(board.name);
    }
    agent.notes.push_back("The probe does not say on which board it is. Add to the options `board`, one of " +
                          names + ", or `mode: existing` for the firmware that is there.");
  }
  return agent;
}

std::string Padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string TableText(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += Padded(row[i], widths[i]) + "  ";
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

Json OrNull(std::string_view text) { return text.empty() ? Json(nullptr) : Json(std::string(text)); }

}  // namespace

std::string LastingName(const UsbSerialPort& port) {
  if (!port.by_id.empty()) return port.by_id;
  return port.by_path.empty() ? port.device : port.by_path;
}

std::vector<Discovered> Discover(const std::string& root) {
  std::vector<Discovered> all;
  std::set<std::string> taken;
  for (UsbDevice& device : ListUsbDevices(root)) {
    Discovered found{.device = std::move(device)};
    found.kind = KindOfProbe(found.device);
    if (!found.kind && found.device.ports.empty()) continue;
    found.board = FindBoardInText(found.device.product);
    found.agent = AgentFor(found, &taken);
    all.push_back(std::move(found));
  }
  return all;
}

std::string DiscoveryText(const std::vector<Discovered>& found) {
  if (found.empty())
    return "no probe and no serial port on USB; is the board plugged in, and its cable one that carries "
           "data?\n";
  std::vector<std::vector<std::string>> rows = {{"PROBE", "KIND", "AT", "PRODUCT", "BOARD", "SERIAL PORT"}};
  for (const Discovered& one : found) {
    const UsbSerialPort* const port = BoardPort(one.device);
    rows.push_back({one.kind ? ProbeName(one.device) : "-",
                    std::string(one.kind ? one.kind->name : kPlainPort), one.device.location,
                    one.device.product, one.board != nullptr ? std::string(one.board->name) : "?",
                    port != nullptr ? LastingName(*port) : "none"});
  }
  std::string text = TableText(rows);
  for (const Discovered& one : found) {
    if (one.agent) text += "\n# ---- " + one.agent->id + ".yaml\n" + AgentFileText(*one.agent);
  }
  return text;
}

std::string DiscoveryJson(const std::vector<Discovered>& found) {
  Json devices = Json::array();
  for (const Discovered& one : found) {
    const UsbDevice& device = one.device;
    Json ports = Json::array();
    for (const UsbSerialPort& port : device.ports) {
      ports.push_back({{"device", port.device},
                       {"by_id", OrNull(port.by_id)},
                       {"by_path", OrNull(port.by_path)},
                       {"interface", port.interface}});
    }
    Json entry = {{"location", device.location},
                  {"vendor_id", device.vendor_id},
                  {"product_id", device.product_id},
                  {"manufacturer", device.manufacturer},
                  {"product", device.product},
                  {"serial", OrNull(device.serial)},
                  {"kind", OrNull(one.kind ? one.kind->name : "")},
                  {"probe", OrNull(one.kind ? ProbeName(device) : "")},
                  {"board", OrNull(one.board != nullptr ? one.board->name : "")},
                  {"serial_ports", std::move(ports)},
                  {"agent", nullptr}};
    if (one.agent)
      entry["agent"] = {{"id", one.agent->id}, {"driver", "mcu"}, {"options", one.agent->options}};
    devices.push_back(std::move(entry));
  }
  return Json{{"schema_version", 1}, {"devices", std::move(devices)}}.dump(2) + "\n";
}

}  // namespace paddock
