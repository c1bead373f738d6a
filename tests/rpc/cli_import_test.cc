#include <catch2/catch.hpp>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "base/file.h"
#include "base/strict_json.h"
#include "cli/command_line.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/kpi/mlperf_tiny/made_up_runs.h"

namespace paddock {
namespace {

using Catch::Contains;
using mlperf_tiny::FiveLoops;
using mlperf_tiny::InferAnswer;
using mlperf_tiny::SessionStart;
using mlperf_tiny::TimedLoop;

struct Imported {
  int code = 0;
  std::string out;
  std::string err;
};

Imported Import(std::vector<std::string> arguments) {
  std::vector<const char*> words{"paddock", "import", "mlperf-tiny"};
  for (const std::string& argument : arguments) words.push_back(argument.c_str());
  std::ostringstream out;
  std::ostringstream err;
  auto* const old_out = std::cout.rdbuf(out.rdbuf());
  auto* const old_err = std::cerr.rdbuf(err.rdbuf());
  Imported imported;
  imported.code = RunCommandLine(static_cast<int>(words.size()), words.data());
  std::cout.rdbuf(old_out);
  std::cerr.rdbuf(old_err);
  imported.out = out.str();
  imported.err = err.str();
  return imported;
}

void Put(const std::string& path, const std::string& text) {
  REQUIRE(CreateDirectories(std::filesystem::path(path).parent_path().string()).ok());
  REQUIRE(WriteFileUnsynced(path, text).ok());
}

}  // namespace

TEST_CASE("an imported result is one run with KPIs, windows and digests of its files") {
  const TempDir folder;
  Put(folder.path() + "/kws/performance/performance_log.txt", FiveLoops());
  const Imported imported = Import({folder.path() + "/kws", "-o", "json"});
  CHECK(imported.code == 0);
  CHECK(imported.err.empty());
  const auto json = ParseJson(imported.out, "stdout");
  REQUIRE(json.ok());
  CHECK(json->at("schema_version") == 1);
  const Json& run = json->at("runs").at(0);
  CHECK(run.at("id") == "kws");
  CHECK(run.at("verdict") == "valid");
  CHECK(run.at("kpis").at("throughput").at("unit") == "1/s");
  CHECK(run.at("kpis").at("throughput").at("value") == 100.0 / 12);
  CHECK(run.at("missing").at("energy_per_inference") == "no_energy_run");
  CHECK(run.at("windows").size() == 5);
  CHECK(run.at("provenance").at("files").at("performance/performance_log.txt").get<std::string>().size() ==
        64);
}

TEST_CASE(
    "a result that breaks the rules ends with code 9, as a table too, and one part alone may be named") {
  const TempDir folder;
  Put(folder.path() + "/performance/log.txt", SessionStart() + TimedLoop(100, 0, 5'000'000));
  const Imported imported = Import({folder.path() + "/performance"});
  CHECK(imported.code == 9);
  CHECK_THAT(imported.out, Contains("verdict") && Contains("invalid") && Contains("WINDOW_COUNT") &&
                               Contains("window 1 lasted 5.000 s") && Contains("20.000 inf/s"));
  CHECK_THAT(Import({folder.path(), "-o", "csv"}).out, Contains("performance,1,100,5.000,20.000"));
}

TEST_CASE("labels are found above the folder, or named") {
  const TempDir folder;
  const std::string task = folder.path() + "/results/board/ic";
  Put(task + "/accuracy/log.txt", InferAnswer("a.bin", "0.9,0.1") + InferAnswer("b.bin", "0.2,0.8"));
  CHECK(Import({task}).code == 9);
  const std::string labels = folder.path() + "/mine.csv";
  Put(labels, "a.bin,2,0\nb.bin,2,0\n");
  CHECK_THAT(Import({task, "--labels", labels}).out, Contains("50.0 %"));
  Put(folder.path() + "/datasets/ic01/y_labels.csv", "a.bin,2,0\nb.bin,2,1\n");
  CHECK_THAT(Import({task}).out, Contains("100.0 %"));
  CHECK(Import({task, "--labels", "/nowhere.csv"}).code == 2);
}

TEST_CASE(
    "the case of names does not count, a folder more around the files neither, and an empty part is none") {
  const TempDir folder;
  Put(folder.path() + "/ic/Performance/run1/LOG.TXT", FiveLoops());
  Put(folder.path() + "/ic/energy/README.md", "not measured");
  const Imported imported = Import({folder.path() + "/ic", "-o", "json"});
  CHECK(imported.code == 0);
  CHECK_THAT(imported.out, Contains("Performance/run1/LOG.TXT"));
}

TEST_CASE("a folder above several tasks names them, and text that is not UTF-8 says so") {
  const TempDir folder;
  Put(folder.path() + "/sys/kws/performance/log.txt", FiveLoops());
  Put(folder.path() + "/sys/ic/performance/log.txt", FiveLoops());
  const Imported above = Import({folder.path()});
  CHECK(above.code == 5);
  CHECK_THAT(above.err, Contains("name one of the task folders in it: sys/ic, sys/kws"));
  Put(folder.path() + "/sys/kws/performance/log.txt", std::string("\xff\xfem\0-\0", 6));
  CHECK_THAT(Import({folder.path() + "/sys/kws"}).err, Contains("performance/log.txt: UTF-16 text"));
}

TEST_CASE("what is not there is code 5, what cannot be read code 1 with file and line") {
  const TempDir folder;
  CHECK(Import({"/nowhere"}).code == 5);
  const Imported empty = Import({folder.path()});
  CHECK(empty.code == 5);
  CHECK_THAT(empty.err, Contains("no performance, energy or accuracy in it"));
  Put(folder.path() + "/performance/log.txt", "dut: m-infer-start-many\n");
  const Imported damaged = Import({folder.path()});
  CHECK(damaged.code == 1);
  CHECK(damaged.out.empty());
  CHECK_THAT(damaged.err, Contains("performance/log.txt:1: m-infer-start without a number"));
}

}  // namespace paddock
