#include "device_drivers/mcu/eembc_tokens.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace paddock {
namespace {

using Kind = EembcToken::Kind;
using Tokens = std::vector<EembcToken>;

TEST_CASE("each message of the EEMBC text is found in its line", "[mcu][eembc]") {
  const auto only = [](const std::string& line) {
    const Tokens tokens = FindEembcTokens(line);
    REQUIRE(tokens.size() == 1);
    return tokens[0];
  };
  CHECK(only("m-ready") == EembcToken{Kind::kReady, 0, ""});
  CHECK(only("m-name-dut-[Vendor board]") == EembcToken{Kind::kName, 0, "Vendor board"});
  CHECK(only("m-profile-[ULPMark for tinyML Firmware V0.0.1]") ==
        EembcToken{Kind::kProfile, 0, "ULPMark for tinyML Firmware V0.0.1"});
  CHECK(only("m-model-[kws01]") == EembcToken{Kind::kModel, 0, "kws01"});
  CHECK(only("m-timestamp-mode-energy") == EembcToken{Kind::kTimestampMode, 0, "energy"});
  CHECK(only("m-init-done") == EembcToken{Kind::kInitDone, 0, ""});
  CHECK(only("m-[Expecting 490 bytes]") == EembcToken{Kind::kExpecting, 490, ""});
  CHECK(only("m-load-done") == EembcToken{Kind::kLoadDone, 0, ""});
  CHECK(only("m-warmup-start-10") == EembcToken{Kind::kWarmupStart, 10, ""});
  CHECK(only("m-warmup-done") == EembcToken{Kind::kWarmupDone, 0, ""});
  CHECK(only("m-infer-start-200") == EembcToken{Kind::kInferStart, 200, ""});
  CHECK(only("m-lap-us-4294967295") == EembcToken{Kind::kLap, 4294967295, ""});
  CHECK(only("m-infer-done") == EembcToken{Kind::kInferDone, 0, ""});
  CHECK(only("m-results-[0.1,0.9]") == EembcToken{Kind::kResults, 0, "0.1,0.9"});
  CHECK(only("m-results    : [1,2]") == EembcToken{Kind::kResults, 0, "1,2"});
  CHECK(only("e-[Unknown command: x-paddock]") == EembcToken{Kind::kError, 0, "Unknown command: x-paddock"});
  CHECK(only("m-x-paddock-1-[counter=tim2,hz=1000000000,data=1024]") ==
        EembcToken{Kind::kPaddock, 0, "1-[counter=tim2,hz=1000000000,data=1024]"});
  CHECK(only("Supplied buffer size 9999 exceeds maximum of 3072") == EembcToken{Kind::kTooLarge, 3072, ""});
  CHECK(only("e-[Supplied buffer size exceeds maximum of 490]") == EembcToken{Kind::kTooLarge, 490, ""});
  CHECK(only("Input db has 122 elemented, expected 490") == EembcToken{Kind::kOtherSize, 490, ""});
}

TEST_CASE("messages are found behind echoed commands and debug text, and several in one line",
          "[mcu][eembc]") {
  CHECK(FindEembcTokens("timestamp%m-lap-us-152226051") == Tokens{{Kind::kLap, 152226051, ""}});
  CHECK(FindEembcTokens("th_load_tensor starting at 152226051m-warmup-start-0") ==
        Tokens{{Kind::kWarmupStart, 0, ""}});
  CHECK(FindEembcTokens("m-infer-donem-results-[1.000]m-ready") ==
        Tokens{{Kind::kInferDone, 0, ""}, {Kind::kResults, 0, "1.000"}, {Kind::kReady, 0, ""}});
  CHECK(FindEembcTokens("profile%e-[Unknown command: profile]").size() == 1);
}

TEST_CASE("what only looks like a message is none, and neither is a damaged one", "[mcu][eembc]") {
  for (const std::string line :
       {"", "hello", "m-", "m-lap-us-", "m-lap-us-x", "m-lap-us-99999999999999999999999", "m-results-[1,2",
        "m-results", "m-ready-finished[dut]", "cache-[64 lines]", "m-name-dut-[no end", "m-timestamp-mode-",
        "exceeds maximum of many", "m-readiness"}) {
    INFO(line);
    CHECK(FindEembcTokens(line).empty());
  }
}

TEST_CASE("results are read as integers, decimals and exponents", "[mcu][eembc]") {
  CHECK(ParseEembcResults("0,-3,12") == std::vector<double>{0, -3, 12});
  CHECK(ParseEembcResults("0.000,0.996,") == std::vector<double>{0, 0.996});
  CHECK(ParseEembcResults(" +1.5e3 , -0.003906") == std::vector<double>{1500, -0.003906});
  for (const std::string text : {"", ",", "1,,2", "1,x", "0.1.2", "1 2"}) {
    INFO(text);
    CHECK_FALSE(ParseEembcResults(text));
  }
}

TEST_CASE("what a board can do with frames is read from its answer, within reason", "[mcu][eembc]") {
  const auto ability = ParseFrameAbility("1-[counter=tim2,hz=1000000000,data=1024]");
  REQUIRE(ability);
  CHECK(ability->counter == "tim2");
  CHECK(ability->counter_hz == 1'000'000'000);
  CHECK(ability->data_bytes == 1024);
  CHECK(ParseFrameAbility("1-[later=x,counter=dwt,hz=1,data=99999999]")->data_bytes == 65'000);
  for (const std::string text :
       {"", "1-", "1-[]", "2-[counter=dwt,hz=1,data=64]", "1-[counter=dwt,hz=0,data=64]",
        "1-[counter=dwt,hz=1,data=15]", "1-[counter=,hz=1,data=64]", "1-[counter=dwt,hz=-1,data=64]",
        "1-[counter=dwt,hz=1,data=64"}) {
    INFO(text);
    CHECK_FALSE(ParseFrameAbility(text));
  }
}

// "177780.959 dut: m-lap-us-95732000" and "00112.839 io: [dut]: m-model-[ic01]" -> what the board said.
std::string SaidByBoard(const std::string& line) {
  for (const std::string speaker : {" dut: ", " io: [dut]: "}) {
    if (const std::size_t at = line.find(speaker); at != std::string::npos)
      return line.substr(at + speaker.size());
  }
  return "";
}

TEST_CASE("every line of a board in the public logs is a message, and every list of results can be read",
          "[mcu][eembc][real]") {
  const std::filesystem::path folder = PADDOCK_SOURCE_DIR "/../shared/data/mlperf-tiny-results";
  if (!std::filesystem::exists(folder)) {
    WARN("skipped: there is no " << folder);
    return;
  }
  int lines = 0;
  int laps = 0;
  int results = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().filename() != "log.txt") continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      const std::string said = SaidByBoard(line);
      if (said.empty()) continue;
      INFO(entry.path() << ": " << line);
      const Tokens tokens = FindEembcTokens(said);
      REQUIRE(tokens.size() == 1);
      ++lines;
      laps += tokens[0].kind == Kind::kLap ? 1 : 0;
      if (tokens[0].kind != Kind::kResults) continue;
      ++results;
      const auto numbers = ParseEembcResults(tokens[0].text);
      REQUIRE(numbers);
      CHECK((numbers->size() == 10 || numbers->size() == 12));
    }
  }
  CHECK(lines > 100);
  CHECK(laps == 11);
  CHECK(results >= 14);
}

}  // namespace
}  // namespace paddock
