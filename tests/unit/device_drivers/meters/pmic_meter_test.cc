#include "device_drivers/meters/pmic_meter.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "fake_sysfs.h"

namespace paddock {
namespace {

const char* const kPmicText =
    "   3V7_WL_SW_A current(0)=0.10000000A\n"
    "   VDD_CORE_A current(7)=1.50000000A\n"
    "   3V7_WL_SW_V volt(8)=3.70000000V\n"
    "   VDD_CORE_V volt(15)=0.80000000V\n"
    "     EXT5V_V volt(24)=5.15268000V\n"
    "      BATT_V volt(25)=0.00683760V\n";

std::string Program(const TempDir& folder, const std::string& script) {
  const std::string path = folder / "vcgencmd";
  REQUIRE(WriteFileUnsynced(path, "#!/bin/sh\n" + script).ok());
  REQUIRE(::chmod(path.c_str(), 0755) == 0);
  return path;
}

TEST_CASE("PMIC: rails with voltage and current are summed, EXT5V is not", "[meters][pmic]") {
  const auto reading = ParsePmic(kPmicText);
  REQUIRE(reading.ok());
  CHECK(reading->power_uw == 370'000 + 1'200'000);
  CHECK(reading->rails == std::vector<std::string>{"3V7_WL_SW", "VDD_CORE"});
}

TEST_CASE("PMIC: a current without its voltage, or no current at all, is no power", "[meters][pmic]") {
  CHECK_THAT(ParsePmic("VDD_CORE_A current(7)=1.5A\n").status().message(), Catch::Contains("rail VDD_CORE"));
  CHECK_THAT(ParsePmic("EXT5V_V volt(24)=5.1V\n").status().message(), Catch::Contains("no current"));
  CHECK_THAT(ParsePmic("").status().message(), Catch::Contains("Raspberry Pi 5"));
  CHECK_THAT(ParsePmic("VDD_CORE_A current(7)=nanA\nVDD_CORE_V volt(15)=0.8V\n").status().message(),
             Catch::Contains("no current"));
}

TEST_CASE("PMIC: the meter asks vcgencmd for each sample", "[meters][pmic]") {
  TempDir folder;
  const std::string command = Program(
      folder, "[ \"$1\" = pmic_read_adc ] || exit 3\ncat <<'END'\n" + std::string(kPmicText) + "END\n");
  const auto meter = CreatePmicMeter({{"command", command}, {"period_ms", "10"}}, "");
  REQUIRE(meter.status().ToString() == "OK");
  CHECK((*meter)->Describe().source == "pmic");
  CHECK((*meter)->Describe().boundary == "soc-rails");
  CHECK((*meter)->Describe().period_ns >= 10'000'000);
  PowerTrace trace;
  REQUIRE((*meter)->Start().ok());
  REQUIRE(DrainAtLeast(meter->get(), 2, &trace).ok());
  (*meter)->Stop();
  CHECK(trace.value.front() == 1'570'000);
  CHECK(trace.read_ns.front() > 0);
}

TEST_CASE("PMIC: a machine without vcgencmd has no such meter, a Pi 4 says why not", "[meters][pmic]") {
  CHECK(CreatePmicMeter({{"command", "/nowhere/vcgencmd"}}, "").status().code() == StatusCode::kNotFound);
  TempDir folder;
  const std::string command = Program(folder, "echo 'error=2 error_msg=\"Invalid arguments\"'\nexit 2\n");
  const Status status = CreatePmicMeter({{"command", command}}, "").status();
  CHECK(status.code() == StatusCode::kUnavailable);
  CHECK_THAT(status.message(), Catch::Contains("exit code 2"));
}

}  // namespace
}  // namespace paddock
