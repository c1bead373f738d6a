#include <catch2/catch.hpp>

#include "kpi/mlperf_tiny/labels.h"
#include "kpi/mlperf_tiny/published.h"
#include "kpi/mlperf_tiny/runner_log.h"
#include "tests/unit/kpi/mlperf_tiny/made_up_runs.h"

namespace paddock::mlperf_tiny {
namespace {

using Catch::Contains;

RunnerLog ReadLog(const std::string& text) {
  auto log = ParseRunnerLog(text, "log.txt");
  REQUIRE(log.status().ToString() == "OK");
  return *std::move(log);
}

std::string LogError(const std::string& text) { return ParseRunnerLog(text, "log.txt").status().message(); }

}  // namespace

TEST_CASE("a loop lasts from its last but one lap to its last one") {
  const RunnerLog log = ReadLog(FiveLoops());
  REQUIRE(log.sessions.size() == 1);
  CHECK(log.model == "vww01");
  const auto& loops = log.sessions[0].loops;
  REQUIRE(loops.size() == 5);
  CHECK(loops[0].iterations == 100);
  CHECK(loops[0].duration_s == 10.0);
  CHECK(loops[4].duration_s == 14.0);
  CHECK(loops[0].line == 4);
}

TEST_CASE("messages are found behind echoes, further speakers and carriage returns") {
  const RunnerLog log = ReadLog(
      "00657.647 dut: timestamp%m-lap-us-1\r\n"
      "80224.614 dut: infer 30 1%Input db has 27648 elemented\r\nm-warmup-start-1\r\n"
      "00030.1 io: [dut]: m-infer-start-30\r\n"
      "00030.2 dut: infer 30 1m-lap-us-1620358199278953\r\n00030.3 dut: dut: m-lap-us-1620358209278953\r\n"
      "m-infer-done\r\n");
  REQUIRE(log.sessions.size() == 1);
  REQUIRE(log.sessions[0].loops.size() == 1);
  CHECK(log.sessions[0].loops[0].duration_s == 10.0);
  CHECK(log.sessions[0].loops[0].iterations == 30);
}

TEST_CASE("runs appended to one log are told apart, and loops that did not end are counted") {
  const std::string aborted = SessionStart() + TimedLoop(10, 1, 11'000'001) + "1 dut: m-infer-start-10\n";
  const RunnerLog log = ReadLog(aborted + FiveLoops());
  REQUIRE(log.sessions.size() == 2);
  CHECK(log.sessions[0].loops.size() == 1);
  CHECK(log.sessions[0].unfinished_loops == 1);
  CHECK(log.sessions[1].loops.size() == 5);
}

TEST_CASE("a loop in energy mode has no laps, and one whose clock runs backwards has no duration") {
  const RunnerLog log =
      ReadLog("m-infer-start-7\nm-infer-done\nm-results-[1]\n" + TimedLoop(8, 4'294'967'000, 12));
  const auto& loops = log.sessions.at(0).loops;
  REQUIRE(loops.size() == 2);
  CHECK_FALSE(loops[0].duration_s);
  CHECK_FALSE(loops[0].clock_backwards);
  CHECK_FALSE(loops[1].duration_s);
  CHECK(loops[1].clock_backwards);
}

TEST_CASE("scores belong to the file loaded before, and a repeated answer replaces the first") {
  const RunnerLog log = ReadLog(
      "sequencer: m-sequencing-i[5]-command[bload dut \"/d/kws01/tst_1_On_5.bin\"]-ack[/parser: m-ready/]\n"
      "m-results-[0.1,-0.002,nan]\nm-results-[0.2,0.3,0.4,]\nparser: Command \"bload dut \"C:\\x\\b.bin\" 0 "
      "2560\"\n"
      "m-bload-done\nm-results-[14.180]\n");
  const auto& results = log.sessions.at(0).results;
  REQUIRE(results.size() == 2);
  CHECK(results[0].input == "tst_1_On_5.bin");
  CHECK(results[0].scores == std::vector<double>{0.2, 0.3, 0.4});
  CHECK(results[1].input == "b.bin");
  CHECK(results[1].line == 6);
}

TEST_CASE("the summary of the runner of v1.3 counts as loops, with all its digits") {
  const RunnerLog log = ReadLog(
      "0726.0 ulp-mlperf:   # Inferences :           250\n0726.0 ulp-mlperf:   Runtime      :     10.862 "
      "sec.\n"
      "Performance results for window 1\n# Inferences : 250\nRuntime: 10.862042 sec.\nThroughput: 23.0 "
      "inf./sec.\n");
  REQUIRE(log.sessions.at(0).loops.size() == 1);
  CHECK(log.sessions[0].loops[0].duration_s == 10.862042);
}

TEST_CASE("lines may end with CR alone, and the runner of v1.3 names the model in its own words") {
  std::string text = "Device model retrieved: kws01\n" + TimedLoop(50, 1'000'000, 12'000'000);
  for (char& c : text) c = c == '\n' ? '\r' : c;
  const auto log = ParseRunnerLog(text, "log.txt");
  REQUIRE(log.ok());
  CHECK(log->model == "kws01");
  REQUIRE(log->sessions.size() == 1);
  REQUIRE(log->sessions[0].loops.size() == 1);
  CHECK(log->sessions[0].loops[0].iterations == 50);
  CHECK(log->sessions[0].loops[0].duration_s == 11.0);
}

TEST_CASE("answers that cannot be read do not matter where times are asked for") {
  const std::string text = TimedLoop(50, 1'000'000, 12'000'000) + "dut: m-results-[0.1,script.async: go\n";
  CHECK_FALSE(ParseRunnerLog(text, "log.txt").ok());
  const auto log = ParseRunnerLog(text, "log.txt", false);
  REQUIRE(log.ok());
  CHECK(log->sessions[0].loops.size() == 1);
  CHECK(log->sessions[0].results.empty());
}

TEST_CASE("what matters and cannot be read is an error with file and line") {
  CHECK_THAT(LogError("\nm-infer-start-x\n"), Contains("log.txt:2: m-infer-start"));
  CHECK_THAT(LogError("m-infer-start-1\nm-lap-us-\n"), Contains("log.txt:2: m-lap-us"));
  CHECK_THAT(LogError("m-results-[0.1,abc]\n"), Contains("log.txt:1: m-results holds 'abc'"));
  CHECK_THAT(LogError("m-results-[0.1,0.2\n"), Contains("closing ]"));
  CHECK_THAT(LogError("m-results-[]\n"), Contains("without scores"));
}

TEST_CASE("published figures keep the number of digits they were printed with") {
  const Published published = ParsePublished(
      "00531.022 ulp-mlperf: Top-1: 90.1%\r\n0726.01 ulp-mlperf: AUC = 0.995\r\n"
      "1 ulp-ml:   # Inferences :          110\n1 ulp-ml: Median energy cost is 5230.273 uJ/inf.\n"
      "0726.0 ulp-mlperf: Median throughput is     23.032 inf./sec.\n"
      "dut: m-profile-[ULPMark]\n1 ulp-ml: e-[The run must take at least 10 seconds and 10 iterations to be "
      "valid]\n");
  CHECK(published.top1_percent->value == 90.1);
  CHECK(published.top1_percent->decimals == 1);
  CHECK(published.auc->decimals == 3);
  CHECK(published.energy_uj->value == 5230.273);
  CHECK(published.throughput->value == 23.032);
  CHECK(published.inferences == std::vector<std::uint64_t>{110});
  CHECK(published.errors ==
        std::vector<std::string>{"The run must take at least 10 seconds and 10 iterations to be valid"});
}

TEST_CASE("labels come from the table, or from names that hold them") {
  const auto labels = ParseLabels("a.bin,10,7\r\nb.bin,2,1,2560,512\n\n", "y_labels.csv");
  REQUIRE(labels.ok());
  CHECK(labels->at("a.bin") == 7);
  CHECK(labels->at("b.bin") == 1);
  CHECK_THAT(ParseLabels("a.bin,10,7\nb.bin,10\n", "y.csv").status().message(), Contains("y.csv:2"));
  CHECK_THAT(ParseLabels("a.bin,10,7\na.bin,10,6\n", "y.csv").status().message(), Contains("second class"));
  CHECK(LabelInName("tst_000010_Unknown_11.bin") == 11);
  CHECK(LabelInName("anomaly_id_01_00000003_hist_librosa.bin") == 1);
  CHECK(LabelInName("normal_id_01_00000003_hist_librosa.bin") == 0);
  CHECK_FALSE(LabelInName("emu_s_002009.bin"));
  CHECK_FALSE(LabelInName("000000343218.bin"));
}

}  // namespace paddock::mlperf_tiny
