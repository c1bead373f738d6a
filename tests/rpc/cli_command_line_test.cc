#include <catch2/catch.hpp>

#include <iostream>
#include <sstream>
#include <vector>

#include "base/version.h"
#include "cli/command_line.h"
#include "cli/command_tree.h"
#include "cli/completion.h"

namespace paddock {
namespace {

using Catch::Contains;

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

Outcome Run(std::vector<const char*> words) {
  words.insert(words.begin(), "paddock");
  std::ostringstream out;
  std::ostringstream err;
  auto* const old_out = std::cout.rdbuf(out.rdbuf());
  auto* const old_err = std::cerr.rdbuf(err.rdbuf());
  Outcome outcome;
  outcome.code = RunCommandLine(static_cast<int>(words.size()), words.data());
  std::cout.rdbuf(old_out);
  std::cerr.rdbuf(old_err);
  outcome.out = out.str();
  outcome.err = err.str();
  return outcome;
}

std::vector<std::string> Completed(const std::vector<std::string>& words) {
  CLI::App app("", "paddock");
  CommandLine line;
  AddCommands(app, line);
  return Completions(app, "127.0.0.1:1", words);
}

constexpr const char* kNoServer = "--server=127.0.0.1:1";

}  // namespace

TEST_CASE("paddock alone shows what it can and is a usage error") {
  const Outcome outcome = Run({});
  CHECK(outcome.code == 2);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, Contains("doctor"));
  CHECK(Run({"job"}).code == 2);
}

TEST_CASE("help and version go to stdout") {
  CHECK(Run({"--version"}).out == "paddock " + std::string(kPaddockVersion) + "\n");
  CHECK(Run({"--help"}).code == 0);
  CHECK_THAT(Run({"--help"}).out, Contains("Exit codes:"));
}

TEST_CASE("every command has help with examples") {
  CLI::App app("", "paddock");
  CommandLine line;
  AddCommands(app, line);
  const auto all = [](const CLI::App*) { return true; };
  for (const CLI::App* first : app.get_subcommands(all)) {
    const auto nested = first->get_subcommands(all);
    for (const CLI::App* leaf : nested.empty() ? std::vector<const CLI::App*>{first} : nested) {
      INFO(first->get_name() << " " << leaf->get_name());
      CHECK_THAT(leaf->get_footer(), Contains("Examples:\n  paddock " + first->get_name()));
      CHECK_FALSE(leaf->get_description().empty());
    }
  }
}

TEST_CASE("a mistyped command or option is a usage error with a suggestion") {
  Outcome outcome = Run({"devcie", "list"});
  CHECK(outcome.code == 2);
  CHECK_THAT(outcome.err, Contains("no command 'devcie'; did you mean device?"));
  CHECK_THAT(Run({"job", "lst"}).err, Contains("paddock job has no command 'lst'; did you mean list?"));
  CHECK_THAT(Run({"job", "zzzzzz"}).err, Contains("it has list show"));
  CHECK_THAT(Run({"run", "--modle=x"}).err, Contains("did you mean --model?"));
  CHECK_THAT(Run({"watch", "j-1", "j-2"}).err, Contains("does not take 'j-2'"));
  CHECK_THAT(Run({"watch"}).err, Contains("JOB is required"));
  CHECK(Run({"job", "list", "--limit", "0"}).code == 2);
  CHECK(Run({"run", "--samples", "-5"}).code == 2);
  CHECK(Run({"result", "export", "--format", "xml"}).code == 2);
}

TEST_CASE("global flags stand before or after the command, and the last -o counts") {
  CHECK_THAT(Run({"-o", "nix", "device", "list"}).err, Contains("-o 'nix'"));
  CHECK_THAT(Run({"device", "list", "-o", "nix"}).err, Contains("-o 'nix'"));
  CHECK_THAT(Run({"-o", "json", "device", "list", "-o", "nix"}).err, Contains("-o 'nix'"));
  CHECK_THAT(Run({"device", "--server", "foo", "list"}).err, Contains("--server 'foo' is not HOST:PORT"));
}

TEST_CASE("a coordinator that is not there ends with code 7 and the next step") {
  const Outcome outcome = Run({kNoServer, "device", "list", "-o", "json"});
  CHECK(outcome.code == 7);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err,
             Contains("cannot reach the coordinator at 127.0.0.1:1") && Contains("PADDOCK_SERVER"));
  const Outcome doctor = Run({kNoServer, "doctor"});
  CHECK(doctor.code == 7);
  CHECK_THAT(doctor.out, Contains("FAIL"));
}

TEST_CASE("a file that cannot be read is a usage error, found before the coordinator is asked") {
  const Outcome outcome = Run({kNoServer, "run", "/nowhere/job.yaml", "-o", "json"});
  CHECK(outcome.code == 2);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, Contains("/nowhere/job.yaml: No such file"));
  CHECK(Run({kNoServer, "model", "inspect", "/nowhere/m.onnx"}).code == 2);
  CHECK(
      Run({kNoServer, "run", "--model", "/nowhere/m.onnx", "--data", "/nowhere/d.npz", "--on", "all"}).code ==
      2);
}

TEST_CASE("a flag that may be repeated does not swallow the job file") {
  CLI::App app("", "paddock");
  CommandLine line;
  AddCommands(app, line);
  const std::vector<const char*> words{"paddock", "run",      "--on", "all",    "--variant",
                                       "as-is",   "job.yaml", "--on", "a=b,c=d"};
  app.parse(static_cast<int>(words.size()), words.data());
  CHECK(line.job.file == "job.yaml");
  CHECK(line.job.on == std::vector<std::string>{"all", "a=b,c=d"});
  CHECK(line.job.variants == std::vector<std::string>{"as-is"});
}

TEST_CASE("an id may be named like a command") {
  CLI::App app("", "paddock");
  CommandLine line;
  AddCommands(app, line);
  const std::vector<const char*> words{"paddock", "device", "show", "list"};
  app.parse(static_cast<int>(words.size()), words.data());
  CHECK(line.id == "list");
}

TEST_CASE("completion offers commands, options and formats, and is silent without a coordinator") {
  CHECK(Completed({"d"}) == std::vector<std::string>{"device", "driver", "doctor"});
  CHECK(Completed({"job", ""}) == std::vector<std::string>{"list", "show"});
  CHECK(Completed({"run", "--mo"}) == std::vector<std::string>{"--model"});
  CHECK(Completed({"job", "list", "-o", "j"}) == std::vector<std::string>{"json"});
  CHECK(Completed({"-o", "json", "result", "l"}) == std::vector<std::string>{"list"});
  CHECK(Completed({"watch", ""}).empty());
}

}  // namespace paddock
