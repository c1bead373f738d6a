#include "kpi/environment.h"

#include <catch2/catch.hpp>

#include "base/strict_json.h"
#include "kpi/counters.h"
#include "kpi/environment_rules.h"

namespace paddock {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kWindowNs = 10 * kSecond;

// A quiet board with four cores, where nothing changes over ten seconds.
RepetitionEnvironment QuietBoard() {
  RepetitionEnvironment environment;
  environment.fingerprint.kernel = "6.1.0";
  environment.fingerprint.cores = 4;
  environment.fingerprint.affinity = "2-3";
  environment.fingerprint.scheduler_class = "fifo";
  environment.fingerprint.scheduler_priority = 1;
  EnvironmentSnapshot& before = environment.before;
  before.taken_ns = 100 * kSecond;
  before.governors = {"performance"};
  before.cpu_current_hz = {1'800'000'000, 1'800'000'000};
  before.cpu_floor_hz = {600'000'000, 600'000'000};
  before.cpu_ceiling_hz = {1'800'000'000, 1'800'000'000};
  before.cpus_that_scale = 4;
  before.turbo = false;
  before.device_clocks["17000000.gpu"] = {"nvhost_podgov", 306'000'000, 306'000'000, 918'000'000};
  before.power_mode = "MAXN";
  before.temperature_max_mdegc = 48'500;
  before.temperature_zone = "cpu-thermal";
  before.throttle_counts = {{"oc1_event_cnt", 2}};
  before.cooling_states = {{"thermal-cpufreq-0", 0}};
  before.throttled_bits = 0x50000;
  before.load_average_1m = 0.25;
  before.pressure_cpu = {0.5, 1000};
  before.pressure_io = {0, 0};
  before.pressure_memory = {0, 17};
  before.cpu_busy_ns = 1000 * kSecond;
  before.cpu_idle_ns = 5000 * kSecond;
  before.cpu_steal_ns = 7 * kSecond;
  before.memory_available_bytes = std::uint64_t{3} << 30;
  before.swap_used_bytes = 0;
  before.own_cpu_ns = kSecond;
  before.own_wait_ns = 0;
  before.own_voluntary_switches = 3;
  before.own_involuntary_switches = 4;
  before.own_migrations = 1;
  before.own_minor_faults = 900;
  before.own_major_faults = 0;
  before.clock_source = "arch_sys_counter";
  before.ntp_synchronised = true;
  before.timer_floor_ns = 35;
  environment.after = before;
  environment.after.taken_ns = 110 * kSecond;
  environment.after.temperature_max_mdegc = 50'000;
  environment.after.cpu_busy_ns = 1011 * kSecond;
  environment.after.own_cpu_ns = 11 * kSecond;
  environment.after.own_wait_ns = kSecond / 100;
  environment.canary_before_ns = 2'000'000;
  environment.canary_after_ns = 2'010'000;
  environment.cooldown_s = 12.5;
  environment.cooldown_reached = true;
  return environment;
}

std::vector<std::string> FindingCodes(const RepetitionEnvironment& environment) {
  std::vector<std::string> codes;
  for (const auto& finding : CompareEnvironment(environment, kWindowNs)) {
    CHECK_FALSE(finding.detail.empty());
    CHECK(finding.evidence.is_object());
    CHECK_FALSE(finding.evidence.empty());
    codes.push_back(finding.code);
  }
  return codes;
}

EnvironmentFinding OnlyFinding(const RepetitionEnvironment& environment) {
  const auto findings = CompareEnvironment(environment, kWindowNs);
  REQUIRE(findings.size() == 1);
  return findings[0];
}

using CodeList = std::vector<std::string>;

TEST_CASE("a quiet board raises nothing", "[kpi][environment]") {
  CHECK(FindingCodes(QuietBoard()) == CodeList{});
}

TEST_CASE("a machine without any source raises nothing", "[kpi][environment]") {
  CHECK(CompareEnvironment({}, kWindowNs).empty());
  CHECK(CompareEnvironment({}, 0).empty());
}

TEST_CASE("a source that vanished during the window raises nothing", "[kpi][environment]") {
  auto environment = QuietBoard();
  environment.after = {};
  environment.canary_after_ns.reset();
  CHECK(FindingCodes(environment) == CodeList{});
}

TEST_CASE("every field survives the record", "[kpi][environment]") {
  auto environment = QuietBoard();
  environment.fingerprint.command_line = "quiet isolcpus=2-3";
  environment.fingerprint.os_image = "Debian GNU/Linux 12";
  environment.fingerprint.board = "NVIDIA Jetson Orin Nano";
  environment.fingerprint.serial = "1421";
  environment.fingerprint.cpu_model = "ARMv8";
  environment.fingerprint.isolated_cpus = "2-3";
  environment.fingerprint.huge_pages = "madvise";
  environment.fingerprint.address_randomisation = 2;
  environment.fingerprint.timer_slack_ns = 1;
  environment.fingerprint.not_permitted = {"realtime"};
  environment.after.temperature_max_mdegc = -5'000;
  const Json json = EnvironmentToJson(environment);
  CHECK(json["fingerprint"].size() == 15);
  CHECK(json["before"].size() == 33);
  const auto again = EnvironmentFromJson(Json::parse(json.dump()), "environment");
  REQUIRE(again.ok());
  CHECK(EnvironmentToJson(*again) == json);
  CHECK(again->after.temperature_max_mdegc == -5'000);
  CHECK(again->before.device_clocks.at("17000000.gpu").ceiling_hz == 918'000'000);
  CHECK(again->before.pressure_memory->total_us == 17);
}

TEST_CASE("absent fields stay absent in the record", "[kpi][environment]") {
  const Json json = EnvironmentToJson({});
  CHECK(json.dump() == R"({"after":{},"before":{},"fingerprint":{}})");
  const auto again = EnvironmentFromJson(json, "environment");
  REQUIRE(again.ok());
  CHECK_FALSE(again->before.cpu_current_hz.has_value());
  CHECK_FALSE(again->canary_before_ns.has_value());
}

TEST_CASE("a damaged environment is refused with its path", "[kpi][environment]") {
  const Json good = EnvironmentToJson(QuietBoard());
  Json json = good;
  std::string path;
  SECTION("a negative counter") {
    json["before"]["own_cpu_ns"] = -1;
    path = "environment.before.own_cpu_ns";
  }
  SECTION("an unknown key") {
    json["after"]["own_cpu"] = 1;
    path = "environment.after.own_cpu";
  }
  SECTION("half a range") {
    json["before"]["cpu_current_hz"].erase("high");
    path = "environment.before.cpu_current_hz.high";
  }
  SECTION("a snapshot that is no object") {
    json["after"] = 3;
    path = "environment.after";
  }
  SECTION("a snapshot that is missing") {
    json.erase("after");
    path = "environment.after";
  }
  SECTION("device clocks that are a list") {
    json["before"]["device_clocks"] = Json::array({1});
    path = "environment.before.device_clocks";
  }
  SECTION("a clock without its ceiling") {
    json["before"]["device_clocks"]["17000000.gpu"].erase("ceiling_hz");
    path = "environment.before.device_clocks.17000000.gpu.ceiling_hz";
  }
  const auto result = EnvironmentFromJson(json, "environment");
  REQUIRE_FALSE(result.ok());
  CHECK(result.status().code() == StatusCode::kInvalidArgument);
  CHECK_THAT(result.status().message(), Catch::StartsWith(path));
}

TEST_CASE("a throttle event during the window degrades", "[kpi][environment]") {
  auto environment = QuietBoard();
  SECTION("an event counter that moved") {
    environment.after.throttle_counts["oc1_event_cnt"] = 3;
    CHECK(OnlyFinding(environment).detail == "oc1_event_cnt moved from 2 to 3");
  }
  SECTION("a cooling device at work") { environment.after.cooling_states["thermal-cpufreq-0"] = 2; }
  SECTION("a cooling device at work only before") {
    environment.before.cooling_states["thermal-cpufreq-0"] = 1;
  }
  SECTION("the Pi throttles now") { environment.after.throttled_bits = 0x50004; }
  SECTION("the Pi was capped in between") { environment.after.throttled_bits = 0x70000; }
  const auto finding = OnlyFinding(environment);
  CHECK(finding.code == "THROTTLED");
  CHECK(finding.severity == FindingSeverity::kDegrades);
}

TEST_CASE("a clock that changed degrades, a wobble of the reading does not", "[kpi][environment]") {
  auto environment = QuietBoard();
  environment.after.cpu_current_hz = {1'700'000'000, 1'720'000'000};  // -4.4 %
  CHECK(FindingCodes(environment) == CodeList{});
  SECTION("the CPU is slower") {
    environment.after.cpu_current_hz = {600'000'000, 1'700'000'000};
    CHECK_THAT(OnlyFinding(environment).detail, Catch::Contains("-5.6 %"));
  }
  SECTION("the CPU is faster") { environment.after.cpu_current_hz = {600'000'000, 1'900'000'000}; }
  SECTION("the CPU's ceiling fell") { environment.after.cpu_ceiling_hz->low = 1'400'000'000; }
  SECTION("the GPU's ceiling fell") {
    environment.after.device_clocks["17000000.gpu"].ceiling_hz = 624'000'000;
  }
  const auto finding = OnlyFinding(environment);
  CHECK(finding.code == "FREQUENCY_DRIFT");
  CHECK(finding.severity == FindingSeverity::kDegrades);
}

TEST_CASE("a temperature that left the band of 3 K only informs", "[kpi][environment]") {
  auto environment = QuietBoard();
  environment.after.temperature_max_mdegc = 51'500;
  CHECK(FindingCodes(environment) == CodeList{});
  environment.after.temperature_max_mdegc = 51'501;
  const auto finding = OnlyFinding(environment);
  CHECK(finding.code == "TEMPERATURE_DRIFT");
  CHECK(finding.severity == FindingSeverity::kInforms);
  CHECK(finding.evidence["temperature_max_mdegc"]["after"] == 51'501);
}

TEST_CASE("waiting for a CPU for more than 2 % of the window degrades", "[kpi][environment]") {
  auto environment = QuietBoard();
  environment.after.own_wait_ns = kWindowNs / 50;
  environment.after.cpu_steal_ns = 7 * kSecond + 4 * kWindowNs / 50;
  CHECK(FindingCodes(environment) == CodeList{});
  SECTION("own waiting") { *environment.after.own_wait_ns += 1'000'000; }
  SECTION("steal") { *environment.after.cpu_steal_ns += 10'000'000; }
  const auto finding = OnlyFinding(environment);
  CHECK(finding.code == "CPU_CONTENTION");
  CHECK(finding.severity == FindingSeverity::kDegrades);
}

TEST_CASE("the window stands in where snapshots carry no time", "[kpi][environment]") {
  auto environment = QuietBoard();
  environment.before.taken_ns.reset();
  environment.after.own_wait_ns = kWindowNs / 40;
  CHECK(FindingCodes(environment) == CodeList{"CPU_CONTENTION"});
  CHECK(CompareEnvironment(environment, 10 * kWindowNs).empty());
}

TEST_CASE("the load of others informs and then degrades", "[kpi][environment]") {
  auto environment = QuietBoard();
  // Besides the worker; the counters' ticks may hide 10 ms a core.
  environment.after.cpu_busy_ns = 1000 * kSecond + 10 * kSecond + 3'900'000'000;
  CHECK(FindingCodes(environment) == CodeList{});
  environment.after.cpu_busy_ns = 1000 * kSecond + 10 * kSecond + 4'100'000'000;
  auto finding = OnlyFinding(environment);
  CHECK(finding.code == "FOREIGN_LOAD");
  CHECK(finding.severity == FindingSeverity::kInforms);
  CHECK(finding.detail == "other processes used 0.41 of 4 cores");
  environment.after.cpu_busy_ns = 1000 * kSecond + 10 * kSecond + 20'100'000'000;
  finding = OnlyFinding(environment);
  CHECK(finding.severity == FindingSeverity::kDegrades);
}

TEST_CASE("a counter that went backwards is no load", "[kpi][environment]") {
  auto environment = QuietBoard();
  environment.after.cpu_busy_ns = 1;
  environment.after.cpu_steal_ns = 1;
  environment.after.own_wait_ns.reset();
  environment.after.taken_ns = 1;
  CHECK(FindingCodes(environment) == CodeList{});
}

TEST_CASE("memory stalls degrade and swapping informs", "[kpi][environment]") {
  auto environment = QuietBoard();
  environment.after.pressure_memory->total_us = 17 + 100'000;
  environment.after.swap_used_bytes = 1 << 20;
  CHECK(FindingCodes(environment) == CodeList{});
  environment.after.swap_used_bytes = 2 << 20;
  CHECK(OnlyFinding(environment).severity == FindingSeverity::kInforms);
  environment.after.pressure_memory->total_us = 17 + 101'000;
  const auto finding = OnlyFinding(environment);
  CHECK(finding.code == "MEMORY_PRESSURE");
  CHECK(finding.severity == FindingSeverity::kDegrades);
  CHECK(finding.evidence.size() == 2);
}

TEST_CASE("a canary that changed by more than 2 % degrades", "[kpi][environment]") {
  auto environment = QuietBoard();
  environment.canary_after_ns = 2'039'000;
  CHECK(FindingCodes(environment) == CodeList{});
  const std::uint64_t changed = GENERATE(2'041'000, 1'959'000);
  environment.canary_after_ns = changed;
  const auto finding = OnlyFinding(environment);
  CHECK(finding.code == "CANARY_SLOW");
  CHECK(finding.severity == FindingSeverity::kDegrades);
}

TEST_CASE("what was not permitted informs", "[kpi][environment]") {
  auto environment = QuietBoard();
  environment.fingerprint.not_permitted = {"affinity", "realtime", "timer_slack"};
  CHECK(FindingCodes(environment) == CodeList{"NOT_PINNED", "NO_REALTIME"});
  for (const auto& finding : CompareEnvironment(environment, kWindowNs))
    CHECK(finding.severity == FindingSeverity::kInforms);
}

TEST_CASE("a governor that may change the clock degrades, unless the clock is locked", "[kpi][environment]") {
  auto environment = QuietBoard();
  environment.before.governors = {"schedutil"};
  const auto finding = OnlyFinding(environment);
  CHECK(finding.code == "GOVERNOR");
  CHECK(finding.severity == FindingSeverity::kDegrades);
  environment.before.cpus_that_scale = 0;
  CHECK(FindingCodes(environment) == CodeList{});
}

TEST_CASE("a cool-down that ran into its cap degrades", "[kpi][environment]") {
  auto environment = QuietBoard();
  environment.cooldown_s = 300;
  environment.cooldown_reached = false;
  const auto finding = OnlyFinding(environment);
  CHECK(finding.code == "COOLDOWN_TIMEOUT");
  CHECK(finding.severity == FindingSeverity::kDegrades);
  CHECK(finding.detail == "still too hot after cooling down for 300 s");
}

TEST_CASE("counter readings survive the record", "[kpi][counters]") {
  CounterReadings counters;
  CHECK(CountersToJson(counters).dump() == "{}");
  counters.cycles = 1'000'000'007;
  counters.instructions = 2;
  counters.cache_misses = 3;
  counters.branch_misses = 4;
  counters.multiplexed_share = 0.5;
  counters.missing = "stuck";
  counters.process_cpu_ns = 5;
  counters.thread_cpu_ns = 6;
  counters.voluntary_switches = 7;
  counters.involuntary_switches = 8;
  const Json json = CountersToJson(counters);
  CHECK(json.size() == 10);
  const auto again = CountersFromJson(Json::parse(json.dump()), "counters");
  REQUIRE(again.ok());
  CHECK(CountersToJson(*again) == json);
  CHECK(again->cycles == 1'000'000'007);
  const auto refused = CountersFromJson(Json::parse(R"({"cycle": 1})"), "counters");
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.status().message(), Catch::StartsWith("counters.cycle"));
}

}  // namespace
}  // namespace paddock
