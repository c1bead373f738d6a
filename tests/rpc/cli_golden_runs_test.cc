#include <catch2/catch.hpp>

#include "cli/document.h"

namespace paddock {

TEST_CASE("golden runs add names to the documents of a run and a device, and none where there are none") {
  v1::RunResult run;
  v1::Kpi& kpi = (*run.mutable_kpis())["latency_p50"];
  kpi.set_value(0.003);
  CHECK_FALSE(RunDocument(run).contains("golden"));
  CHECK_FALSE(RunDocument(run)["kpis"]["latency_p50"].contains("relative"));
  kpi.set_relative(2.5);
  v1::GoldenComparison& golden = *run.mutable_golden();
  golden.add_near_runs("r-7");
  CHECK(RunDocument(run)["kpis"]["latency_p50"]["relative"] == 2.5);
  CHECK(RunDocument(run)["golden"].dump() == R"({"near_runs":["r-7"],"history":0,"drifting":false})");
  golden.set_history(14);
  golden.set_median_s(0.0012);
  golden.set_spread_s(0);
  golden.set_farthest("r-7");
  golden.set_ratio(1.125);
  golden.set_drifting(true);
  CHECK(
      RunDocument(run)["golden"].dump() ==
      R"({"near_runs":["r-7"],"history":14,"median_s":0.0012,"spread_s":0.0,"farthest":"r-7","ratio":1.125,"drifting":true})");

  v1::Device device;
  CHECK_FALSE(DeviceDocument(device).contains("golden"));
  device.mutable_description()->set_golden("around each run");
  CHECK(DeviceDocument(device)["golden"].dump() ==
        R"({"policy":"around each run","runs":0,"drifting":false})");
  device.mutable_golden()->set_runs(2);
  device.mutable_golden()->set_last_run("r-9");
  device.mutable_golden()->set_last_ratio(1.5);
  device.mutable_golden()->set_drifting(true);
  device.mutable_description()->clear_golden();
  CHECK(DeviceDocument(device)["golden"].dump() ==
        R"({"policy":null,"runs":2,"last_run":"r-9","last_ratio":1.5,"drifting":true})");
}

}  // namespace paddock
