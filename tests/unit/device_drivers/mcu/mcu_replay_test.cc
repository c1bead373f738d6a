// Public logs of MLPerf Tiny, played as a board: the driver must give the figures that were published. Skips where they are not
// beside the repository.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "base/strict_json.h"
#include "mcu_fixture.h"

namespace paddock {
namespace {

const std::string kLogs = PADDOCK_SOURCE_DIR "/../shared/data/mlperf-tiny-results/";

bool LogsAreMissing() {
  if (std::filesystem::exists(kLogs)) return false;
  WARN("skipped: there is no " << kLogs);
  return true;
}

// What a board said to one `infer`, without the last m-ready.
using Answers = std::vector<std::string>;

// From the raw lines of the EEMBC runner's log.
Answers FromLog(const std::string& path) {
  std::ifstream file(path);
  REQUIRE(file.is_open());
  Answers answers;
  bool infers = false;
  for (std::string line; std::getline(file, line);) {
    if (line.find("Command \"dut ") != line.npos) infers = line.find("\"dut infer ") != line.npos;
    const std::size_t said = line.find(" dut: ");
    if (!infers || said == line.npos) continue;
    const std::string text = line.substr(said + 6);
    if (text.starts_with("m-warmup-start")) answers.emplace_back();
    answers.back() += text + "\r\n";
  }
  return answers;
}

// From the times that the runner of v1.3 took out of its lines.
Answers FromResults(const std::string& path) {
  const auto text = ReadFile(path);
  REQUIRE(text.ok());
  const auto results = ParseJson(*text, path);
  REQUIRE(results.ok());
  Answers answers;
  for (const Json& entry : *results) {
    const Json& infer = entry.at("infer");
    std::ostringstream answer;
    answer << "m-warmup-start-1\r\nm-warmup-done\r\nm-infer-start-250\r\nm-lap-us-"
           << infer.at("start_time").get<std::uint64_t>() << "\r\nm-lap-us-"
           << infer.at("end_time").get<std::uint64_t>() << "\r\nm-infer-done\r\nm-results-[";
    const char* comma = "";
    for (const Json& score : infer.at("results")) {
      char number[32];
      std::snprintf(number, sizeof number, "%s%.3f", std::exchange(comma, ","), score.get<double>());
      answer << number;
    }
    answers.push_back(answer.str() + "]\r\nm-ready\r\n");
  }
  return answers;
}

struct Replayed {
  std::vector<double> throughputs;
  std::vector<int> classes;
};

// Each answer for an inference of another input.
Replayed Replay(const Answers& answers, const std::string& inferences, const std::string& warmups) {
  std::size_t next = 0;
  FakeBoardScript script;
  script.input_bytes = 490;
  script.knows_frames = false;
  script.answer = [&](const std::string& command) -> std::optional<std::string> {
    if (command != "infer " + inferences + " " + warmups) return std::nullopt;
    return answers.at(next++);
  };
  const FakeBoard board(script);
  const AdderModel model;
  SessionRequest request = model.Request("tflite");
  request.inputs = {{"input_1", ElementType::kInt8, {1, 490}, Quantization{0.5847029089927673, 83}}};
  request.outputs = {{"Identity", ElementType::kInt8, {1, 12}, Quantization{1.0 / 256, -128}}};
  const Opened opened =
      OpenOn(board.link(), {{"mode", "existing"}, {"inferences", inferences}, {"warmup_inferences", warmups}},
             request);
  REQUIRE(opened.status.ToString() == "OK");
  Replayed replayed;
  const std::vector<std::byte> input(490);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const auto query = opened.session->Bind(std::vector{TensorView{ElementType::kInt8, {1, 490}, input}});
    REQUIRE(query.ok());
    REQUIRE(opened.session->Invoke(*query).ToString() == "OK");
    replayed.throughputs.push_back(1e9 / static_cast<double>(*opened.session->DeviceTimeNs()));
    std::vector<int> scores;
    for (const int score : Numbers(opened.session->ReadOutputs()))
      scores.push_back(static_cast<signed char>(score));
    replayed.classes.push_back(
        static_cast<int>(std::max_element(scores.begin(), scores.end()) - scores.begin()));
  }
  return replayed;
}

std::string Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", values.at(values.size() / 2));
  return text;
}

TEST_CASE("v1.0, nRF5340: the driver measures the published 13.143 inferences a second", "[mcu][real]") {
  if (LogsAreMissing()) return;
  const Answers answers = FromLog(kLogs + "v1.0-OctoML-NRF5340-kws/performance/log.txt");
  REQUIRE(answers.size() == 5);
  const Replayed replayed = Replay(answers, "200", "5");
  CHECK(Median(replayed.throughputs) == "13.143");
  CHECK(replayed.classes == std::vector{7, 2, 6, 8, 5});
}

TEST_CASE("v1.3, NUCLEO-L4R5ZI-P: the driver measures the published 23.032 inferences a second",
          "[mcu][real]") {
  if (LogsAreMissing()) return;
  const Answers answers = FromResults(kLogs + "v1.3-ST-L4R5ZI-P-kws/performance/results.json");
  REQUIRE(answers.size() == 5);
  const Replayed replayed = Replay(answers, "250", "1");
  CHECK(Median(replayed.throughputs) == "23.032");
  CHECK(replayed.classes == std::vector{7, 2, 6, 8, 5});
}

TEST_CASE("a board without times, as energy measurements want it, is said to be one", "[mcu]") {
  FakeBoardScript script;
  script.knows_frames = false;
  script.answer = [](const std::string& command) -> std::optional<std::string> {
    if (!command.starts_with("infer")) return std::nullopt;
    return "m-warmup-start-0\r\nm-warmup-done\r\nm-infer-start-1\r\nm-infer-done\r\nm-results-[1]\r\nm-"
           "ready\r\n";
  };
  const FakeBoard board(script);
  const AdderModel model;
  const Opened opened = OpenOn(board.link(), {{"mode", "existing"}}, model.Request("onnx"));
  REQUIRE(opened.status.ToString() == "OK");
  const auto ten = AdderInput(10);
  REQUIRE(opened.session->Bind(std::vector{AdderView(ten)}).ok());
  const Status status = opened.session->Invoke(0);
  CHECK(status.code() == StatusCode::kUnavailable);
  CHECK_THAT(status.message(),
             Catch::Matchers::Contains("a firmware built for energy measurements has none"));
}

}  // namespace
}  // namespace paddock
