#include "kpi/machine.h"

#include <catch2/catch.hpp>

namespace paddock {
namespace {

using MachineWords = std::map<std::string, std::string>;

TEST_CASE("a machine that says nothing of itself has no words", "[kpi][machine]") {
  CHECK(DescribeMachine({}).empty());
  const RepetitionEnvironment silent;
  CHECK(DescribeMachine({&silent}).empty());
}

TEST_CASE("a machine is told by who it is and how it was set before the window", "[kpi][machine]") {
  RepetitionEnvironment environment;
  environment.fingerprint.kernel = "6.1.0-25-arm64";
  environment.fingerprint.board = "Raspberry Pi 5 Model B Rev 1.0";
  environment.fingerprint.cores = 4;
  environment.fingerprint.affinity = "2-3";
  environment.fingerprint.scheduler_class = "fifo";
  environment.fingerprint.scheduler_priority = 10;
  environment.fingerprint.not_permitted = {"affinity", "realtime"};
  environment.before.governors = {"ondemand", "performance"};
  environment.before.cpu_floor_hz = HzRange{1'500'000'000, 1'500'000'000};
  environment.before.cpu_ceiling_hz = HzRange{2'400'000'000, 2'400'000'000};
  environment.before.turbo = false;
  environment.before.device_clocks["17000000.gpu"] = {"nvhost_podgov", 0, 918'000'000, 918'000'000};
  environment.after.governors = {"powersave"};
  CHECK(DescribeMachine({&environment}) == MachineWords{{"kernel", "6.1.0-25-arm64"},
                                                        {"board", "Raspberry Pi 5 Model B Rev 1.0"},
                                                        {"cores", "4"},
                                                        {"affinity", "2-3"},
                                                        {"scheduler", "fifo 10"},
                                                        {"not_permitted", "affinity, realtime"},
                                                        {"governor", "ondemand, performance"},
                                                        {"cpu_clock", "1500 .. 2400 MHz"},
                                                        {"turbo", "off"},
                                                        {"clock_of_17000000.gpu", "918 MHz, nvhost_podgov"}});
}

TEST_CASE("what differs between the repetitions of a run is told with all its values", "[kpi][machine]") {
  RepetitionEnvironment first;
  first.fingerprint.kernel = "6.1";
  first.fingerprint.affinity = "2";
  RepetitionEnvironment second = first;
  second.fingerprint.affinity = "3";
  CHECK(DescribeMachine({&first, &second, &first}) == MachineWords{{"kernel", "6.1"}, {"affinity", "2; 3"}});
}

}  // namespace
}  // namespace paddock
