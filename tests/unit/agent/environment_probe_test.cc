#include "agent/environment_probe.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "base/strict_json.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_tree.h"

namespace paddock::agent {
namespace {

void PutCpu(FakeTree& tree, int number, const std::string& governor, const std::string& current_khz,
            const std::string& floor_khz, const std::string& ceiling_khz) {
  const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(number) + "/cpufreq/";
  tree.Put(folder + "scaling_governor", governor + "\n");
  tree.Put(folder + "scaling_cur_freq", current_khz + "\n");
  tree.Put(folder + "scaling_min_freq", floor_khz + "\n");
  tree.Put(folder + "scaling_max_freq", ceiling_khz + "\n");
}

EnvironmentSnapshot SnapshotOf(const FakeTree& tree) {
  const FakeClock clock;
  return EnvironmentProbe(clock, tree.root()).TakeSnapshot();
}
Fingerprint IdentityOf(const FakeTree& tree) {
  const FakeClock clock;
  return EnvironmentProbe(clock, tree.root()).Identify();
}
std::string SnapshotJson(const EnvironmentSnapshot& snapshot) {
  RepetitionEnvironment environment;
  environment.before = snapshot;
  return EnvironmentToJson(environment)["before"].dump();
}

TEST_CASE("a Jetson's locked clocks, power mode and over-current events are read", "[agent][probe]") {
  FakeTree tree;
  for (int cpu = 0; cpu < 4; ++cpu) PutCpu(tree, cpu, "schedutil", "1510400", "1510400", "1510400");
  tree.Put("/sys/devices/system/cpu/cpufreq/policy0/scaling_governor", "not a CPU\n");
  const std::string gpu = "/sys/class/devfreq/17000000.gpu/";
  tree.Put(gpu + "governor", "nvhost_podgov\n");
  tree.Put(gpu + "cur_freq", "306000000\n");
  tree.Put(gpu + "min_freq", "306000000\n");
  tree.Put(gpu + "max_freq", "624750000\n");
  tree.Put("/sys/class/devfreq/15340000.vic/cur_freq", "115200000\n");  // no bounds: not taken
  const std::string memory = "/sys/kernel/debug/bpmp/debug/clk/emc/";
  tree.Put(memory + "rate", "2133000000\n");
  tree.Put(memory + "min_rate", "204000000\n");
  tree.Put(memory + "max_rate", "2133000000\n");
  tree.Put("/var/lib/nvpmodel/status", "pmode:0002 fmode:quiet\n");
  tree.Put("/etc/nvpmodel.conf", "< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n");
  tree.Put("/sys/class/thermal/thermal_zone0/type", "cpu-thermal\n");
  tree.Put("/sys/class/thermal/thermal_zone0/temp", "48531\n");
  tree.Put("/sys/class/thermal/thermal_zone1/type", "gpu-thermal\n");
  tree.Put("/sys/class/thermal/thermal_zone1/temp", "49093\n");
  tree.Put("/sys/class/thermal/thermal_zone2/type", "cv0-thermal\n");
  tree.Put("/sys/class/thermal/thermal_zone2/temp", "-256000\n");
  tree.Put("/sys/class/thermal/thermal_zone3/type", "PMIC-Die\n");
  tree.Put("/sys/class/thermal/thermal_zone3/temp", "100000\n");
  tree.Put("/sys/class/thermal/cooling_device0/type", "pwm-fan\n");
  tree.Put("/sys/class/thermal/cooling_device0/cur_state", "3\n");
  tree.Put("/sys/class/thermal/cooling_device1/type", "cpufreq-cpu0\n");
  tree.Put("/sys/class/thermal/cooling_device1/cur_state", "1\n");
  tree.Put("/sys/class/hwmon/hwmon4/name", "soctherm_oc\n");
  tree.Put("/sys/class/hwmon/hwmon4/oc1_event_cnt", "0\n");
  tree.Put("/sys/class/hwmon/hwmon4/oc3_event_cnt", "17\n");
  tree.Put("/sys/class/hwmon/hwmon5/name", "ina3221\n");
  tree.Put("/sys/class/hwmon/hwmon5/oc1_event_cnt", "99\n");
  tree.Put("/etc/nv_tegra_release", "# R36 (release), REVISION: 4.3\n");
  tree.Put("/sys/firmware/devicetree/base/model",
           std::string_view("NVIDIA Jetson Orin Nano Developer Kit\0", 38));
  tree.Put("/sys/firmware/devicetree/base/serial-number", std::string_view("1421523012345\0", 14));
  tree.Put("/sys/devices/system/cpu/online", "0-3\n");

  const auto snapshot = SnapshotOf(tree);
  CHECK(snapshot.governors == std::vector<std::string>{"schedutil"});
  REQUIRE(snapshot.cpu_current_hz.has_value());
  CHECK(snapshot.cpu_current_hz->high == 1'510'400'000);
  CHECK(snapshot.cpus_that_scale == 0);
  CHECK_FALSE(snapshot.turbo.has_value());
  REQUIRE(snapshot.device_clocks.size() == 2);
  CHECK(snapshot.device_clocks.at("17000000.gpu").governor == "nvhost_podgov");
  CHECK(snapshot.device_clocks.at("17000000.gpu").ceiling_hz == 624'750'000);
  CHECK(snapshot.device_clocks.at("emc").floor_hz == 204'000'000);
  CHECK(snapshot.power_mode == "MAXN_SUPER");
  CHECK(snapshot.temperature_max_mdegc == 49'093);
  CHECK(snapshot.temperature_zone == "gpu-thermal");
  CHECK(snapshot.cooling_states == std::map<std::string, std::uint64_t>{{"cpufreq-cpu0", 1}});
  CHECK(snapshot.throttle_counts ==
        std::map<std::string, std::uint64_t>{{"oc1_event_cnt", 0}, {"oc3_event_cnt", 17}});

  const auto identity = IdentityOf(tree);
  CHECK(identity.board == "NVIDIA Jetson Orin Nano Developer Kit");
  CHECK(identity.serial == "1421523012345");
  CHECK(identity.os_image == "# R36 (release), REVISION: 4.3");
  CHECK(identity.cores == 4);
}

TEST_CASE("a Raspberry Pi's throttle bits are read", "[agent][probe]") {
  FakeTree tree;
  for (int cpu = 0; cpu < 4; ++cpu) PutCpu(tree, cpu, "ondemand", "600000", "600000", "1800000");
  const std::string path = GENERATE(std::string("/sys/devices/platform/soc/soc:firmware/get_throttled"),
                                    std::string("/sys/bus/platform/drivers/raspberrypi-firmware/"
                                                "soc@107c000000:firmware/get_throttled"));
  tree.Put(path, "50005\n");
  tree.Put("/proc/device-tree/model", std::string_view("Raspberry Pi 4 Model B Rev 1.4\0", 31));
  tree.Put("/proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n");
  const auto snapshot = SnapshotOf(tree);
  CHECK(snapshot.throttled_bits == 0x50005);
  CHECK(snapshot.cpus_that_scale == 4);
  CHECK(snapshot.cpu_floor_hz->low == 600'000'000);
  CHECK(snapshot.cpu_ceiling_hz->high == 1'800'000'000);
  CHECK(IdentityOf(tree).board == "Raspberry Pi 4 Model B Rev 1.4");
  CHECK(IdentityOf(tree).cpu_model == "0x41 0xd08");
}

TEST_CASE("an x86 desktop's turbo, throttle counts and load are read", "[agent][probe]") {
  FakeTree tree;
  for (int cpu = 0; cpu < 10; ++cpu) {
    PutCpu(tree, cpu, cpu == 3 ? "powersave" : "performance", cpu == 9 ? "4700000" : "800000", "800000",
           "4900000");
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/thermal_throttle/";
    tree.Put(folder + "core_throttle_count", "2\n");
    tree.Put(folder + "package_throttle_count", "5\n");
  }
  tree.Put("/sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
  tree.Put("/sys/class/hwmon/hwmon0/name", "coretemp\n");
  tree.Put("/sys/class/hwmon/hwmon0/temp1_input", "67000\n");
  tree.Put("/sys/class/thermal/thermal_zone0/type", "acpitz\n");
  tree.Put("/sys/class/thermal/thermal_zone0/temp", "27800\n");
  for (const char* device : {"0", "1"}) {
    tree.Put(std::string("/sys/class/thermal/cooling_device") + device + "/type", "Processor\n");
    tree.Put(std::string("/sys/class/thermal/cooling_device") + device + "/cur_state", "0\n");
  }
  tree.Put("/sys/class/thermal/cooling_device2/type", "intel_powerclamp\n");
  tree.Put("/sys/class/thermal/cooling_device2/cur_state", "-1\n");  // inactive
  tree.Put("/proc/loadavg", "0.52 0.58 0.59 1/467 12345\n");
  tree.Put("/proc/pressure/cpu",
           "some avg10=41.48 avg60=37.56 avg300=19.65 total=5987207625\nfull avg10=0.00 total=0\n");
  tree.Put("/proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=12\n");
  tree.Put("/proc/stat", "cpu  100 20 30 4000 50 6 7 8 9 0\ncpu0 1 2 3 4 5 6 7 8 9 0\nintr 1\n");
  tree.Put("/proc/meminfo", "MemTotal: 100 kB\nMemAvailable:   64 kB\nSwapTotal: 50 kB\nSwapFree: 20 kB\n");
  tree.Put("/proc/self/task/11/schedstat", "1000 250 3\n");
  tree.Put("/proc/self/task/12/schedstat", "2000 50 1\n");
  tree.Put("/proc/self/task/11/sched", "worker (11, #threads: 2)\nse.nr_migrations        :      4\n");
  tree.Put("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
  tree.Put("/sys/class/dmi/id/product_name", "Desk 9000\n");
  tree.Put("/proc/cpuinfo", "processor : 0\nmodel name\t: Intel(R) Core(TM) i7\n");
  tree.Put("/proc/cmdline", "quiet isolcpus=2-3\n");
  tree.Put("/proc/sys/kernel/osrelease", "6.1.0-37-amd64\n");
  tree.Put("/proc/sys/kernel/randomize_va_space", "2\n");
  tree.Put("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
  tree.Put("/sys/devices/system/cpu/isolated", "2-3\n");
  tree.Put("/sys/devices/system/cpu/online", "0-9\n");
  tree.Put("/etc/os-release", "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");

  const auto snapshot = SnapshotOf(tree);
  CHECK(snapshot.taken_ns == 1'000'000'000);
  CHECK(snapshot.governors == std::vector<std::string>{"performance", "powersave"});
  CHECK(snapshot.cpu_current_hz->low == 800'000'000);
  CHECK(snapshot.cpu_current_hz->high == 4'700'000'000);
  CHECK(snapshot.cpus_that_scale == 10);
  CHECK(snapshot.turbo == false);
  CHECK(snapshot.throttle_counts ==
        std::map<std::string, std::uint64_t>{{"core_throttle_count", 20}, {"package_throttle_count", 50}});
  CHECK(snapshot.cooling_states == std::map<std::string, std::uint64_t>{{"Processor", 0}});
  CHECK(snapshot.temperature_max_mdegc == 67'000);
  CHECK(snapshot.temperature_zone == "coretemp");
  CHECK(snapshot.load_average_1m == 0.52);
  CHECK(snapshot.pressure_cpu->avg10_percent == 41.48);
  CHECK(snapshot.pressure_cpu->total_us == 5'987'207'625);
  CHECK(snapshot.pressure_memory->total_us == 12);
  CHECK_FALSE(snapshot.pressure_io.has_value());
  CHECK(snapshot.cpu_busy_ns == 163 * 10'000'000);
  CHECK(snapshot.cpu_idle_ns == 4050ULL * 10'000'000);
  CHECK(snapshot.cpu_steal_ns == 80'000'000);
  CHECK(snapshot.memory_available_bytes == 65'536);
  CHECK(snapshot.swap_used_bytes == 30'720);
  CHECK(snapshot.own_wait_ns == 300);
  CHECK(snapshot.own_migrations == 4);
  CHECK(snapshot.clock_source == "tsc");

  const auto identity = IdentityOf(tree);
  CHECK(identity.kernel == "6.1.0-37-amd64");
  CHECK(identity.os_image == "Debian GNU/Linux 12 (bookworm)");
  CHECK(identity.command_line == "quiet isolcpus=2-3");
  CHECK(identity.board == "Desk 9000");
  CHECK(identity.cpu_model == "Intel(R) Core(TM) i7");
  CHECK(identity.cores == 10);
  CHECK(identity.isolated_cpus == "2-3");
  CHECK(identity.huge_pages == "madvise");
  CHECK(identity.address_randomisation == 2);
}

TEST_CASE("a machine without sources has empty fields, and nothing of the real one", "[agent][probe]") {
  const FakeTree tree;
  CHECK(SnapshotJson(SnapshotOf(tree)) == R"({"taken_ns":1000000000})");
  RepetitionEnvironment environment;
  environment.fingerprint = IdentityOf(tree);
  CHECK(EnvironmentToJson(environment)["fingerprint"].empty());
}

TEST_CASE("malformed files are as if they were not there", "[agent][probe]") {
  FakeTree tree;
  const std::string garbage =
      GENERATE(std::string(), std::string("\n"), std::string("what?\n"), std::string("-"),
               std::string("99999999999999999999999\n"), std::string("12x 34\n"), std::string("cpu  1 2 3\n"),
               std::string("some avg10= total=\n"), std::string("\xff\xfe\0\x80", 4),
               std::string(1 << 20, 'x'), std::string("cpu  9 9 9 9 9 9 9 99999999999999999999\n"));
  for (const char* path : {"/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq",
                           "/sys/devices/system/cpu/cpu0/cpufreq/scaling_min_freq",
                           "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count",
                           "/sys/devices/system/cpu/cpufreq/boost",
                           "/sys/class/devfreq/gpu/cur_freq",
                           "/sys/class/devfreq/gpu/min_freq",
                           "/sys/class/devfreq/gpu/max_freq",
                           "/var/lib/nvpmodel/status",
                           "/etc/nvpmodel.conf",
                           "/sys/class/thermal/thermal_zone0/temp",
                           "/sys/class/thermal/cooling_device0/cur_state",
                           "/sys/class/hwmon/hwmon0/name",
                           "/proc/stat",
                           "/sys/devices/platform/soc/soc:firmware/get_throttled",
                           "/proc/pressure/cpu",
                           "/proc/pressure/io",
                           "/proc/pressure/memory",
                           "/proc/meminfo",
                           "/proc/self/task/1/schedstat",
                           "/proc/self/task/1/sched",
                           "/sys/kernel/mm/transparent_hugepage/enabled",
                           "/proc/cpuinfo",
                           "/etc/os-release"}) {
    tree.Put(path, garbage);
  }
  const auto snapshot = SnapshotOf(tree);
  CHECK(SnapshotJson(snapshot) == R"({"taken_ns":1000000000})");
  const auto identity = IdentityOf(tree);
  CHECK_FALSE(identity.cpu_model.has_value());
  CHECK_FALSE(identity.huge_pages.has_value());
  CHECK_FALSE(identity.os_image.has_value());
}

TEST_CASE("text from the machine is printable and bounded", "[agent][probe]") {
  FakeTree tree;
  tree.Put("/proc/cmdline", "a\xff\x01" + std::string(100'000, 'b'));
  const auto line = IdentityOf(tree).command_line;
  REQUIRE(line.has_value());
  CHECK(line->substr(0, 4) == "a??b");
  CHECK(line->size() == 4096);
}

TEST_CASE("a pipe in place of a file does not hold the probe", "[agent][probe]") {
  FakeTree tree;
  tree.Put("/proc/meminfo", "");
  tree.Remove("/proc/meminfo");
  REQUIRE(::mkfifo((tree.root() + "/proc/meminfo").c_str(), 0600) == 0);
  CHECK_FALSE(SnapshotOf(tree).memory_available_bytes.has_value());
}

TEST_CASE("the probe sees this machine and this process", "[agent][probe]") {
  const EnvironmentProbe probe(SystemClock());
  const auto before = probe.TakeSnapshot();
  CHECK(before.cpu_busy_ns.has_value());
  CHECK(before.memory_available_bytes.has_value());
  REQUIRE(before.own_cpu_ns.has_value());
  volatile std::uint64_t sink = 0;
  for (int i = 0; i < 1'000'000; ++i) sink = sink + 1;
  const auto after = probe.TakeSnapshot();
  CHECK(*after.own_cpu_ns > *before.own_cpu_ns);
  CHECK(*after.taken_ns > *before.taken_ns);
  CHECK_FALSE(after.timer_floor_ns.has_value());
  const auto identity = probe.Identify();
  CHECK(identity.kernel.has_value());
  CHECK(identity.affinity.has_value());
  CHECK(identity.scheduler_class.has_value());
  CHECK(identity.not_permitted.empty());
}

}  // namespace
}  // namespace paddock::agent
