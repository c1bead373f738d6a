#include "device_drivers/meters/hwmon_meter.h"

#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "fake_sysfs.h"

namespace paddock {
namespace {

using Strings = std::vector<std::string>;

void Ina3221(const FakeSysfs& sysfs, const std::string& folder, const std::vector<std::string>& labels) {
  sysfs.Write(folder + "/name", "ina3221");
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::string channel = std::to_string(i + 1);
    sysfs.Write(folder + "/in" + channel + "_label", labels[i]);
    sysfs.Write(folder + "/in" + channel + "_input", "5000");
    sysfs.Write(folder + "/curr" + channel + "_input", std::to_string(100 * (i + 1)));
    sysfs.Write(folder + "/shunt" + channel + "_resistor", "5000");
  }
  sysfs.Write(folder + "/in7_label", "sum of shunt voltages");
  sysfs.Write(folder + "/in7_input", "99999");
  sysfs.Write(folder + "/curr4_input", "99999");
  sysfs.Write(folder + "/update_interval", "7");
}

std::unique_ptr<PowerMeter> HwmonMeter(const FakeSysfs& sysfs, const DriverOptions& options = {}) {
  auto meter = CreateHwmonMeter(options, sysfs.root());
  REQUIRE(meter.status().ToString() == "OK");
  return std::move(meter).value();
}

std::int64_t OneSample(PowerMeter* meter) {
  PowerTrace trace;
  REQUIRE(meter->Start().ok());
  REQUIRE(DrainAtLeast(meter, 1, &trace).ok());
  meter->Stop();
  return trace.value.front();
}

TEST_CASE("JetPack 5 and 6: VDD_IN alone is the module's power", "[meters][hwmon]") {
  FakeSysfs sysfs;
  sysfs.Write("/sys/class/hwmon/hwmon0/name", "pwmfan");
  sysfs.Write("/sys/class/hwmon/hwmon1/name", "soctherm_oc");
  Ina3221(sysfs, "/sys/class/hwmon/hwmon4", {"VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC"});
  const auto meter = HwmonMeter(sysfs);
  CHECK(meter->Describe().source == "ina3221-hwmon");
  CHECK(meter->Describe().boundary == "module");
  CHECK(meter->Describe().kind == MeterKind::kSampled);
  CHECK(meter->Describe().on_device);
  CHECK(meter->Describe().rails == Strings{"VDD_IN"});
  CHECK(meter->Describe().lsb == Approx(0.04));
  CHECK(OneSample(meter.get()) == 500'000);  // 5 V x 100 mA
}

TEST_CASE("AGX Orin has no input rail: the sum of both chips, found through their driver",
          "[meters][hwmon]") {
  FakeSysfs sysfs;
  const std::string driver = "/sys/bus/i2c/drivers/ina3221";
  Ina3221(sysfs, driver + "/1-0040/hwmon/hwmon2", {"VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"});
  Ina3221(sysfs, driver + "/1-0041/hwmon/hwmon3", {"NC", "VDDQ_VDD2_1V8AO", "NC"});
  // The same chip again under its class, by a link as on a real board.
  std::filesystem::create_directories(sysfs.root() + "/sys/class/hwmon");
  std::filesystem::create_directory_symlink(sysfs.root() + driver + "/1-0040/hwmon/hwmon2",
                                            sysfs.root() + "/sys/class/hwmon/hwmon2");
  const auto meter = HwmonMeter(sysfs);
  CHECK(meter->Describe().boundary == "soc-rails");
  CHECK(meter->Describe().rails == Strings{"VDDQ_VDD2_1V8AO", "VDD_CPU_CV", "VDD_GPU_SOC", "VIN_SYS_5V0"});
  CHECK(OneSample(meter.get()) == 500'000 + 1'000'000 + 1'500'000 + 1'000'000);
}

TEST_CASE("JetPack 4: the IIO layout counts from 0 and gives milliwatts", "[meters][hwmon]") {
  FakeSysfs sysfs;
  const std::string device = "/sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0";
  const char* const labels[] = {"POM_5V_IN", "POM_5V_GPU", "POM_5V_CPU"};
  for (int i = 0; i < 3; ++i) {
    sysfs.Write(device + "/rail_name_" + std::to_string(i), labels[i]);
    sysfs.Write(device + "/in_power" + std::to_string(i) + "_input", std::to_string(1870 - 500 * i));
  }
  auto meter = HwmonMeter(sysfs);
  CHECK(meter->Describe().source == "ina3221-iio");
  CHECK(meter->Describe().boundary == "module");
  CHECK(OneSample(meter.get()) == 1'870'000);
  meter = HwmonMeter(sysfs, {{"rail", "POM_5V_CPU"}});
  CHECK(meter->Describe().boundary == "soc-rails");
  CHECK(OneSample(meter.get()) == 870'000);
}

TEST_CASE("Thor: VIN of the carrier's INA238 comes before the module's rails", "[meters][hwmon]") {
  FakeSysfs sysfs;
  Ina3221(sysfs, "/sys/class/hwmon/hwmon1", {"VDD_GPU", "VDD_CPU", "NC"});
  sysfs.Write("/sys/class/hwmon/hwmon3/name", "ina238");
  sysfs.Write("/sys/class/hwmon/hwmon3/in1_label", "VIN");
  sysfs.Write("/sys/class/hwmon/hwmon3/power1_input", "31415926");
  sysfs.Write("/sys/class/hwmon/hwmon5/name", "ucsi_source_psy_USBC000:001");
  sysfs.Write("/sys/class/hwmon/hwmon5/power1_input", "99000000");
  const auto meter = HwmonMeter(sysfs);
  CHECK(meter->Describe().source == "ina238-hwmon");
  CHECK(meter->Describe().boundary == "board-input");
  CHECK(OneSample(meter.get()) == 31'415'926);
}

TEST_CASE("Kria has one INA260 for the module, a Zynq board an INA226 for each rail", "[meters][hwmon]") {
  FakeSysfs kria;
  kria.Write("/sys/class/hwmon/hwmon1/name", "ina260_u14");
  kria.Write("/sys/class/hwmon/hwmon1/power1_input", "4550000");
  auto meter = HwmonMeter(kria);
  CHECK(meter->Describe().source == "ina260-hwmon");
  CHECK(meter->Describe().boundary == "module");
  CHECK(meter->Describe().rails == Strings{"ina260_u14"});
  CHECK(OneSample(meter.get()) == 4'550'000);

  FakeSysfs zynq;
  for (const char* const unit : {"u76", "u77"}) {
    const std::string folder = std::string("/sys/class/hwmon/hwmon") + unit[2];
    zynq.Write(folder + "/name", std::string("ina226_") + unit);
    zynq.Write(folder + "/in1_input", "850");
    zynq.Write(folder + "/curr1_input", "2000");
    zynq.Write(folder + "/shunt_resistor", "5000");
    zynq.Write(folder + "/update_interval", "35");
  }
  meter = HwmonMeter(zynq);
  CHECK(meter->Describe().source == "ina226-hwmon");
  CHECK(meter->Describe().kind == MeterKind::kAveraged);
  CHECK(meter->Describe().averaging_ns == 35'000'000);
  CHECK(meter->Describe().boundary == "soc-rails");
  CHECK(OneSample(meter.get()) == 2 * 850 * 2000);
}

TEST_CASE("a sensor that got another number is found again at the next start", "[meters][hwmon]") {
  FakeSysfs sysfs;
  Ina3221(sysfs, "/sys/class/hwmon/hwmon4", {"VDD_IN", "NC", "NC"});
  const auto meter = HwmonMeter(sysfs);
  CHECK(OneSample(meter.get()) == 500'000);
  sysfs.Rename("/sys/class/hwmon/hwmon4", "/sys/class/hwmon/hwmon2");
  sysfs.Write("/sys/class/hwmon/hwmon4/name", "nvme");
  sysfs.Write("/sys/class/hwmon/hwmon2/curr1_input", "250");
  CHECK(OneSample(meter.get()) == 1'250'000);
  sysfs.Remove("/sys/class/hwmon/hwmon2");
  CHECK(meter->Start().code() == StatusCode::kNotFound);
}

TEST_CASE("another set of rails than before is not taken for the same meter", "[meters][hwmon]") {
  FakeSysfs sysfs;
  Ina3221(sysfs, "/sys/class/hwmon/hwmon1", {"VDD_GPU", "VDD_CPU", "VDD_SOC"});
  const auto meter = HwmonMeter(sysfs);
  sysfs.Write("/sys/class/hwmon/hwmon1/in2_label", "NC");
  const Status status = meter->Start();
  CHECK(status.code() == StatusCode::kUnavailable);
  CHECK_THAT(status.message(), Catch::Contains("VDD_GPU, VDD_SOC instead of VDD_CPU, VDD_GPU, VDD_SOC"));
}

TEST_CASE("a rail without data is named, a disabled one is no rail", "[meters][hwmon]") {
  FakeSysfs sysfs;
  const std::string chip = "/sys/class/hwmon/hwmon1";
  Ina3221(sysfs, chip, {"VDD_GPU", "VDD_CPU", "VDD_SOC"});
  auto meter = CreateHwmonMeterOf({}, sysfs.TreeWith(chip + "/curr2_input", nullptr, {}), MeterSeams());
  REQUIRE_FALSE(meter.ok());
  CHECK(meter.status().code() == StatusCode::kUnavailable);
  CHECK_THAT(meter.status().message(),
             Catch::Contains("rail VDD_CPU") && Catch::Contains("No data available"));

  sysfs.Write(chip + "/in2_enable", "0");
  meter = CreateHwmonMeterOf({}, sysfs.TreeWith(chip + "/curr2_input", nullptr, {}), MeterSeams());
  REQUIRE(meter.ok());
  CHECK((*meter)->Describe().rails == Strings{"VDD_GPU", "VDD_SOC"});
}

TEST_CASE("a rail that is asked for and missing is an error that lists those there are", "[meters][hwmon]") {
  FakeSysfs sysfs;
  Ina3221(sysfs, "/sys/class/hwmon/hwmon1", {"VDD_IN", "VDD_SOC", "NC"});
  const auto meter = CreateHwmonMeter({{"rail", "VDD_DDR"}}, sysfs.root());
  CHECK(meter.status().code() == StatusCode::kUnavailable);
  CHECK_THAT(meter.status().message(), Catch::Contains("'VDD_DDR'") && Catch::Contains("VDD_IN, VDD_SOC"));
  CHECK(CreateHwmonMeter({{"rails", "VDD_IN"}}, sysfs.root()).status().code() ==
        StatusCode::kInvalidArgument);
}

TEST_CASE("a machine without such a chip has no meter of this kind", "[meters][hwmon]") {
  FakeSysfs sysfs;
  CHECK_THAT(CreateHwmonMeter({}, sysfs.root()).status().message(), Catch::Contains("monitors there: none"));
  sysfs.Write("/sys/class/hwmon/hwmon0/name", "ina2xx_lookalike");
  sysfs.Write("/sys/class/hwmon/hwmon1/name", "nvme");
  CHECK(CreateHwmonMeter({}, sysfs.root()).status().code() == StatusCode::kNotFound);
  CHECK_THAT(CreateHwmonMeter({}, sysfs.root()).status().message(),
             Catch::Contains("monitors there: ina2xx_lookalike, nvme."));
}

TEST_CASE("a file that holds no number is no reading", "[meters][hwmon]") {
  FakeSysfs sysfs;
  Ina3221(sysfs, "/sys/class/hwmon/hwmon1", {"VDD_IN", "NC", "NC"});
  sysfs.Write("/sys/class/hwmon/hwmon1/curr1_input", "12 mA");
  CHECK_THAT(CreateHwmonMeter({}, sysfs.root()).status().message(),
             Catch::Contains("rail VDD_IN") && Catch::Contains("holds '12 mA'"));
}

TEST_CASE("slow readings stretch the period to one that is reached", "[meters][hwmon]") {
  FakeSysfs sysfs;
  Ina3221(sysfs, "/sys/class/hwmon/hwmon1", {"VDD_GPU", "VDD_CPU", "VDD_SOC"});
  FakeClock clock;
  MeterSeams seams;
  seams.clock = &clock;
  const auto meter =
      CreateHwmonMeterOf({}, sysfs.TreeWith("", &clock, std::chrono::microseconds(6600)), seams);
  REQUIRE(meter.ok());
  CHECK((*meter)->Describe().period_ns == 6 * 6'600'000 * 5 / 4);
}

TEST_CASE("values that change with time are sampled while they change", "[meters][hwmon]") {
  FakeSysfs sysfs;
  Ina3221(sysfs, "/sys/class/hwmon/hwmon1", {"VDD_IN", "NC", "NC"});
  const auto meter = HwmonMeter(sysfs, {{"period_ms", "1"}});
  std::atomic<bool> stop{false};
  std::thread board([&] {
    for (int i = 0; !stop; ++i)
      sysfs.Write("/sys/class/hwmon/hwmon1/curr1_input", std::to_string(i % 2 ? 100 : 300));
  });
  PowerTrace trace;
  REQUIRE(meter->Start().ok());
  const auto both = [&] {
    return std::count(trace.value.begin(), trace.value.end(), 500'000) > 0 &&
           std::count(trace.value.begin(), trace.value.end(), 1'500'000) > 0;
  };
  while (!both()) REQUIRE(DrainAtLeast(meter.get(), trace.at_ns.size() + 1, &trace).ok());
  meter->Stop();
  stop = true;
  board.join();
  CHECK(trace.meter == meter->Describe());
  CHECK(std::is_sorted(trace.at_ns.begin(), trace.at_ns.end()));
}

TEST_CASE("a power that does not move under load is stuck", "[meters][hwmon]") {
  FakeSysfs sysfs;
  Ina3221(sysfs, "/sys/class/hwmon/hwmon1", {"VDD_IN", "NC", "NC"});
  FakeClock clock;
  MeterSeams seams{&clock, [&clock] { clock.Advance(std::chrono::milliseconds(5)); }};
  auto meter = CreateHwmonMeterOf({}, sysfs.tree(), seams);
  REQUIRE(meter.ok());
  const Status stuck = (*meter)->Probe(Deadline::Never());
  CHECK(stuck.code() == StatusCode::kUnavailable);
  CHECK_THAT(stuck.message(), Catch::Contains("stuck") && Catch::Contains("500000 uW"));

  int steps = 0;
  seams.load = [&] {
    clock.Advance(std::chrono::milliseconds(5));
    if (++steps == 20) sysfs.Write("/sys/class/hwmon/hwmon1/curr1_input", "180");
  };
  meter = CreateHwmonMeterOf({}, sysfs.tree(), seams);
  CHECK((*meter)->Probe(Deadline::Never()).ok());
  CHECK(steps == 20);
}

}  // namespace
}  // namespace paddock
