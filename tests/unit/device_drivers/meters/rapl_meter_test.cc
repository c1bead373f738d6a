#include "device_drivers/meters/rapl_meter.h"

#include <map>

#include <catch2/catch.hpp>

#include "fake_sysfs.h"
#include "kpi/energy.h"

namespace paddock {
namespace {

// What the kernel would count: a value for each processor that was opened.
struct FakePmu {
  std::map<int, std::uint64_t> counts;  // by processor
  std::uint64_t config = 0;
  std::uint32_t type = 0;
  int open = 0;
  Status refusal;
};

class FakePerfEvents final : public PerfEvents {
 public:
  explicit FakePerfEvents(FakePmu* pmu) : pmu_(pmu) {}
  Result<int> Open(std::uint32_t type, std::uint64_t config, int cpu) override {
    if (!pmu_->refusal.ok()) return pmu_->refusal;
    pmu_->type = type;
    pmu_->config = config;
    ++pmu_->open;
    return cpu;
  }
  Result<std::uint64_t> Read(int descriptor) override { return pmu_->counts[descriptor]; }
  void Close(int) override { --pmu_->open; }

 private:
  FakePmu* pmu_;
};

void PowerPmu(const FakeSysfs& sysfs) {
  const std::string pmu = "/sys/bus/event_source/devices/power";
  sysfs.Write(pmu + "/type", "23");
  sysfs.Write(pmu + "/cpumask", "0,28");
  sysfs.Write(pmu + "/events/energy-pkg", "event=0x02");
  sysfs.Write(pmu + "/events/energy-pkg.scale", "2.3283064365386962890625e-10");
  sysfs.Write(pmu + "/events/energy-pkg.unit", "Joules");
}

Result<std::unique_ptr<PowerMeter>> PerfMeter(const FakeSysfs& sysfs, FakePmu* pmu, MeterSeams seams = {}) {
  return CreateRaplPerfMeterOf({}, sysfs.tree(), std::make_unique<FakePerfEvents>(pmu), seams);
}

std::int64_t FirstValue(PowerMeter* meter) {
  PowerTrace trace;
  REQUIRE(meter->Start().ok());
  REQUIRE(DrainAtLeast(meter, 1, &trace).ok());
  meter->Stop();
  return trace.value.front();
}

TEST_CASE("perf: the packages' counters are summed by the kernel's scale", "[meters][rapl]") {
  FakeSysfs sysfs;
  PowerPmu(sysfs);
  FakePmu pmu;
  pmu.counts = {{0, std::uint64_t{3} << 32}, {28, std::uint64_t{5} << 31}};
  {
    const auto meter = PerfMeter(sysfs, &pmu);
    REQUIRE(meter.ok());
    CHECK(pmu.type == 23);
    CHECK(pmu.config == 2);
    CHECK(pmu.open == 2);
    CHECK((*meter)->Describe().source == "rapl-perf");
    CHECK((*meter)->Describe().boundary == "package");
    CHECK((*meter)->Describe().kind == MeterKind::kCounter);
    CHECK((*meter)->Describe().rails.size() == 2);
    CHECK((*meter)->Describe().lsb == Approx(2.3283064365386963e-10));
    CHECK_FALSE((*meter)->Describe().counter_range_uj);
    CHECK(FirstValue(meter->get()) == 5'500'000);
  }
  CHECK(pmu.open == 0);
}

TEST_CASE("perf: a counter that opens and stays 0 under load is stuck", "[meters][rapl]") {
  FakeSysfs sysfs;
  PowerPmu(sysfs);
  FakePmu pmu;
  FakeClock clock;
  MeterSeams seams{&clock, [&] { clock.Advance(std::chrono::milliseconds(5)); }};
  auto meter = PerfMeter(sysfs, &pmu, seams);
  REQUIRE(meter.ok());
  const Status status = (*meter)->Probe(Deadline::Never());
  CHECK(status.code() == StatusCode::kUnavailable);
  CHECK_THAT(status.message(), Catch::Contains("rapl-perf: stuck"));

  seams.load = [&] {
    clock.Advance(std::chrono::milliseconds(5));
    pmu.counts[28] += 1 << 24;
  };
  meter = PerfMeter(sysfs, &pmu, seams);
  CHECK((*meter)->Probe(Deadline::Never()).ok());
}

TEST_CASE("perf: what is missing or not permitted is told apart", "[meters][rapl]") {
  FakeSysfs sysfs;
  FakePmu pmu;
  CHECK(PerfMeter(sysfs, &pmu).status().code() == StatusCode::kNotFound);
  PowerPmu(sysfs);
  pmu.refusal = PermissionDeniedError("perf_event_open: set kernel.perf_event_paranoid to 0");
  CHECK(PerfMeter(sysfs, &pmu).status().code() == StatusCode::kPermissionDenied);
  pmu.refusal = OkStatus();
  sysfs.Write("/sys/bus/event_source/devices/power/cpumask", "0;28");
  CHECK_THAT(PerfMeter(sysfs, &pmu).status().message(), Catch::Contains("cpumask holds '0;28'"));
  sysfs.Write("/sys/bus/event_source/devices/power/cpumask", "0-1,4");
  CHECK((*PerfMeter(sysfs, &pmu))->Describe().rails.size() == 3);
  sysfs.Write("/sys/bus/event_source/devices/power/events/energy-pkg", "umask=0x02");
  CHECK_THAT(PerfMeter(sysfs, &pmu).status().message(), Catch::Contains("not event=0x"));
  const auto psys =
      CreateRaplPerfMeterOf({{"domain", "psys"}}, sysfs.tree(), std::make_unique<FakePerfEvents>(&pmu), {});
  CHECK_THAT(psys.status().message(), Catch::Contains("no energy-psys"));
}

void Package(const FakeSysfs& sysfs, int index, std::int64_t energy_uj) {
  const std::string zone = "/sys/class/powercap/intel-rapl:" + std::to_string(index);
  sysfs.Write(zone + "/name", "package-" + std::to_string(index));
  sysfs.Write(zone + "/max_energy_range_uj", "262143328850");
  sysfs.Write(zone + "/energy_uj", std::to_string(energy_uj));
  const std::string core = "/sys/class/powercap/intel-rapl:" + std::to_string(index) + ":0";
  sysfs.Write(core + "/name", "core");
  sysfs.Write(core + "/max_energy_range_uj", "262143328850");
  sysfs.Write(core + "/energy_uj", "77777");
}

TEST_CASE("powercap: whole packages only, and the range is one step over the largest value",
          "[meters][rapl]") {
  FakeSysfs sysfs;
  Package(sysfs, 0, 1'000'000);
  sysfs.Write("/sys/class/powercap/intel-rapl:1/name", "psys");
  const auto meter = CreateRaplPowercapMeter({}, sysfs.root());
  REQUIRE(meter.ok());
  CHECK((*meter)->Describe().source == "rapl-powercap");
  CHECK((*meter)->Describe().rails == std::vector<std::string>{"package-0"});
  CHECK((*meter)->Describe().counter_range_uj == 262'143'328'850 + 61);
  CHECK((*meter)->Describe().lsb == Approx(61e-6));
  CHECK(FirstValue(meter->get()) == 1'000'000);
}

TEST_CASE("powercap: packages that wrap one after the other lose nothing", "[meters][rapl]") {
  FakeSysfs sysfs;
  const std::int64_t range = 262'143'328'911;
  std::vector<std::int64_t> values;
  std::optional<std::int64_t> described;
  // 60 J and 40 J from reading to reading; the first wraps after one, the second after three.
  for (int i = 0; i < 6; ++i) {
    Package(sysfs, 0, (range - 50'000'000 + i * 60'000'000) % range);
    Package(sysfs, 1, (range - 90'000'000 + i * 40'000'000) % range);
    const auto meter = CreateRaplPowercapMeter({}, sysfs.root());
    REQUIRE(meter.ok());
    described = (*meter)->Describe().counter_range_uj;
    values.push_back(FirstValue(meter->get()));
  }
  for (std::size_t i = 1; i < values.size(); ++i)
    CHECK(CounterStep(values[i - 1], values[i], described).value() == 100'000'000);
}

TEST_CASE("powercap: a counter that fell without a wrap makes the window's energy absent", "[meters][rapl]") {
  FakeSysfs sysfs;
  Package(sysfs, 0, 1'000'000'000);
  const auto meter = CreateRaplPowercapMeter({{"period_ms", "1"}}, sysfs.root());
  REQUIRE(meter.ok());
  PowerTrace trace;
  REQUIRE((*meter)->Start().ok());
  REQUIRE(DrainAtLeast(meter->get(), 10, &trace).ok());
  Package(sysfs, 0, 5'000);
  REQUIRE(DrainAtLeast(meter->get(), trace.at_ns.size() + 10, &trace).ok());
  (*meter)->Stop();
  const EnergyResult result = EnergyOfWindow(trace, {trace.at_ns.front(), trace.at_ns.back()}, {});
  CHECK_FALSE(result.gross_j);
  REQUIRE(result.problems.size() == 1);
  CHECK(result.problems[0].code == "ENERGY_COUNTER_RESET");
}

TEST_CASE("powercap: stuck, missing and unreadable counters are refused", "[meters][rapl]") {
  FakeSysfs sysfs;
  CHECK(CreateRaplPowercapMeter({}, sysfs.root()).status().code() == StatusCode::kNotFound);
  Package(sysfs, 0, 1'000'000);
  FakeClock clock;
  const MeterSeams seams{&clock, [&] { clock.Advance(std::chrono::milliseconds(5)); }};
  const auto meter = CreateRaplPowercapMeterOf({}, sysfs.tree(), seams);
  REQUIRE(meter.ok());
  CHECK_THAT((*meter)->Probe(Deadline::Never()).message(), Catch::Contains("stuck"));
  const auto unreadable = SysfsTree(sysfs.root(), [&](const std::string& path) -> Result<std::string> {
    if (path.ends_with("/energy_uj")) return ErrnoStatus(EACCES, path);
    return ReadFile(path);
  });
  const Status denied = CreateRaplPowercapMeterOf({}, unreadable, seams).status();
  CHECK(denied.code() == StatusCode::kPermissionDenied);
  CHECK_THAT(denied.message(), Catch::Contains("only root may read it"));
  Package(sysfs, 1, 0);
  sysfs.Write("/sys/class/powercap/intel-rapl:1/max_energy_range_uj", "65532610987");
  CHECK_THAT(CreateRaplPowercapMeter({}, sysfs.root()).status().message(),
             Catch::Contains("cannot be summed"));
}

}  // namespace
}  // namespace paddock
