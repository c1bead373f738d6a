#include "prepare/converters.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "base/file.h"
#include "prepare/array_stream.h"
#include "prepare/steps.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/prepare/onnx_builder.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

// A tool that is a shell script: `version` as its only argument makes it print one.
class ScriptTool {
 public:
  explicit ScriptTool(const std::string& script) {
    REQUIRE(WriteFileUnsynced(
                path(), "#!/bin/sh\n[ \"$1\" = version ] && { echo tool 3.1; exit 0; }\n" + script + "\n")
                .ok());
    std::filesystem::permissions(path(), std::filesystem::perms::owner_all);
    REQUIRE(WriteFileUnsynced(folder_ / "in", "a model").ok());
  }
  std::string path() const { return folder_ / "tool"; }
  std::string out() const { return folder_ / "out"; }

  Converter Declaration() const {
    return {.name = "tool",
            .command = {path(), "{in}", "{folder}", "--{mode}"},
            .from_kind = "onnx",
            .to_kind = "onnx",
            .output = "result.bin",
            .version = {path(), "version"},
            .licence = "free for tests",
            .options = {{"mode", "fast"}}};
  }
  Result<std::vector<std::string>> Run(const Converter& converter,
                                       const std::map<std::string, std::string>& options = {}) const {
    return RunConverter(converter, options, folder_ / "in", out());
  }
  // What lies beside the model and its result after a run.
  bool IsTidy() const {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      if (entry.is_directory()) return false;
    }
    return true;
  }

 private:
  TempDir folder_;
};

TEST_CASE("a converter runs in a folder of its own, and what it writes there is the result") {
  const ScriptTool tool("cat \"$1\" > \"$2/result.bin\"; echo \" by $3 in $(ls)\" >> \"$2/result.bin\"");
  const auto lines = tool.Run(tool.Declaration());
  INFO(lines.status().message());
  REQUIRE(lines.ok());
  CHECK(*ReadFile(tool.out()) == "a model by --fast in model.onnx\nout\n");
  CHECK(*lines == std::vector<std::string>{"command: " + tool.path() + " model.onnx out --fast",
                                           "licence: free for tests"});
  CHECK(tool.IsTidy());
}

TEST_CASE("a word whose option is empty is left out of a converter's command") {
  const ScriptTool tool("echo \"$# $3\" > \"$2/result.bin\"");
  REQUIRE(tool.Run(tool.Declaration(), {{"tool", "tool"}, {"mode", "slow"}}).ok());
  CHECK(*ReadFile(tool.out()) == "3 --slow\n");
  Converter converter = tool.Declaration();
  converter.options["mode"] = "";
  REQUIRE(tool.Run(converter).ok());
  CHECK(*ReadFile(tool.out()) == "2 \n");
}

TEST_CASE("a converter whose output is its folder answers with an archive of it") {
  const ScriptTool tool("echo a > \"$2/a.c\"; mkdir \"$2/sub\"; echo b > \"$2/sub/b.h\"");
  Converter converter = tool.Declaration();
  converter.output = ".";
  REQUIRE(tool.Run(converter).ok());
  const auto archive = ArchiveFile::OpenZip(tool.out());
  REQUIRE(archive.ok());
  REQUIRE((*archive)->members().size() == 2);
  CHECK((*archive)->members()[1].name == "sub/b.h");
}

TEST_CASE("a converter that fails is blamed with its last words, and leaves nothing") {
  const auto refusal = [](const std::string& script, std::uint32_t timeout_s = 60) {
    const ScriptTool tool(script);
    Converter converter = tool.Declaration();
    converter.timeout_s = timeout_s;
    const Status status = tool.Run(converter).status();
    CHECK(tool.IsTidy());
    return status;
  };
  const Status failed = refusal("echo 'operator Gelu is not supported' >&2; exit 3");
  CHECK(failed.code() == StatusCode::kInvalidArgument);
  CHECK_THAT(failed.message(), Contains("exit code 3") && Contains("operator Gelu is not supported"));
  const Status crashed = refusal("kill -SEGV $$");
  CHECK(crashed.code() == StatusCode::kAborted);
  CHECK_THAT(crashed.message(), Contains("signal 11"));
  const Status silent = refusal("echo x > \"$2/other.bin\"");
  CHECK(silent.code() == StatusCode::kInvalidArgument);
  CHECK_THAT(silent.message(), Contains("without 'result.bin'; it wrote other.bin"));
  CHECK(refusal("exec sleep 60", 1).code() == StatusCode::kDeadlineExceeded);
}

TEST_CASE("a converter stays in the group of who runs it, which is killed with a cancelled step") {
  const ScriptTool tool("cut -d ' ' -f 5 /proc/$$/stat > \"$2/result.bin\"");
  REQUIRE(tool.Run(tool.Declaration()).ok());
  CHECK(*ReadFile(tool.out()) == std::to_string(::getpgrp()) + "\n");
}

TEST_CASE("a converter's program may be named by a path from where the coordinator was started") {
  const ScriptTool tool("cat \"$1\" > \"$2/result.bin\"");
  Converter converter = tool.Declaration();
  converter.command[0] = std::filesystem::relative(tool.path()).string();
  CHECK(tool.Run(converter).status().ToString() == "OK");
}

TEST_CASE("a converter that is not installed is told from one that nobody declared") {
  const auto converters = ReadConverters("");
  REQUIRE(converters.ok());
  StepTools tools;
  tools.converters = *converters;
  tools.converters[0].command[0] = "/nowhere/edgetpu_compiler";
  const std::vector<std::string> absent = {"external tool=edgetpu_compiler"};
  const Status status = KindAfter(absent, "tflite", tools).status();
  CHECK(status.code() == StatusCode::kFailedPrecondition);
  CHECK_THAT(status.message(), Contains("'/nowhere/edgetpu_compiler'") && Contains("not installed"));
  const std::vector<std::string> unknown = {"external tool=edgetpu_compile"};
  CHECK_THAT(KindAfter(unknown, "tflite", tools).status().message(),
             Contains("did you mean 'edgetpu_compiler'?"));
  CHECK(KindAfter(unknown, "tflite", tools).status().code() == StatusCode::kNotFound);
  CHECK_THAT(ParseStep("external").status().message(), Contains("tool=NAME"));
}

TEST_CASE("an option of a converter can be neither a path nor a flag") {
  const auto converters = ReadConverters("");
  REQUIRE(converters.ok());
  const auto find = [&](const std::string& key, const std::string& value) {
    return FindConverter(*converters, {{"tool", "vela"}, {key, value}}).status();
  };
  CHECK(find("accelerator", "ethos-u85-256").ok());
  for (const char* bad : {"--output-dir=x", "/etc/passwd", "..", "a b", "$(id)", "a\nb"})
    CHECK(find("accelerator", bad).code() == StatusCode::kInvalidArgument);
  CHECK_THAT(find("speed", "9").message(), Contains("no option 'speed'; it has accelerator"));
}

TEST_CASE("declarations are read strictly and come back from their own text") {
  const auto declared = ReadConverters("");
  REQUIRE(declared.ok());
  const std::string text = EncodeConverters(*declared);
  const auto again = ParseConverters(text, "text");
  INFO(again.status().message());
  REQUIRE(again.ok());
  CHECK(EncodeConverters(*again) == text);

  const std::string head = "converters:\n  - {name: a, from: onnx, to: x, output: o, version: [a], ";
  const auto refusal = [&](const std::string& rest) {
    return ParseConverters(head + rest, "c.yaml").status().message();
  };
  CHECK(refusal("command: [a, '{in}']}").empty());
  CHECK_THAT(refusal("command: [a], speed: 1}"), Contains("c.yaml") && Contains("speed"));
  CHECK_THAT(refusal("command: []}"), Contains("converters[0]") && Contains("command"));
  CHECK_THAT(refusal("command: [a, '{out}']}"), Contains("'{out}'") && Contains("placeholder"));
  CHECK_THAT(refusal("command: [a, '{in']}"), Contains("placeholder"));
  CHECK_THAT(refusal("command: [a], options: {in: x}}"), Contains("choose another name"));
  CHECK_THAT(ParseConverters("converters: 3", "c.yaml").status().message(), Contains("must be a list"));
  CHECK_THAT(ParseConverters("{}", "c.yaml").status().message(), Contains("must be a list"));
}

TEST_CASE("a file's declaration stands in the place of the one with its name") {
  const TempDir folder;
  REQUIRE(
      WriteFileUnsynced(folder / "c.yaml",
                        "converters:\n"
                        "  - {name: vela, command: [/opt/vela, '{in}'], from: tflite, to: tflite+ethos-u,"
                        " output: m.tflite, version: [/opt/vela, -V]}\n"
                        "  - {name: own, command: [own], from: onnx, to: own, output: m, version: [own]}\n")
          .ok());
  const auto converters = ReadConverters(folder / "c.yaml");
  REQUIRE(converters.ok());
  CHECK(converters->size() == ReadConverters("")->size() + 1);
  CHECK((*FindConverter(*converters, {{"tool", "vela"}}))->command[0] == "/opt/vela");
  CHECK((*FindConverter(*converters, {{"tool", "own"}}))->to_kind == "own");
}

TEST_CASE("the version, the options and the declaration of a converter are part of the fingerprint") {
  const ScriptTool tool("cp \"$1\" \"$2/result.bin\"");
  StepTools tools;
  tools.converters = {tool.Declaration()};
  const auto fingerprint = [&](const std::string& step) {
    const auto all = StepFingerprints(std::vector<std::string>{step}, tools);
    INFO(all.status().message());
    REQUIRE(all.ok());
    return all->front();
  };
  const std::string plain = fingerprint("external tool=tool");
  CHECK_THAT(plain, Contains("version=tool 3.1"));
  CHECK(fingerprint("external tool=tool mode=slow") != plain);
  tools.converters[0].command.push_back("--more");
  CHECK(fingerprint("external tool=tool") != plain);
}

TEST_CASE("step `external` makes a model of a closed format, and nothing may follow that cannot read it") {
  const ScriptTool tool("echo engine > \"$2/result.bin\"");
  const TempDir folder;
  WriteBytes(folder / "in.onnx", ReluModel({-1, 4}).SerializeAsString());
  StepTools tools;
  tools.converters = {tool.Declaration()};
  tools.converters[0].to_kind = "engine";
  const std::vector<std::string> steps = {"external tool=tool"};
  CHECK(*KindAfter(steps, "onnx", tools) == "engine");
  std::vector<StepReport> reports;
  const Status status = RunSteps(steps,
                                 {.in_path = folder / "in.onnx",
                                  .out_path = folder / "out",
                                  .calibration_path = "",
                                  .encodings_path = "",
                                  .options = {},
                                  .tools = tools},
                                 [&](const StepReport& report) { reports.push_back(report); });
  INFO(status.message());
  REQUIRE(status.ok());
  CHECK(*ReadFile(folder / "out") == "engine\n");
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].tool == "tool 3.1");
  CHECK_THAT(reports[0].lines[0], Contains("-> 7"));
  const std::vector<std::string> more = {"external tool=tool", "fp16"};
  CHECK(KindAfter(more, "onnx", tools).status().code() == StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace paddock
