#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "boards/discovery.h"
#include "boards/hardware_map.h"
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/result_table.h"

namespace paddock {
namespace {

constexpr std::uint64_t kMaxMapBytes = 1 << 20;

struct AgentFile {
  BoardAgent agent;
  std::string path;
  bool is_new = true;
};

std::string OptionOr(const BoardAgent& agent, const std::string& key, const std::string& otherwise) {
  const auto found = agent.options.find(key);
  return found == agent.options.end() ? otherwise : found->second;
}

Result<std::vector<AgentFile>> WriteAgentFiles(const std::vector<BoardAgent>& agents,
                                               const std::string& folder) {
  PADDOCK_RETURN_IF_ERROR(CreateDirectories(folder));
  std::vector<AgentFile> files;
  for (const BoardAgent& agent : agents) {
    AgentFile file{.agent = agent, .path = (std::filesystem::path(folder) / (agent.id + ".yaml")).string()};
    std::error_code error;
    file.is_new = !std::filesystem::exists(std::filesystem::symlink_status(file.path, error));
    if (file.is_new) PADDOCK_RETURN_IF_ERROR(WriteFileAtomically(file.path, AgentFileText(agent)));
    files.push_back(std::move(file));
  }
  return files;
}

void PrintAgentFiles(OutputFormat format, const std::vector<AgentFile>& files,
                     const std::vector<std::string>& skipped) {
  if (format == OutputFormat::kJson) {
    OrderedJson agents = OrderedJson::array();
    for (const AgentFile& file : files) {
      agents.push_back({{"id", file.agent.id},
                        {"file", file.path},
                        {"written", file.is_new},
                        {"options", file.agent.options},
                        {"labels", file.agent.labels},
                        {"notes", file.agent.notes}});
    }
    std::cout << Text({{"schema_version", 1}, {"agents", std::move(agents)}, {"skipped", skipped}});
    return;
  }
  Table table{{"AGENT", "BOARD", "MODE", "LINK", "FILE"}, {}};
  for (const AgentFile& file : files) {
    table.rows.push_back({file.agent.id, OptionOr(file.agent, "board", "?"),
                          OptionOr(file.agent, "mode", "own"), OptionOr(file.agent, "link", ""), file.path});
  }
  PrintTable(format, table, "no entry of the map can be used");
}

// What the driver calls the serial number of a board is its port's name.
std::string PortOfSerial(const std::string& serial) {
  if (serial.starts_with("usb-")) return "/dev/serial/by-id/" + serial;
  if (serial.starts_with("pci-") || serial.starts_with("platform-")) return "/dev/serial/by-path/" + serial;
  return serial.starts_with("tty") ? "/dev/" + serial : std::string();
}

Result<std::vector<HardwareMapEntry>> EntriesOfFarm(const std::string& server) {
  Connection connection(server);
  v1::ListDevicesRequest request;
  request.add_on("driver=mcu");
  v1::ListDevicesResponse response;
  PADDOCK_RETURN_IF_ERROR(
      connection.Call(connection.devices(), &v1::DeviceService::Stub::ListDevices, request, &response));
  std::vector<HardwareMapEntry> entries;
  for (const v1::Device& device : response.devices()) {
    const v1::DeviceDescription& description = device.description();
    const std::map<std::string, std::string> labels(description.labels().begin(), description.labels().end());
    auto entry = EntryOfLabels(labels, PortOfSerial(description.serial()), device.state() != "offline");
    if (entry) {
      entries.push_back(std::move(*entry));
    } else {
      PrintMessage("left out: " + device.id() + " is no board at a serial port");
    }
  }
  return entries;
}

}  // namespace

int ImportHardwareMapFile(const Globals& globals, const std::string& file, const std::string& folder) {
  const auto text = ReadFile(file, kMaxMapBytes);
  if (!text.ok()) return Report(LocalFileError(text.status()));
  const auto entries = ParseHardwareMap(*text, file);
  if (!entries.ok()) return Report(entries.status());
  const ImportedMap imported = ImportHardwareMap(*entries);
  const auto files = WriteAgentFiles(imported.agents, folder);
  if (!files.ok()) return Report(files.status());
  PrintAgentFiles(globals.format, *files, imported.skipped);
  for (const std::string& skipped : imported.skipped) PrintMessage("skipped: " + skipped);
  for (const AgentFile& written : *files) {
    if (!written.is_new) PrintMessage("left as it is; remove it to have it written: " + written.path);
    for (const std::string& note : written.agent.notes) PrintMessage(written.agent.id + ": " + note);
  }
  return kExitOk;
}

int ExportHardwareMap(const Globals& globals, bool attached) {
  const auto entries = attached ? Result<std::vector<HardwareMapEntry>>(EntriesOf(Discover("")))
                                : EntriesOfFarm(globals.server);
  if (!entries.ok()) return Report(entries.status());
  std::cout << HardwareMapText(*entries);
  return kExitOk;
}

}  // namespace paddock
