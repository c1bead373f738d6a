#include <catch2/catch.hpp>

#include "cli/evidence_download.h"
#include "cli/waterfall.h"

namespace paddock {
namespace {

v1::RunResult RunWithStages() {
  v1::RunResult run;
  const auto add = [&](const char* name, double seconds) -> v1::StageTime& {
    v1::StageTime& stage = *run.add_waterfall();
    stage.set_stage(name);
    stage.set_seconds(seconds);
    return stage;
  };
  add("queue", 1);
  add("transfer", 1).set_bytes(2048);
  for (const std::uint32_t repetition : {0U, 1U}) {
    v1::StageTime& measured = add("measured", 3);
    measured.set_repetition(repetition);
    measured.set_energy_j(0.5);
  }
  return run;
}

}  // namespace

TEST_CASE("the waterfall names what is not known instead of making it zero") {
  const OrderedJson stages = WaterfallDocument(RunWithStages());
  REQUIRE(stages.size() == 4);
  CHECK(stages[0].dump() ==
        R"({"stage":"queue","repetition":null,"seconds":1.0,"bytes":null,"energy_j":null})");
  CHECK(stages[1]["bytes"] == 2048);
  CHECK(stages[3]["repetition"] == 1);
  CHECK_FALSE(RunDocument(v1::RunResult()).contains("waterfall"));
  CHECK(RunDocument(RunWithStages())["waterfall"] == stages);
}

TEST_CASE("a stage's bar begins where the one before ends, and has all repetitions") {
  CHECK(WaterfallText(RunWithStages()) ==
        "STAGE     TIMES  TIME     BYTES      ENERGY\n"
        "queue     1      1.000 s  -          -        |#####\n"
        "transfer  1      1.000 s  2.000 KiB  -        |     #####\n"
        "measured  2      6.000 s  -          1.000 J  |          ##############################\n");
  CHECK(WaterfallText(v1::RunResult()).empty());
}

TEST_CASE("a record that expired is told with its day, one that is missing is not called expired") {
  v1::RunResult run;
  v1::RepetitionInfo& repetition = *run.add_repetitions();
  CHECK(ExpiredRecords(run).empty());
  repetition.set_record_gone(true);
  CHECK(ExpiredRecords(run).find("missing") != std::string::npos);
  repetition.set_record_expires_wall_ms(1'700'000'000'000);
  CHECK(ExpiredRecords(run) == "raw record of repetition 0 expired on 2023-11-14, histogram kept");
}

}  // namespace paddock
