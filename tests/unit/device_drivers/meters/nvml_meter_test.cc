#include "device_drivers/meters/nvml_meter.h"

#include <cstdlib>

#include <catch2/catch.hpp>

#include "fake_sysfs.h"

namespace paddock {
namespace {

struct Variable {
  Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  ~Variable() { ::unsetenv(name_); }
  const char* name_;
};

TEST_CASE("NVML: the board's energy counter in millijoules", "[meters][nvml]") {
  const Variable energy("FAKE_NVML_ENERGY_MJ", "123456789");
  const auto meter = CreateNvmlMeter({{"library", FAKE_NVML}}, "");
  REQUIRE(meter.status().ToString() == "OK");
  CHECK((*meter)->Describe().source == "nvml");
  CHECK((*meter)->Describe().kind == MeterKind::kCounter);
  CHECK((*meter)->Describe().averaging_ns == 100'000'000);
  CHECK((*meter)->Describe().rails == std::vector<std::string>{"gpu0 Fake A100"});
  PowerTrace trace;
  REQUIRE((*meter)->Start().ok());
  REQUIRE(DrainAtLeast(meter->get(), 1, &trace).ok());
  (*meter)->Stop();
  CHECK(trace.value.front() == 123'456'789'000);
}

TEST_CASE("NVML: a board without the counter is sampled", "[meters][nvml]") {
  const Variable power("FAKE_NVML_POWER_MW", "61500");
  const auto meter = CreateNvmlMeter({{"library", FAKE_NVML}, {"gpu", "1"}}, "");
  REQUIRE(meter.ok());
  CHECK((*meter)->Describe().kind == MeterKind::kSampled);
  CHECK((*meter)->Probe(Deadline::Never()).ok());  // an idle GPU's power may stand still
  PowerTrace trace;
  REQUIRE((*meter)->Start().ok());
  REQUIRE(DrainAtLeast(meter->get(), 1, &trace).ok());
  CHECK(trace.value.front() == 61'500'000);
}

TEST_CASE("NVML: an energy counter that stands still is stuck", "[meters][nvml]") {
  const Variable energy("FAKE_NVML_ENERGY_MJ", "5");
  FakeClock clock;
  int steps = 0;
  MeterSeams seams{&clock, [&] {
                     clock.Advance(std::chrono::milliseconds(5));
                     ++steps;
                   }};
  auto meter = CreateNvmlMeterOf({{"library", FAKE_NVML}}, seams);
  REQUIRE(meter.ok());
  CHECK_THAT((*meter)->Probe(Deadline::Never()).message(), Catch::Contains("nvml: stuck"));
  CHECK(steps == 200);
}

TEST_CASE("NVML: without the library, the driver or the GPU the error says which", "[meters][nvml]") {
  auto meter = CreateNvmlMeter({{"library", "/nowhere/libnvidia-ml.so.1"}}, "");
  CHECK(meter.status().code() == StatusCode::kNotFound);
  CHECK_THAT(meter.status().message(), Catch::Contains("NVIDIA's driver"));
  meter = CreateNvmlMeter({{"library", FAKE_NVML}, {"gpu", "2"}}, "");
  CHECK(meter.status().code() == StatusCode::kNotFound);
  CHECK_THAT(meter.status().message(), Catch::Contains("no GPU 2, there are 2"));
  const Variable error("FAKE_NVML_ERROR", "9");
  meter = CreateNvmlMeter({{"library", FAKE_NVML}}, "");
  CHECK(meter.status().code() == StatusCode::kUnavailable);
  CHECK_THAT(meter.status().message(), Catch::Contains("Driver Not Loaded"));
}

}  // namespace
}  // namespace paddock
