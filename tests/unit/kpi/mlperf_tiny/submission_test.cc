#include <catch2/catch.hpp>

#include "kpi/mlperf_tiny/submission.h"
#include "tests/unit/kpi/mlperf_tiny/made_up_runs.h"

namespace paddock::mlperf_tiny {
namespace {

using Catch::Contains;

TaskResult Imported(const TaskFiles& files) {
  auto task = ImportTask(files);
  REQUIRE(task.status().ToString() == "OK");
  return *std::move(task);
}

TaskFiles WithLog(Part part, const std::string& log) {
  TaskFiles files;
  files.parts[part].log = SourceFile{std::string(PartName(part)) + "/log.txt", log};
  return files;
}

// Five windows of 10 s at 1 mW behind the stamp of the board's start.
std::string FiveStamps() { return "[0.01, 1, 11, 12, 22, 23, 33, 34, 44, 45, 55]"; }

}  // namespace

TEST_CASE("five long windows are valid, and the throughput is their median") {
  const std::string log = FiveLoops();
  const TaskResult task = Imported(WithLog(Part::kPerformance, log));
  CHECK(task.verdict == Verdict::kValid);
  CHECK(task.model == "vww01");
  CHECK(task.kpis.values.at("throughput").value == 100.0 / 12);
  CHECK(task.kpis.values.at("throughput").interval->confidence == 0.9375);
  CHECK(task.kpis.missing.at("energy_per_inference") == "no_energy_run");
  CHECK(task.parts.at(0).reasons.empty());
  CHECK(task.parts[0].windows[1].source == "performance/log.txt:10");
}

TEST_CASE("four windows, or six, are invalid; of four the median is the mean of the middle two") {
  std::string log = SessionStart();
  for (std::uint64_t i = 0; i < 4; ++i) log += TimedLoop(100, 0, 10'000'000 + 1'000'000 * i);
  TaskResult task = Imported(WithLog(Part::kPerformance, log));
  CHECK(task.verdict == Verdict::kInvalid);
  CHECK(task.kpis.values.at("throughput").value == Approx((100.0 / 11 + 100.0 / 12) / 2));
  REQUIRE(FindReason(task.parts[0], "WINDOW_COUNT") != nullptr);
  CHECK(FindReason(task.parts[0], "WINDOW_COUNT")->evidence.at("windows") == 4);
  log += TimedLoop(100, 0, 10'000'000) + TimedLoop(100, 0, 10'000'000);
  task = Imported(WithLog(Part::kPerformance, log));
  CHECK(task.verdict == Verdict::kInvalid);
}

TEST_CASE("a window under 10 s or under 10 inferences is invalid, with its figures as evidence") {
  const std::string log = SessionStart() + TimedLoop(100, 0, 10'000'000) + TimedLoop(100, 0, 9'999'999) +
                          TimedLoop(9, 0, 10'000'000) + TimedLoop(10, 0, 10'000'000) +
                          TimedLoop(10, 0, 10'000'000);
  const TaskResult task = Imported(WithLog(Part::kPerformance, log));
  CHECK(task.verdict == Verdict::kInvalid);
  const PartResult& part = task.parts.at(0);
  REQUIRE(part.reasons.size() == 2);
  CHECK(part.reasons[0].code == "SHORT_WINDOW");
  CHECK(part.reasons[0].evidence.at("window") == 2);
  CHECK(part.reasons[0].evidence.at("duration_s") == 9.999999);
  CHECK(part.reasons[0].evidence.at("part") == "performance");
  CHECK(part.reasons[1].code == "FEW_ITERATIONS");
  CHECK(part.reasons[1].evidence.at("iterations") == 9);
}

TEST_CASE("of several runs in one log the last one counts, and that is said") {
  const std::string log = SessionStart() + TimedLoop(100, 0, 1'000'000) + FiveLoops();
  const TaskResult task = Imported(WithLog(Part::kPerformance, log));
  CHECK(task.verdict == Verdict::kValid);
  REQUIRE(FindReason(task.parts[0], "SEVERAL_RUNS") != nullptr);
}

TEST_CASE("energy is joined with the inferences of the log") {
  const std::string trace = TraceBytes(1000, std::vector<float>(60'000, 1.0F));
  const std::string stamps = FiveStamps();
  std::string log = SessionStart();
  for (int i = 0; i < 5; ++i)
    log += "io: [dut]: m-infer-start-20\nio: [dut]: m-infer-done\nm-results-[1,0]\n";
  TaskFiles files = WithLog(Part::kEnergy, log);
  files.parts[Part::kEnergy].traces.push_back(
      {{"energy/t-energy.bin", trace}, {"energy/t-timestamps.json", stamps}});
  TaskResult task = Imported(files);
  CHECK(task.verdict == Verdict::kValid);
  CHECK(task.kpis.values.at("power_mean").value == Approx(1e-3));
  CHECK(task.kpis.values.at("energy_per_inference").value == Approx(5e-4).epsilon(1e-3));
  CHECK(task.kpis.values.at("throughput").value == 2.0);
  CHECK(task.parts.at(0).format == "v0.5-v1.2");

  files.parts[Part::kEnergy].log.reset();
  task = Imported(files);
  CHECK(task.verdict == Verdict::kInvalid);
  CHECK(FindReason(task.parts[0], "UNKNOWN_ITERATIONS") != nullptr);
  CHECK(task.kpis.missing.at("energy_per_inference") == "not_measured");
  CHECK(task.kpis.values.contains("power_mean"));

  const std::string published =
      "# Inferences : 20\n# Inferences : 20\n# Inferences : 20\n# Inferences : 20\n"
      "# Inferences : 20\nMedian energy cost is 777.000 uJ/inf.\n";
  files.parts[Part::kEnergy].published = SourceFile{"energy/results.txt", published};
  task = Imported(files);
  CHECK(task.verdict == Verdict::kValid);
  CHECK_THAT(FindReason(task.parts[0], "PUBLISHED_DIFFERS")->detail, Contains("published as 777.000"));
}

TEST_CASE("time stamps of another unit than the trace's give no figure instead of a wrong one") {
  const std::string samples = TraceBytes(1, std::vector<float>(100, 2));
  TaskFiles files;
  PartFiles& energy = files.parts[Part::kEnergy];
  energy.traces = {{{"e.bin", samples}, {"t.json", "[1000, 11000, 12000, 22000]"}}};
  const auto task = ImportTask(files);
  REQUIRE(task.ok());
  CHECK(task->verdict == Verdict::kInvalid);
  CHECK(task->kpis.values.empty());
  CHECK(task->kpis.missing.at("throughput") == "outside_trace");
  CHECK(task->kpis.missing.at("energy_per_inference") == "outside_trace");
  CHECK(FindReason(task->parts[0], "WINDOW_OUTSIDE_TRACE") != nullptr);
}

TEST_CASE("parts without raw data say what is missing") {
  TaskFiles files;
  files.parts[Part::kPerformance];
  files.parts[Part::kEnergy];
  files.parts[Part::kAccuracy];
  const TaskResult task = Imported(files);
  CHECK(task.verdict == Verdict::kInconclusive);
  CHECK(task.kpis.missing.at("throughput") == "no_log");
  CHECK(task.kpis.missing.at("energy_per_inference") == "no_trace");
  CHECK(task.kpis.missing.at("auc") == "no_predictions");
  CHECK(FindReason(task.parts.at(0), "NO_WINDOWS") != nullptr);
  CHECK(FindReason(task.parts.at(2), "NO_ACCURACY") != nullptr);
}

TEST_CASE("accuracy takes the first table that knows every input") {
  const std::string log = SessionStart() + InferAnswer("a.bin", "0.9,0.1") + InferAnswer("b.bin", "0.5,0.5") +
                          InferAnswer("c.bin", "0.2,0.8");
  TaskFiles files = WithLog(Part::kAccuracy, log);
  TaskResult task = Imported(files);
  CHECK(task.verdict == Verdict::kInconclusive);
  CHECK(task.kpis.missing.at("accuracy_top1") == "no_labels");
  const std::string other = "x.bin,2,0\n";
  const std::string right = "a.bin,2,0\nb.bin,2,1\nc.bin,2,1\n";
  files.labels = {{"other.csv", other}, {"y_labels.csv", right}};
  task = Imported(files);
  CHECK(task.verdict == Verdict::kValid);
  CHECK(task.kpis.values.at("accuracy_top1").value == Approx(2.0 / 3));  // equal scores: the first class
  CHECK(task.kpis.values.at("auc").value == 1.0);
  CHECK(FindReason(task.parts.at(0), "BELOW_QUALITY_TARGET") != nullptr);
}

TEST_CASE("answers without labels do not spoil a valid performance run") {
  const std::string answers = SessionStart() + InferAnswer("a.bin", "0.9,0.1");
  const std::string loops = FiveLoops();
  TaskFiles files = WithLog(Part::kAccuracy, answers);
  files.parts[Part::kPerformance].log = SourceFile{"performance/log.txt", loops};
  const TaskResult task = Imported(files);
  CHECK(task.verdict == Verdict::kValid);
  CHECK(task.kpis.missing.at("accuracy_top1") == "no_labels");
  CHECK(FindReason(task.parts.at(1), "NO_ACCURACY") != nullptr);
}

TEST_CASE("single scores are averaged over the segments of a file and ranked") {
  const std::string log = InferAnswer("normal_id_01_1.bin", "1") + InferAnswer("normal_id_01_1.bin", "5") +
                          InferAnswer("anomaly_id_01_1.bin", "2") + InferAnswer("anomaly_id_01_1.bin", "6");
  const TaskResult task = Imported(WithLog(Part::kAccuracy, log));
  CHECK(task.kpis.values.at("auc").value == 1.0);  // 4 against 3; without averaging it would be less
  CHECK(task.kpis.missing.at("accuracy_top1") == "no_threshold");
}

TEST_CASE("answers of different lengths are an error with their line") {
  const std::string log = InferAnswer("a.bin", "0.9,0.1") + InferAnswer("b.bin", "0.5,0.4,0.1");
  const TaskFiles files = WithLog(Part::kAccuracy, log);
  CHECK_THAT(ImportTask(files).status().message(), Contains("accuracy/log.txt:12: 3 scores"));
}

TEST_CASE("the streaming wake word takes one window") {
  const std::string json = R"([{"mode": "p", "infer": {"iterations": 1, "length_sec": 1200.0},
      "dutycycle": {"start_times_s": [0, 1], "stop_times_s": [0.5, 1.5]}}])";
  TaskFiles files;
  files.parts[Part::kPerformance].results_json = SourceFile{"performance/results.json", json};
  const TaskResult task = Imported(files);
  CHECK(task.verdict == Verdict::kValid);
  CHECK(task.model == "sww01");
  CHECK(task.kpis.values.at("throughput").value == 2.0);
}

}  // namespace paddock::mlperf_tiny
