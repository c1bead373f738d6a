#include "agent/config.h"

#include <catch2/catch.hpp>

#include "base/file.h"
#include "tests/fakes/temp_dir.h"

namespace paddock::agent {
namespace {

const GetEnv kNoEnvironment = [](const std::string&) { return std::nullopt; };
const std::vector<std::string> kEnough = {"--id", "board-1", "--driver", "simulated", "--state", "/tmp/x"};

std::vector<std::string> With(std::vector<std::string> more) {
  std::vector<std::string> all = kEnough;
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

TEST_CASE("flags go over the environment, which goes over the file, which goes over the defaults",
          "[config]") {
  const TempDir folder;
  const std::string file = folder / "agent.yaml";
  REQUIRE(WriteFileAtomically(
              file,
              "server: file:1\nid: file\ndriver: simulated\nstate: /file\nlabels: {rack: a, row: '7'}\n"
              "cache_bytes: 1000\n")
              .ok());
  const GetEnv environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "PADDOCK_SERVER") return "environment:2";
    if (name == "PADDOCK_AGENT_ID") return "environment";
    if (name == "PADDOCK_AGENT_CPUS") return "0";
    return std::nullopt;
  };
  const auto command = ParseCommandLine(
      {"--config", file, "--id", "flag", "--label", "rack=b", "--share", "host"}, environment);
  REQUIRE(command.ok());
  CHECK(command->kind == CommandKind::kRun);
  CHECK(command->config.id == "flag");
  CHECK(command->config.server == "environment:2");
  CHECK(command->config.state == "/file");
  CHECK(command->config.labels == std::map<std::string, std::string>{{"rack", "b"}, {"row", "7"}});
  CHECK(command->config.shares == std::vector<std::string>{"host"});
  CHECK(command->config.cache_bytes == 1000);
  CHECK(command->config.cpus == "0");
  CHECK(command->config.log_level == "info");
}

TEST_CASE("discovering needs no configuration", "[config]") {
  const auto text = ParseCommandLine({"discover"}, kNoEnvironment);
  REQUIRE(text.ok());
  CHECK(text->kind == CommandKind::kDiscover);
  CHECK_FALSE(text->as_json);
  CHECK(ParseCommandLine({"discover", "--json"}, kNoEnvironment)->as_json);
  const auto help = ParseCommandLine({"discover", "--help"}, kNoEnvironment);
  REQUIRE(help.ok());
  CHECK(help->text.find("--json") != std::string::npos);
  CHECK(help->text.find("--driver") == std::string::npos);
  CHECK_FALSE(ParseCommandLine({"discover", "--driver", "mcu"}, kNoEnvironment).ok());
  CHECK_FALSE(ParseCommandLine({"invent"}, kNoEnvironment).ok());
}

TEST_CASE("a key of the file that nobody knows is refused with its name and the nearest one", "[config]") {
  const TempDir folder;
  const std::string file = folder / "agent.yaml";
  REQUIRE(WriteFileAtomically(file, "lables: {rack: a}\n").ok());
  const auto command = ParseCommandLine(With({"--config", file}), kNoEnvironment);
  REQUIRE_FALSE(command.ok());
  CHECK(command.status().message().find("lables") != std::string::npos);
  CHECK(command.status().message().find("labels") != std::string::npos);
  CHECK(command.status().message().find(file) != std::string::npos);
}

TEST_CASE("a configuration that cannot work is refused with the flag that sets it", "[config]") {
  const auto refused = [](const std::vector<std::string>& arguments, const std::string& what) {
    const auto command = ParseCommandLine(arguments, kNoEnvironment);
    REQUIRE_FALSE(command.ok());
    CHECK(command.status().code() != StatusCode::kInternal);
    INFO(command.status().message());
    CHECK(command.status().message().find(what) != std::string::npos);
  };
  refused({"--driver", "simulated", "--state", "/x"}, "--id");
  refused({"--id", "../etc", "--driver", "simulated", "--state", "/x"}, "\"../etc\"");
  refused({"--id", std::string(65, 'a'), "--driver", "simulated", "--state", "/x"}, "1 to 64");
  refused({"--id", "a", "--driver", "abacus", "--state", "/x"}, "abacus");
  refused({"--id", "a", "--state", "/x"}, "--driver");
  refused({"--id", "a", "--driver", "simulated"}, "--state");
  refused(With({"--server", "nowhere"}), "HOST:PORT");
  refused(With({"--label", "rack"}), "KEY=VALUE");
  refused(With({"--log-level", "loud"}), "loud");
  refused(With({"--no-such-flag"}), "--help");
  refused(With({"--cpus", "two"}), "--cpus: the CPUs \"two\"");
  refused(With({"--cpus", "4000"}), "online are ");
  refused(With({"--config", "/nowhere/agent.yaml"}), "/nowhere/agent.yaml");
}

TEST_CASE("what --print-config prints reads back to the same configuration", "[config]") {
  auto command = ParseCommandLine(With({"--print-config", "--label", "note=yes", "--option", "latency_us=12",
                                        "--share", "a b", "--cpus", "0"}),
                                  kNoEnvironment);
  REQUIRE(command.ok());
  CHECK(command->kind == CommandKind::kPrintConfig);
  const TempDir folder;
  const std::string file = folder / "agent.yaml";
  REQUIRE(WriteFileAtomically(file, ConfigAsYaml(command->config)).ok());
  const auto again = ParseCommandLine({"--config", file}, kNoEnvironment);
  REQUIRE(again.ok());
  CHECK(ConfigAsYaml(again->config) == ConfigAsYaml(command->config));
  CHECK(again->config.labels.at("note") == "yes");
  CHECK(again->config.cpus == "0");
}

TEST_CASE("golden runs are asked for in the file, in one of two forms", "[config]") {
  const TempDir folder;
  const std::string file = folder / "agent.yaml";
  const auto read = [&](const std::string& line) {
    REQUIRE(WriteFileAtomically(file, line + "\n").ok());
    return ParseCommandLine(With({"--config", file}), kNoEnvironment);
  };
  CHECK(read("golden: every 10 runs")->config.golden == "every 10 runs");
  CHECK(read("golden: around each run")->config.golden == "around each run");
  CHECK(read("log_level: info")->config.golden.empty());
  for (const char* line : {"golden: often", "golden: every 0 runs"}) {
    const auto command = read(line);
    REQUIRE_FALSE(command.ok());
    CHECK_THAT(command.status().message(), Catch::Contains("golden: ") && Catch::Contains("every N runs") &&
                                               Catch::Contains("around each run"));
  }
  CHECK_THAT(read("golden: true").status().message(), Catch::Contains("golden"));
}

TEST_CASE("help and version need no configuration", "[config]") {
  const auto help = ParseCommandLine({"--help"}, kNoEnvironment);
  REQUIRE(help.ok());
  CHECK(help->kind == CommandKind::kPrintAndExit);
  CHECK(help->text.find("--share") != std::string::npos);
  const auto version = ParseCommandLine({"--version"}, kNoEnvironment);
  REQUIRE(version.ok());
  CHECK(version->text.find("paddock-agent ") == 0);
}

}  // namespace
}  // namespace paddock::agent
