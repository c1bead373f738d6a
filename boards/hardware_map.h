// Zephyr's twister hardware maps (scripts/schemas/twister/hwmap-schema.yaml; docs "Twister, hardware map"): YAML lists of boards with
// their probes and serial ports. Read from others' files, and written for them. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "boards/agent_file.h"
#include "boards/discovery.h"

namespace paddock {

struct HardwareMapEntry {
  bool connected = false;
  std::string id{};  // of the probe
  std::vector<std::string> platforms{};
  std::string product{};
  std::string runner{};
  std::string serial{};      // empty: none
  std::string serial_pty{};  // a script that makes a line; empty: none
  std::optional<std::uint32_t> baud{};
  std::string probe_id{};  // instead of `id`, where that names something else; empty: none
  std::vector<std::string> fixtures{};
  std::string notes{};
  std::vector<std::string>
      other_keys{};  // there, and of no use here: runner_params, scripts, time-outs, newer ones
  bool operator==(const HardwareMapEntry&) const = default;
};

// At most 1 MiB, 8 levels, 50,000 values; no anchors, tags or second documents. Numbers stay the texts that they were written as.
// INVALID_ARGUMENT names the file and the place ("[2].connected").
Result<std::vector<HardwareMapEntry>> ParseHardwareMap(std::string_view yaml, std::string_view source);

// Reads back to the same, but for other_keys.
std::string HardwareMapText(const std::vector<HardwareMapEntry>& entries);

struct ImportedMap {
  std::vector<BoardAgent> agents{};
  std::vector<std::string> skipped{};  // which entry and why
};
// An agent for each connected entry, to be flashed as its runner would, where Paddock knows the board and the runner's probe; else
// for the firmware that is on it. Labels keep what the map says (platform, product, runner, probe, fixture.NAME=yes), so that
// EntryOfLabels() finds it again.
ImportedMap ImportHardwareMap(const std::vector<HardwareMapEntry>& entries);

// The entry of a device of the farm, by its labels and the option `link` or what its driver calls its serial number. Absent: not a
// board at a serial port.
std::optional<HardwareMapEntry> EntryOfLabels(const std::map<std::string, std::string>& labels,
                                              const std::string& serial_port, bool connected);

// What is attached here.
std::vector<HardwareMapEntry> EntriesOf(const std::vector<Discovered>& found);

}  // namespace paddock
