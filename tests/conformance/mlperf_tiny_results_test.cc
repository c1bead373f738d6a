// Published MLPerf Tiny results, computed again: figures to the printed digit, and verdicts. Skips where the results are not
// beside the repository.
#include <catch2/catch.hpp>
#include <cstdio>
#include <deque>
#include <filesystem>

#include "base/file.h"
#include "base/strict_json.h"
#include "kpi/mlperf_tiny/submission.h"

namespace paddock::mlperf_tiny {
namespace {

const std::string kResults = PADDOCK_SOURCE_DIR "/../shared/data/mlperf-tiny-results/";

bool ResultsAreMissing() {
  if (std::filesystem::exists(kResults)) return false;
  WARN("skipped: there is no " << kResults);
  return true;
}

class ResultFolder {
 public:
  explicit ResultFolder(std::string name) : path_(kResults + std::move(name) + "/") {}

  ResultFolder& Log(Part part) {
    files_.parts[part].log = Load(part, "log.txt");
    return *this;
  }
  ResultFolder& Json(Part part) {
    files_.parts[part].results_json = Load(part, "results.json");
    return *this;
  }
  ResultFolder& PublishedAndTrace() {
    files_.parts[Part::kEnergy].published = Load(Part::kEnergy, "results.txt");
    files_.parts[Part::kEnergy].traces = {
        {Load(Part::kEnergy, "trace1-energy.bin"), Load(Part::kEnergy, "trace1-timestamps.json")}};
    return *this;
  }
  TaskResult Import() {
    auto task = ImportTask(files_);
    REQUIRE(task.status().ToString() == "OK");
    return *std::move(task);
  }

 private:
  SourceFile Load(Part part, const std::string& name) {
    auto bytes = ReadFile(path_ + std::string(PartName(part)) + "/" + name);
    REQUIRE(bytes.status().ToString() == "OK");
    contents_.push_back(*std::move(bytes));
    return {name, contents_.back()};
  }

  std::string path_;
  std::deque<std::string> contents_;
  TaskFiles files_;
};

std::string Printed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string Value(const TaskResult& task, const std::string& kpi, double factor, int decimals) {
  return Printed(task.kpis.values.at(kpi).value * factor, decimals);
}

}  // namespace

TEST_CASE("v1.0: energy and power of every window are the published ones", "[conformance]") {
  if (ResultsAreMissing()) return;
  const TaskResult task =
      ResultFolder("v1.0-OctoML-L4R5ZI-kws").Log(Part::kEnergy).PublishedAndTrace().Import();
  CHECK(task.verdict == Verdict::kValid);
  CHECK(task.parts.at(0).reasons.empty());
  std::vector<std::string> energies;
  std::vector<std::string> powers;
  for (const Window& window : task.parts[0].windows) {
    CHECK(window.iterations == 110);
    energies.push_back(Printed(*window.energy_j * 1e6, 3));
    powers.push_back(Printed(*window.power_w * 1e6, 3));
  }
  CHECK(energies ==
        std::vector<std::string>{"575449.020", "574767.590", "575329.990", "575379.480", "575287.000"});
  CHECK(powers == std::vector<std::string>{"52289.779", "52242.101", "52283.714", "52283.460", "52284.559"});
  CHECK(Value(task, "energy_per_inference", 1e6, 3) == "5230.273");
  CHECK(Value(task, "throughput", 1, 3) == "9.997");
}

TEST_CASE("v1.1: four windows, one of them short, give the published median and are invalid",
          "[conformance]") {
  if (ResultsAreMissing()) return;
  const TaskResult task = ResultFolder("v1.1-ST-L4R5ZI-ic").Log(Part::kEnergy).PublishedAndTrace().Import();
  CHECK(Value(task, "energy_per_inference", 1e6, 3) == "7019.085");
  CHECK(task.verdict == Verdict::kInvalid);
  const auto& reasons = task.parts.at(0).reasons;
  const auto has = [&](const std::string& code) {
    return std::any_of(reasons.begin(), reasons.end(),
                       [&](const ImportReason& reason) { return reason.code == code; });
  };
  CHECK(has("WINDOW_COUNT"));
  CHECK(has("SHORT_WINDOW"));
  CHECK_FALSE(has("PUBLISHED_DIFFERS"));
}

TEST_CASE("v1.0: throughput from the laps of the log is the published one", "[conformance]") {
  if (ResultsAreMissing()) return;
  const TaskResult task = ResultFolder("v1.0-OctoML-NRF5340-kws").Log(Part::kPerformance).Import();
  CHECK(task.verdict == Verdict::kValid);
  CHECK(Value(task, "throughput", 1, 3) == "13.143");
}

TEST_CASE("v1.3: throughput and energy from results.json are the published ones", "[conformance]") {
  if (ResultsAreMissing()) return;
  const TaskResult task =
      ResultFolder("v1.3-ST-L4R5ZI-P-kws").Json(Part::kPerformance).Json(Part::kEnergy).Import();
  CHECK(task.verdict == Verdict::kValid);
  CHECK(Value(task, "throughput", 1, 3) == "23.032");
  CHECK(Value(task, "energy_per_inference", 1e6, 4) == "1430.6681");
}

}  // namespace paddock::mlperf_tiny
