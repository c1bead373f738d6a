#include "device_drivers/mcu/flash_tool.h"

#include <algorithm>
#include <cctype>
#include <sstream>

namespace paddock {
namespace {

struct ToolRow {
  FlashTool tool;
  std::string_view name;
  std::string_view program;
  std::string_view install;
};
constexpr ToolRow kTools[] = {
    {FlashTool::kOpenOcd, "openocd", "openocd", "apt install openocd"},
    {FlashTool::kStFlash, "st-flash", "st-flash", "apt install stlink-tools"},
    {FlashTool::kCubeProgrammer, "stm32cubeprogrammer", "STM32_Programmer_CLI",
     "install STM32CubeProgrammer from st.com and name its STM32_Programmer_CLI as flash_program"},
    {FlashTool::kDfuUtil, "dfu-util", "dfu-util", "apt install dfu-util"},
    {FlashTool::kGdb, "gdb", "gdb-multiarch", "apt install gdb-multiarch"},
};

const ToolRow& RowOf(FlashTool tool) {
  return *std::find_if(std::begin(kTools), std::end(kTools),
                       [&](const ToolRow& row) { return row.tool == tool; });
}

std::string HexAddress(std::uint64_t value) {
  std::ostringstream text;
  text << "0x" << std::hex << value;
  return text.str();
}

// Empty texts are fine here.
bool IsWord(std::string_view text, std::string_view besides_letters_and_digits) {
  return text.size() <= 256 && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
           return std::isalnum(c) != 0 ||
                  besides_letters_and_digits.find(static_cast<char>(c)) != std::string_view::npos;
         });
}

Status BadWord(const std::string& name, const std::string& text) {
  return InvalidArgumentError(name + " \"" + text +
                              "\" has characters that no such name has; a probe whose serial number cannot "
                              "be written is named by its place: usb:BUS-PORT");
}

std::vector<std::string> OpenOcdCommand(const FlashTarget& target, const FlashWay& way,
                                        const FlashFiles& files) {
  std::vector<std::string> argv = {"-c", "gdb_port disabled; tcl_port disabled; telnet_port disabled"};
  const auto add = [&argv](const char* flag, std::string text) {
    argv.emplace_back(flag);
    argv.push_back(std::move(text));
  };
  add("-f", "interface/" + target.openocd_interface + ".cfg");
  if (!target.serial.empty()) {
    add("-c", "adapter serial " + target.serial);
  } else {
    add("-c", "adapter usb location " + target.usb_location);
  }
  // ST-Links choose theirs alone; others would take JTAG.
  if (target.openocd_interface != "stlink") add("-c", "transport select swd");
  add("-f", "target/" + target.openocd_target + ".cfg");
  if (way.under_reset) add("-c", "reset_config srst_only srst_nogate connect_assert_srst");
  if (way.adapter_speed_khz != 0) {
    // The chips' own steps around a reset would set the clock and the speed up again.
    const std::string speed = "adapter speed " + std::to_string(way.adapter_speed_khz);
    add("-c", "foreach t [target names] {$t configure -event reset-start {" + speed +
                  "}; $t configure -event reset-init {}}");
    add("-c", speed);
  }
  add("-c", "program {" + files.elf + "} verify reset exit");
  return argv;
}

std::vector<std::string> StFlashCommand(const FlashTarget& target, const FlashWay& way,
                                        const FlashFiles& files) {
  std::vector<std::string> argv;
  if (way.under_reset) argv.emplace_back("--connect-under-reset");
  if (way.adapter_speed_khz != 0) argv.push_back("--freq=" + std::to_string(way.adapter_speed_khz));
  argv.insert(argv.end(),
              {"--serial", target.serial, "--reset", "write", files.binary, HexAddress(files.address)});
  return argv;
}

std::vector<std::string> CubeCommand(const FlashTarget& target, const FlashWay& way,
                                     const FlashFiles& files) {
  std::vector<std::string> argv = {"-c", "port=SWD", "sn=" + target.serial};
  argv.emplace_back(way.under_reset ? "mode=UR" : "mode=NORMAL");
  argv.emplace_back(way.under_reset ? "reset=HWrst" : "reset=SWrst");
  if (way.adapter_speed_khz != 0) argv.push_back("freq=" + std::to_string(way.adapter_speed_khz));
  argv.insert(argv.end(), {"-d", files.elf, "-v", "-rst"});
  return argv;
}

std::vector<std::vector<std::string>> DfuCommands(const FlashTarget& target, const FlashFiles& files) {
  std::vector<std::string> device = {"-d", "0483:df11", "-a", "0"};
  if (!target.serial.empty()) {
    device.insert(device.end(), {"-S", target.serial});
  } else {
    device.insert(device.end(), {"-p", target.usb_location});
  }
  std::vector<std::string> write = device;
  write.insert(write.end(), {"-s", HexAddress(files.address), "-D", files.binary});
  std::vector<std::string> read = std::move(device);
  read.insert(read.end(), {"-s", HexAddress(files.address) + ":" + std::to_string(files.bytes) + ":leave",
                           "-U", files.read_back});
  return {write, read};
}

std::vector<std::string> GdbCommand(const FlashTarget& target, const FlashWay& way, const FlashFiles& files) {
  // An ELF file may carry scripts, and so may the folder that we run in.
  std::vector<std::string> argv = {
      "-nx", "-batch", "-iex", "set auto-load off", "-iex", "set tcp connect-timeout 5"};
  const auto execute = [&argv](std::string command) {
    argv.emplace_back("-ex");
    argv.push_back(std::move(command));
  };
  if (target.gdb_server.starts_with('/')) {
    execute("target extended-remote " + target.gdb_server);
    if (way.under_reset) execute("monitor connect_rst enable");
    execute("monitor swdp_scan");
    execute("attach 1");
    execute("load");
    execute("compare-sections");
    execute("kill");
  } else {
    execute("target remote " + target.gdb_server);
    execute("load");
    execute("compare-sections");
    execute("monitor " + target.gdb_reset);
    execute("detach");
  }
  argv.push_back(files.elf);
  return argv;
}

std::vector<std::vector<std::string>> ArgumentsOf(const FlashTarget& target, const FlashWay& way,
                                                  const FlashFiles& files) {
  switch (target.tool) {
    case FlashTool::kOpenOcd:
      return {OpenOcdCommand(target, way, files)};
    case FlashTool::kStFlash:
      return {StFlashCommand(target, way, files)};
    case FlashTool::kCubeProgrammer:
      return {CubeCommand(target, way, files)};
    case FlashTool::kDfuUtil:
      return DfuCommands(target, files);
    case FlashTool::kGdb:
      break;
  }
  return {GdbCommand(target, way, files)};
}

}  // namespace

std::string_view FlashToolName(FlashTool tool) { return RowOf(tool).name; }

Result<FlashTool> ParseFlashTool(std::string_view name) {
  std::string names;
  for (const ToolRow& row : kTools) {
    if (row.name == name) return row.tool;
    names.append(names.empty() ? "" : ", ").append(row.name);
  }
  return InvalidArgumentError("'" + std::string(name) + "' is no flashing tool; they are " + names);
}

std::string_view FlashProgram(FlashTool tool) { return RowOf(tool).program; }

std::string_view HowToInstall(FlashTool tool) { return RowOf(tool).install; }

Status CheckFlashTarget(const FlashTarget& target) {
  constexpr std::uint64_t kMostFlash = 64 << 20;
  if (!IsWord(target.serial, "-_.:")) return BadWord("the probe's serial number", target.serial);
  if (!IsWord(target.usb_location, "-.")) return BadWord("the probe's USB location", target.usb_location);
  if (!IsWord(target.openocd_interface, "-_/")) return BadWord("openocd_interface", target.openocd_interface);
  if (!IsWord(target.openocd_target, "-_/")) return BadWord("openocd_target", target.openocd_target);
  if (!IsWord(target.gdb_server, "-_.:/[]")) return BadWord("the gdb server", target.gdb_server);
  if (!IsWord(target.gdb_reset, "-_ ")) return BadWord("gdb_reset", target.gdb_reset);
  if (target.flash_bytes == 0 || target.flash_bytes > kMostFlash || target.flash_begin > 0xFFFFFFFF)
    return InvalidArgumentError("no board has " + std::to_string(target.flash_bytes) + " bytes of flash at " +
                                HexAddress(target.flash_begin));
  const std::string tool(FlashToolName(target.tool));
  if (target.tool == FlashTool::kGdb) {
    if (target.gdb_server.find(target.gdb_server.starts_with('/') ? '/' : ':') != std::string::npos)
      return OkStatus();
    return InvalidArgumentError("gdb needs its server: HOST:PORT, or the /dev/... of a Black Magic probe");
  }
  // With two boards on one machine an unnamed probe would be the wrong one now and then.
  const bool by_location = target.tool == FlashTool::kOpenOcd || target.tool == FlashTool::kDfuUtil;
  if (target.serial.empty() && !(by_location && !target.usb_location.empty()))
    return InvalidArgumentError(tool + " must know which probe: its serial number" +
                                (by_location ? ", or usb:BUS-PORT" : "") +
                                "; `paddock-agent discover` lists what there is");
  if (target.tool == FlashTool::kOpenOcd &&
      (target.openocd_interface.empty() || target.openocd_target.empty()))
    return InvalidArgumentError("openocd needs the name of its target file, such as stm32l4x");
  return OkStatus();
}

std::vector<std::vector<std::string>> FlashCommands(const FlashTarget& target, const FlashWay& way,
                                                    const FlashFiles& files) {
  std::vector<std::vector<std::string>> commands = ArgumentsOf(target, way, files);
  for (auto& argv : commands)
    argv.insert(argv.begin(),
                target.program.empty() ? std::string(FlashProgram(target.tool)) : target.program);
  return commands;
}

}  // namespace paddock
