#include "device_drivers/meters_registry.h"

#include <set>

#include <catch2/catch.hpp>

#include "fake_sysfs.h"

namespace paddock {
namespace {

TEST_CASE("every meter has its own name, a summary and options", "[meters][registry]") {
  std::set<std::string_view> names;
  for (const MeterEntry& entry : AllMeters()) {
    CHECK(names.insert(entry.name).second);
    CHECK_FALSE(entry.summary.empty());
    CHECK_FALSE(entry.options.empty());
    CHECK((*FindMeter(entry.name))->name == entry.name);
    FakeSysfs empty;
    CHECK(entry.create({{"no such option", "1"}}, empty.root()).status().code() ==
          StatusCode::kInvalidArgument);
  }
  CHECK_THAT(FindMeter("tdp").status().message(), Catch::Contains("'tdp'") && Catch::Contains("rapl-perf"));
}

TEST_CASE("a machine without sensors has no meter, one with a stuck sensor says so", "[meters][registry]") {
  FakeSysfs sysfs;
  CHECK(FirstWorkingMeter(sysfs.root(), Deadline::Never()).status().code() == StatusCode::kNotFound);
  const std::string zone = "/sys/class/powercap/intel-rapl:0";
  sysfs.Write(zone + "/name", "package-0");
  sysfs.Write(zone + "/max_energy_range_uj", "262143328850");
  sysfs.Write(zone + "/energy_uj", "5");
  const Status stuck = FirstWorkingMeter(sysfs.root(), Deadline::Never()).status();
  CHECK(stuck.code() == StatusCode::kUnavailable);
  CHECK_THAT(stuck.message(), Catch::Contains("rapl-powercap: stuck"));
}

}  // namespace
}  // namespace paddock
