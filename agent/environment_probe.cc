#include "agent/environment_probe.h"

#include <sys/resource.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <set>

#include "agent/processor_placement.h"

namespace paddock::agent {
namespace {

constexpr std::size_t kMaxNames = 64;
constexpr std::string_view kCpus = "/sys/devices/system/cpu";

void Widen(std::optional<HzRange>* range, std::optional<std::uint64_t> khz) {
  if (!khz || *khz > UINT64_MAX / 1000) return;
  const std::uint64_t hz = *khz * 1000;
  if (!*range) *range = HzRange{hz, hz};
  (*range)->low = std::min((*range)->low, hz);
  (*range)->high = std::max((*range)->high, hz);
}

// "cpu7" -> 7; other names, "cpufreq", are none.
std::optional<std::uint64_t> CpuNumber(const std::string& path) {
  const std::string digits = BaseName(path).substr(3);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return ParseUnsigned(digits);
}

void ReadCpuClocks(const MachineFiles& files, EnvironmentSnapshot* snapshot) {
  const auto allowed =
      files.is_this_machine() ? KernelScheduler().allowed_cpus() : std::vector<std::uint32_t>();
  std::set<std::string> governors;
  for (const std::string& cpu : files.List(std::string(kCpus), "cpu")) {
    const auto number = CpuNumber(cpu);
    if (!number) continue;
    if (!allowed.empty() && !std::binary_search(allowed.begin(), allowed.end(), *number)) continue;
    const auto floor = files.Unsigned(cpu + "/cpufreq/scaling_min_freq");
    const auto ceiling = files.Unsigned(cpu + "/cpufreq/scaling_max_freq");
    Widen(&snapshot->cpu_current_hz, files.Unsigned(cpu + "/cpufreq/scaling_cur_freq"));
    Widen(&snapshot->cpu_floor_hz, floor);
    Widen(&snapshot->cpu_ceiling_hz, ceiling);
    if (floor && ceiling)
      snapshot->cpus_that_scale = snapshot->cpus_that_scale.value_or(0) + (*floor < *ceiling ? 1 : 0);
    if (auto governor = files.Text(cpu + "/cpufreq/scaling_governor")) governors.insert(*governor);
  }
  snapshot->governors.assign(governors.begin(), governors.end());
  if (const auto boost = files.Unsigned(std::string(kCpus) + "/cpufreq/boost")) snapshot->turbo = *boost != 0;
  if (const auto off = files.Unsigned(std::string(kCpus) + "/intel_pstate/no_turbo"))
    snapshot->turbo = *off == 0;
}

void ReadDeviceClocks(const MachineFiles& files, EnvironmentSnapshot* snapshot) {
  for (const std::string& device : files.List("/sys/class/devfreq")) {
    const auto current = files.Unsigned(device + "/cur_freq");
    const auto floor = files.Unsigned(device + "/min_freq");
    const auto ceiling = files.Unsigned(device + "/max_freq");
    if (!current || !floor || !ceiling || snapshot->device_clocks.size() == kMaxNames) continue;
    snapshot->device_clocks[Printable(BaseName(device))] = {files.Text(device + "/governor").value_or(""),
                                                            *current, *floor, *ceiling};
  }
  // A Jetson's memory controller is not a devfreq device; its clock is in debugfs.
  const std::string memory = "/sys/kernel/debug/bpmp/debug/clk/emc";
  const auto current = files.Unsigned(memory + "/rate");
  const auto floor = files.Unsigned(memory + "/min_rate");
  const auto ceiling = files.Unsigned(memory + "/max_rate");
  if (current && floor && ceiling) snapshot->device_clocks["emc"] = {"", *current, *floor, *ceiling};
}

// What `nvpmodel -q` prints, without starting it: the mode's number in its status file, the name in its configuration.
std::optional<std::string> ReadPowerMode(const MachineFiles& files) {
  const auto status = files.Text("/var/lib/nvpmodel/status");
  if (!status) return std::nullopt;
  const auto found = status->find("pmode:");
  if (found == std::string::npos) return std::nullopt;
  const auto number = ParseUnsigned(std::string_view(*status).substr(found + 6));
  if (!number) return std::nullopt;
  const std::string id = "ID=" + std::to_string(*number) + " NAME=";
  const std::string config = files.Bytes("/etc/nvpmodel.conf", 131072).value_or("");
  const auto at = config.find(id);
  if (at == std::string::npos) return "mode " + std::to_string(*number);
  const auto begin = at + id.size();
  return Printable(std::string_view(config).substr(
      begin, std::min<std::size_t>(64, config.find_first_of(" >\n", begin) - begin)));
}

void Count(const std::string& name, std::optional<std::uint64_t> value,
           std::map<std::string, std::uint64_t>* counts) {
  if (value && (counts->size() < kMaxNames || counts->contains(name))) (*counts)[name] += *value;
}

// Devices that cool by holding something back. A fan does not.
bool HoldsBack(const std::string& type) {
  for (const char* part : {"cpufreq", "devfreq", "Processor", "cpuidle", "thermal-idle", "powerclamp"})
    if (type.find(part) != std::string::npos) return true;
  return false;
}

void ReadThrottling(const MachineFiles& files, EnvironmentSnapshot* snapshot) {
  for (const std::string& cpu : files.List(std::string(kCpus), "cpu")) {
    if (!CpuNumber(cpu)) continue;
    for (const char* name : {"core_throttle_count", "package_throttle_count"})
      Count(name, files.Unsigned(cpu + "/thermal_throttle/" + name), &snapshot->throttle_counts);
  }
  for (const std::string& monitor : files.List("/sys/class/hwmon", "hwmon")) {
    if (files.Text(monitor + "/name") != "soctherm_oc") continue;
    for (const char* name : {"oc1_event_cnt", "oc2_event_cnt", "oc3_event_cnt"})
      Count(name, files.Unsigned(monitor + "/" + name), &snapshot->throttle_counts);
  }
  for (const std::string& device : files.List("/sys/class/thermal", "cooling_device")) {
    const auto type = files.Text(device + "/type");
    if (type && HoldsBack(*type))
      Count(*type, files.Unsigned(device + "/cur_state"), &snapshot->cooling_states);
  }
  auto firmware = files.List("/sys/bus/platform/drivers/raspberrypi-firmware");
  firmware.push_back("/sys/devices/platform/soc/soc:firmware");
  for (const std::string& device : firmware)
    if (const auto bits = files.Unsigned(device + "/get_throttled", 16)) snapshot->throttled_bits = bits;
}

std::optional<PressureStall> ReadPressure(const MachineFiles& files, const std::string& path) {
  const auto text = files.Bytes(path);
  if (!text || text->rfind("some ", 0) != 0) return std::nullopt;
  const auto average = text->find("avg10=");
  const auto total = text->find("total=");
  if (average == std::string::npos || total == std::string::npos) return std::nullopt;
  const auto total_us = ParseUnsigned(std::string_view(*text).substr(total + 6));
  if (!total_us) return std::nullopt;
  PressureStall stall{.avg10_percent = 0, .total_us = *total_us};
  const char* begin = text->data() + average + 6;
  if (std::from_chars(begin, text->data() + text->size(), stall.avg10_percent).ec != std::errc())
    return std::nullopt;
  return stall;
}

void ReadCpuTimes(const MachineFiles& files, EnvironmentSnapshot* snapshot) {
  const auto text = files.Bytes("/proc/stat");
  if (!text || text->rfind("cpu ", 0) != 0) return;
  std::string_view rest = std::string_view(*text).substr(4);
  rest = rest.substr(0, rest.find('\n'));
  // user nice system idle iowait irq softirq steal; guest time is in user.
  std::uint64_t ticks[8];
  for (std::uint64_t& value : ticks) {
    const auto begin = rest.find_first_of("0123456789");
    if (begin == std::string_view::npos) return;
    const auto parsed = ParseUnsigned(rest.substr(begin));
    if (!parsed) return;
    value = *parsed;
    rest.remove_prefix(std::min(rest.find(' ', begin), rest.size()));
  }
  const auto tick_ns = std::uint64_t{1'000'000'000} / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  snapshot->cpu_busy_ns = (ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) * tick_ns;
  snapshot->cpu_idle_ns = (ticks[3] + ticks[4]) * tick_ns;
  snapshot->cpu_steal_ns = ticks[7] * tick_ns;
}

void ReadMemory(const MachineFiles& files, EnvironmentSnapshot* snapshot) {
  const std::string text = files.Bytes("/proc/meminfo").value_or("");
  const auto bytes_of = [&text](std::string_view key) -> std::optional<std::uint64_t> {
    const auto value = ValueOfLine(text, key);
    const auto kib = value ? ParseUnsigned(*value) : std::nullopt;
    if (!kib || *kib > UINT64_MAX / 1024) return std::nullopt;
    return *kib * 1024;
  };
  snapshot->memory_available_bytes = bytes_of("MemAvailable");
  const auto total = bytes_of("SwapTotal");
  const auto free = bytes_of("SwapFree");
  if (total && free && *free <= *total) snapshot->swap_used_bytes = *total - *free;
}

void ReadOwnFigures(const MachineFiles& files, EnvironmentSnapshot* snapshot) {
  for (const std::string& task : files.List("/proc/self/task")) {
    // Nanoseconds running, nanoseconds waiting for a CPU, time slices.
    const std::string times = files.Bytes(task + "/schedstat").value_or("");
    const auto blank = times.find_first_not_of("0123456789");
    if (blank != std::string::npos && blank > 0 && times[blank] == ' ') {
      if (const auto waited = ParseUnsigned(std::string_view(times).substr(blank)))
        snapshot->own_wait_ns = snapshot->own_wait_ns.value_or(0) + *waited;
    }
    const std::string details = files.Bytes(task + "/sched").value_or("");
    if (const auto value = ValueOfLine(details, "se.nr_migrations")) {
      if (const auto migrations = ParseUnsigned(*value))
        snapshot->own_migrations = snapshot->own_migrations.value_or(0) + *migrations;
    }
  }
  if (!files.is_this_machine()) return;
  timespec used{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0) {
    snapshot->own_cpu_ns =
        static_cast<std::uint64_t>(used.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(used.tv_nsec);
  }
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    snapshot->own_voluntary_switches = static_cast<std::uint64_t>(usage.ru_nvcsw);
    snapshot->own_involuntary_switches = static_cast<std::uint64_t>(usage.ru_nivcsw);
    snapshot->own_minor_faults = static_cast<std::uint64_t>(usage.ru_minflt);
    snapshot->own_major_faults = static_cast<std::uint64_t>(usage.ru_majflt);
  }
  timex time{};  // modes 0: only asks
  const int state = ::adjtimex(&time);
  if (state >= 0) snapshot->ntp_synchronised = state != TIME_ERROR && (time.status & STA_UNSYNC) == 0;
}

}  // namespace

void EnvironmentProbe::ReadTemperature(EnvironmentSnapshot* snapshot) const {
  // A Jetson reads -256 or -256000 for a zone without power.
  constexpr std::int64_t kOffline = -256;
  constexpr std::int64_t kLowest = -100'000;
  constexpr std::int64_t kHighest = 200'000;
  const auto consider = [&](const std::string& zone, std::optional<std::int64_t> mdegc) {
    if (!mdegc || *mdegc == kOffline || *mdegc < kLowest || *mdegc > kHighest) return;
    if (snapshot->temperature_max_mdegc && *snapshot->temperature_max_mdegc >= *mdegc) return;
    snapshot->temperature_max_mdegc = mdegc;
    snapshot->temperature_zone = zone;
  };
  auto zones = files_.List("/sys/class/thermal", "thermal_zone");
  if (zones.empty()) zones = files_.List("/sys/devices/virtual/thermal", "thermal_zone");
  for (const std::string& zone : zones) {
    const std::string type = files_.Text(zone + "/type").value_or(BaseName(zone));
    // A Jetson Nano's power chip always reads 100 degrees.
    if (type != "PMIC-Die") consider(type, files_.Signed(zone + "/temp"));
  }
  for (const std::string& monitor : files_.List("/sys/class/hwmon", "hwmon")) {
    const auto name = files_.Text(monitor + "/name");
    if (name == "k10temp" || name == "coretemp") consider(*name, files_.Signed(monitor + "/temp1_input"));
  }
}

EnvironmentSnapshot EnvironmentProbe::TakeSnapshot() const {
  EnvironmentSnapshot snapshot;
  snapshot.taken_ns = static_cast<std::uint64_t>(clock_.Now().time_since_epoch().count());
  ReadCpuTimes(files_, &snapshot);
  ReadOwnFigures(files_, &snapshot);
  ReadCpuClocks(files_, &snapshot);
  ReadDeviceClocks(files_, &snapshot);
  snapshot.power_mode = ReadPowerMode(files_);
  ReadTemperature(&snapshot);
  ReadThrottling(files_, &snapshot);
  if (const auto load = files_.Text("/proc/loadavg")) {
    double average = 0;
    if (std::from_chars(load->data(), load->data() + load->size(), average).ec == std::errc())
      snapshot.load_average_1m = average;
  }
  snapshot.pressure_cpu = ReadPressure(files_, "/proc/pressure/cpu");
  snapshot.pressure_io = ReadPressure(files_, "/proc/pressure/io");
  snapshot.pressure_memory = ReadPressure(files_, "/proc/pressure/memory");
  ReadMemory(files_, &snapshot);
  snapshot.clock_source = files_.Text("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  return snapshot;
}

}  // namespace paddock::agent
