#include "device_drivers/mcu/flasher.h"

#include <algorithm>
#include <utility>

#include "base/scratch_folder.h"
#include "base/subprocess.h"
#include "boards/probes.h"
#include "boards/usb_devices.h"
#include "device_drivers/mcu/elf_image.h"
#include "device_drivers/mcu/flash_ladder.h"
#include "device_drivers/mcu/probe_state.h"

namespace paddock {
namespace {

constexpr std::string_view kPlacePrefix = "usb:";

struct Seen {
  std::string probe;                // its serial number where it has one, however it is configured
  std::uint32_t device_number = 0;  // 0: not there, or none of USB
  bool is_there = true;
};

Seen LookForProbe(const FlasherSettings& settings) {
  Seen seen{.probe = ProbeNameOf(settings.target)};
  if (settings.target.tool == FlashTool::kGdb) return seen;
  const auto devices = ListUsbDevices(settings.root);
  const UsbDevice* const device = FindProbe(devices, seen.probe);
  if (device == nullptr) return {.probe = seen.probe, .device_number = 0, .is_there = false};
  return {.probe = ProbeName(*device), .device_number = device->number};
}

Status WriteImages(const FlashFiles& files, std::string_view elf, const std::vector<ImageSegment>& segments) {
  // The path stands between braces in a command of OpenOCD.
  if (files.elf.find_first_of("{}\\\n") != std::string::npos)
    return FailedPreconditionError(
        "the folder for temporary files (TMPDIR) has a name that OpenOCD cannot take: " + files.elf);
  PADDOCK_RETURN_IF_ERROR(WriteFileUnsynced(files.elf, elf));
  return WriteFileUnsynced(files.binary, FlatImage(segments));
}

}  // namespace

std::vector<OptionDoc> FlasherOptionDocs() {
  return {
      {"flash_tool", "openocd, st-flash, stm32cubeprogrammer, dfu-util or gdb; default openocd"},
      {"flash_program", "path of that tool's program; default: found in PATH"},
      {"probe",
       "serial number of the board's probe, usb:BUS-PORT for one without, or for gdb HOST:PORT or /dev/...; "
       "no "
       "default"},
      {"openocd_interface", "file of OpenOCD for the probe: stlink, cmsis-dap, jlink; default stlink"},
      {"openocd_target", "file of OpenOCD for the chip, such as stm32l4x; default: the board's"},
      {"gdb_reset", "what gdb's server resets the board with; default: reset run"},
      {"power_cycle",
       "command that cuts and gives back the board's power when nothing else helps, or usb for uhubctl on "
       "the probe's "
       "socket; default: none"},
      {"probe_state",
       "folder, one for all agents of a host, for the probes' locks and records; default "
       "/run/lock/paddock"},
  };
}

FlasherSettings ReadFlasherOptions(OptionReader& reader, FlasherSettings settings) {
  FlashTarget& target = settings.target;
  const auto tool =
      ParseFlashTool(reader.Choice("flash_tool", FlashToolName(target.tool),
                                   {"openocd", "st-flash", "stm32cubeprogrammer", "dfu-util", "gdb"}));
  if (tool.ok()) target.tool = *tool;
  target.program = reader.Text("flash_program", target.program);
  const std::string probe = reader.Text("probe", "");
  if (target.tool == FlashTool::kGdb) {
    if (!probe.empty()) target.gdb_server = probe;
  } else if (probe.starts_with(kPlacePrefix)) {
    target.usb_location = probe.substr(kPlacePrefix.size());
  } else if (!probe.empty()) {
    target.serial = probe;
  }
  target.openocd_interface = reader.Text("openocd_interface", target.openocd_interface);
  target.openocd_target = reader.Text("openocd_target", target.openocd_target);
  target.gdb_reset = reader.Text("gdb_reset", target.gdb_reset);
  settings.power_cycle = reader.Text("power_cycle", settings.power_cycle);
  settings.state_folder = reader.Text("probe_state", settings.state_folder);
  return settings;
}

Result<Flasher> Flasher::Make(FlasherSettings settings) {
  PADDOCK_RETURN_IF_ERROR(CheckFlashTarget(settings.target));
  return Flasher(std::move(settings));
}

Status Flasher::Probe() const {
  const FlashTarget& target = settings_.target;
  const std::string program =
      target.program.empty() ? std::string(FlashProgram(target.tool)) : target.program;
  if (!FindProgram(program))
    return FailedPreconditionError("flashing needs " + program +
                                   ", which is not here: " + std::string(HowToInstall(target.tool)));
  const Seen seen = LookForProbe(settings_);
  if (!seen.is_there)
    return UnavailableError("probe " + seen.probe + " is not plugged in; the probes that are here: " +
                            ListOfProbes(ListUsbDevices(settings_.root)));
  if (settings_.state_folder.empty()) return OkStatus();
  const ProbeState state(settings_.state_folder, seen.probe);
  const ProbeRecord record = state.Read();
  if (record.problem.empty() || record.device_number != seen.device_number) return OkStatus();
  return UnavailableError(
      "flashing was given up, the board needs hands: " + record.problem +
      ". Look at its power, its cables and the probe's firmware, then unplug the probe and plug it "
      "in again, or remove " +
      state.record_path());
}

Status Flasher::Forget() {
  if (settings_.state_folder.empty()) return OkStatus();
  return ProbeState(settings_.state_folder, LookForProbe(settings_).probe).Remove();
}

Result<Flashed> Flasher::Flash(std::string_view elf, const Digest& expected, Deadline deadline,
                               const Cancelled& cancelled) {
  Flashed flashed;
  if (!settings_.state_folder.empty()) {
    const ProbeState state(settings_.state_folder, LookForProbe(settings_).probe);
    PADDOCK_ASSIGN_OR_RETURN(
        flashed.lock,
        state.Lock(Deadline::After(std::min(settings_.lock_timeout, deadline.remaining())), cancelled));
  }
  PADDOCK_RETURN_IF_ERROR(FlashLocked(elf, expected, deadline, cancelled, &flashed));
  return flashed;
}

Result<Flashed> Flasher::BringUp(std::string_view elf, const Digest& expected,
                                 const std::function<Status()>& answers, Deadline deadline,
                                 const Cancelled& cancelled) {
  PADDOCK_ASSIGN_OR_RETURN(Flashed flashed, Flash(elf, expected, deadline, cancelled));
  Status status = answers();
  if (!status.ok()) PADDOCK_RETURN_IF_ERROR(Forget());
  if (!status.ok() && flashed.remembered) {
    flashed.remembered = false;
    flashed.tries.push_back("the board does not answer as the image that it is remembered to hold: " +
                            status.message());
    PADDOCK_RETURN_IF_ERROR(FlashLocked(elf, expected, deadline, cancelled, &flashed));
    status = answers();
    if (!status.ok()) PADDOCK_RETURN_IF_ERROR(Forget());
  }
  PADDOCK_RETURN_IF_ERROR(status);
  return flashed;
}

Status Flasher::FlashLocked(std::string_view elf, const Digest& expected, Deadline deadline,
                            const Cancelled& cancelled, Flashed* flashed) {
  if (Sha256::Of(elf) != expected)
    return DataLossError("the image to be flashed is not the one that was built (" + expected.ShortHex() +
                         "); build it again");
  PADDOCK_ASSIGN_OR_RETURN(const auto segments, LoadableSegments(elf));
  PADDOCK_RETURN_IF_ERROR(CheckFits(segments, settings_.target.flash_begin, settings_.target.flash_bytes));

  const Seen before = LookForProbe(settings_);
  std::optional<ProbeState> state;
  if (!settings_.state_folder.empty()) {
    state.emplace(settings_.state_folder, before.probe);
    const ProbeRecord record = state->Read();
    if (record.image == expected && record.device_number == before.device_number) {
      flashed->remembered = true;
      return OkStatus();
    }
    PADDOCK_RETURN_IF_ERROR(state->Remove());
  }

  PADDOCK_ASSIGN_OR_RETURN(const ScratchFolder scratch, ScratchFolder::Make());
  const FlashFiles files{
      .elf = scratch.path() + "/image.elf",
      .binary = scratch.path() + "/image.bin",
      .read_back = scratch.path() + "/read_back.bin",
      .address = segments.front().address,
      .bytes = segments.back().address + segments.back().bytes.size() - segments.front().address};
  PADDOCK_RETURN_IF_ERROR(WriteImages(files, elf, segments));
  const Status status = ClimbLadder(settings_, files, deadline, cancelled, &flashed->tries);
  // A power cycle gives the probe another number.
  const std::uint32_t device_number = LookForProbe(settings_).device_number;
  if (state && status.ok())
    PADDOCK_RETURN_IF_ERROR(state->Write({.image = expected, .problem = {}, .device_number = device_number}));
  if (state && status.code() == StatusCode::kUnavailable)
    PADDOCK_RETURN_IF_ERROR(
        state->Write({.image = {}, .problem = status.message(), .device_number = device_number}));
  return status.code() == StatusCode::kUnavailable
             ? UnavailableError("the board was not flashed and needs hands: " + status.message())
             : status;
}

}  // namespace paddock
