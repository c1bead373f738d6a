#include <chrono>
#include <cstdlib>
#include <iostream>

#include "base/version.h"
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/result_table.h"
#include "proto/wire_limits.h"

namespace paddock {
namespace {

constexpr std::uint64_t kDiskWarnBytes = std::uint64_t{2} << 30;
constexpr std::uint64_t kDiskFailBytes = std::uint64_t{100} << 20;
constexpr std::int64_t kClockWarnMs = 60'000;  // an agent's heartbeat is never that far away

struct Check {
  std::string name;
  std::string status;  // OK, WARN, FAIL
  std::string finding;
  std::string next_step;
};
using Checks = std::vector<Check>;

void CheckVersion(const v1::ServerInfo& info, const std::string& address, Checks& checks) {
  Check check{"coordinator", "OK",
              "version " + info.version() + ", protocol " + std::to_string(info.protocol_version()) +
                  ", at " + address,
              ""};
  if (info.protocol_version() != kProtocolVersion) {
    check.status = "FAIL";
    check.next_step = "this paddock speaks protocol " + std::to_string(kProtocolVersion) +
                      "; install the same version on both sides";
  } else if (info.version() != kPaddockVersion) {
    check.status = "WARN";
    check.next_step =
        "this paddock is version " + std::string(kPaddockVersion) + "; install the same on both sides";
  }
  checks.push_back(std::move(check));
}

void CheckDisk(const v1::ServerInfo& info, Checks& checks) {
  Check check{"disk", "OK",
              Figure(static_cast<double>(info.free_disk_bytes()), "B") + " free in " + info.state_directory(),
              ""};
  if (info.free_disk_bytes() < kDiskWarnBytes) {
    check.status = info.free_disk_bytes() < kDiskFailBytes ? "FAIL" : "WARN";
    check.next_step = "free space on the disk of " + info.state_directory();
  }
  checks.push_back(std::move(check));
}

void CheckClock(const v1::ListDevicesResponse& devices, Checks& checks) {
  std::int64_t latest_ms = 0;
  for (const v1::Device& device : devices.devices()) {
    if (device.state() != "offline")
      latest_ms = std::max<std::int64_t>(latest_ms, device.last_seen_wall_ms());
  }
  if (latest_ms == 0) return;
  const std::int64_t now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                                  std::chrono::system_clock::now().time_since_epoch())
                                  .count();
  const std::int64_t apart_ms = std::abs(now_ms - latest_ms);
  if (apart_ms < kClockWarnMs) {
    checks.push_back({"clock", "OK", "agrees with the coordinator's", ""});
  } else {
    checks.push_back({"clock", "WARN",
                      "differs from the coordinator's by about " + std::to_string(apart_ms / 1000) + " s",
                      "set both clocks (timedatectl set-ntp true); times in lists are wrong until then"});
  }
}

void CheckDevices(const v1::ServerInfo& info, const v1::ListDevicesResponse& devices, Checks& checks) {
  const std::string counts =
      std::to_string(info.devices_online()) + " online of " + std::to_string(info.devices_known()) + " known";
  if (devices.devices().empty()) {
    checks.push_back(
        {"devices", "FAIL", "none has ever connected",
         "start a paddock-agent for each device: paddock-agent --server HOST:PORT --id ID --driver NAME "
         "--state DIR"});
  } else if (info.devices_online() == 0) {
    checks.push_back({"devices", "FAIL", counts, "start the agents of the devices below"});
  } else {
    checks.push_back({"devices", "OK", counts, ""});
  }
  for (const v1::Device& device : devices.devices()) {
    const std::string runtime = device.description().runtime();
    const std::string what = runtime.empty() ? device.description().driver() : runtime;
    Check check{"device " + device.id(), "OK", device.state() + ", " + what, ""};
    if (device.state() == "offline") {
      check.status = "WARN";
      check.finding = "offline, last seen " + Ago(device.last_seen_wall_ms()) + ", " + what;
      check.next_step = "start its paddock-agent, or look at the agent's log when it runs";
    } else if (!device.problem().empty()) {
      check.status = "WARN";
      check.finding = "cannot take runs: " + device.problem();
      check.next_step = "mend it; the agent notices by itself";
    }
    checks.push_back(std::move(check));
  }
}

void CheckRuns(const v1::ServerInfo& info, Checks& checks) {
  checks.push_back(
      {"runs", "OK",
       std::to_string(info.runs_running()) + " running, " + std::to_string(info.runs_queued()) + " queued",
       ""});
}

Checks Examine(Connection& connection) {
  Checks checks;
  v1::ServerInfo info;
  Status status = connection.Call(connection.jobs(), &v1::JobService::Stub::GetServerInfo,
                                  v1::GetServerInfoRequest(), &info);
  if (!status.ok()) {
    checks.push_back(
        {"coordinator", "FAIL", status.message(), "start paddockd, or name the right one with --server"});
    return checks;
  }
  CheckVersion(info, connection.address(), checks);
  CheckDisk(info, checks);
  v1::ListDevicesResponse devices;
  status = connection.Call(connection.devices(), &v1::DeviceService::Stub::ListDevices,
                           v1::ListDevicesRequest(), &devices);
  if (!status.ok()) {
    checks.push_back({"devices", "FAIL", status.message(), "look at the coordinator's log"});
    return checks;
  }
  CheckClock(devices, checks);
  CheckDevices(info, devices, checks);
  CheckRuns(info, checks);
  return checks;
}

void PrintChecks(OutputFormat format, const Checks& checks) {
  if (format == OutputFormat::kJson) {
    OrderedJson list = OrderedJson::array();
    for (const Check& check : checks) {
      list.push_back(
          {{"name", check.name},
           {"status", check.status},
           {"finding", check.finding},
           {"next_step", check.next_step.empty() ? OrderedJson(nullptr) : OrderedJson(check.next_step)}});
    }
    std::cout << Text({{"schema_version", 1}, {"checks", std::move(list)}});
    return;
  }
  Table table{{"CHECK", "STATUS", "FINDING", "NEXT STEP"}, {}};
  for (const Check& check : checks)
    table.rows.push_back({check.name, check.status, check.finding, check.next_step});
  PrintTable(format, table, "");
}

}  // namespace

int Doctor(const Globals& globals) {
  Connection connection(globals.server);
  const Checks checks = Examine(connection);
  PrintChecks(globals.format, checks);
  for (const Check& check : checks) {
    if (check.status == "FAIL") return kExitFarmFailed;
  }
  return kExitOk;
}

}  // namespace paddock
