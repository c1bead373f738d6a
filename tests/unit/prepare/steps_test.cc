#include "prepare/steps.h"

#include <catch2/catch.hpp>

#include "device_drivers/onnxruntime/ort_library.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/prepare/onnx_builder.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

StepRequest RequestFor(const std::string& in_path, const std::string& out_path, const StepTools& tools) {
  return {.in_path = in_path,
          .out_path = out_path,
          .calibration_path = "",
          .encodings_path = "",
          .options = {},
          .tools = tools};
}

const StepTools kSomeTools{.onnxruntime_library_path = "", .onnxruntime_version = "1.30.0", .converters = {}};

TEST_CASE("the steps of every variant of the catalogue exist and fit together") {
  CHECK((*FindVariant("as-is"))->steps.empty());
  CHECK((*FindVariant("optimize"))->steps == std::vector<std::string>{"optimize"});
  for (const VariantDefinition& variant : VariantCatalog()) {
    CHECK(KindAfter(variant.steps, "onnx", kSomeTools).ok());
  }
}

TEST_CASE("unknown steps and variants are answered with the known ones") {
  CHECK(ParseStep("optimise").status().code() == StatusCode::kNotFound);
  CHECK_THAT(ParseStep("optimise").status().message(),
             Contains("did you mean 'optimize'") && Contains("known are optimize"));
  CHECK_THAT(FindVariant("optimise").status().message(),
             Contains("no variant 'optimise'") && Contains("as-is, optimize"));
  CHECK(!RunStep("quantise", RequestFor("a", "b", {})).ok());
}

TEST_CASE("a fingerprint holds the tool's version, and a missing tool says what to do") {
  const std::vector<std::string> steps = {"optimize"};
  const StepTools old_tools{
      .onnxruntime_library_path = "", .onnxruntime_version = "1.28.2", .converters = {}};
  const StepTools new_tools = kSomeTools;
  CHECK(*StepFingerprints(steps, old_tools) != *StepFingerprints(steps, new_tools));
  const Status missing = StepFingerprints(steps, {}).status();
  CHECK(missing.code() == StatusCode::kFailedPrecondition);
  CHECK_THAT(missing.message(), Contains("PADDOCK_ONNXRUNTIME") && Contains("as-is"));
}

TEST_CASE("options of a step are part of its fingerprint, in any order, and wrong ones are refused") {
  const auto fingerprint = [&](const std::string& step) {
    return StepFingerprints(std::vector<std::string>{step}, kSomeTools);
  };
  CHECK(*fingerprint("optimize") != *fingerprint("optimize level=basic"));
  CHECK_THAT(fingerprint("optimize level=all").status().message(), Contains("basic, extended"));
  CHECK_THAT(fingerprint("optimize speed=9").status().message(), Contains("no option 'speed'"));
  CHECK_THAT(fingerprint("optimize level").status().message(), Contains("KEY=VALUE"));
  CHECK_THAT(fingerprint("optimize level=basic level=basic").status().message(), Contains("twice"));
}

TEST_CASE("a step that does not take the kind of model that it is given is refused") {
  const std::vector<std::string> steps = {"optimize"};
  CHECK(*KindAfter(steps, "onnx", kSomeTools) == "onnx");
  const Status refused = KindAfter(steps, "tflite", kSomeTools).status();
  CHECK(refused.code() == StatusCode::kFailedPrecondition);
  CHECK_THAT(refused.message(), Contains("'optimize'") && Contains("'tflite'"));
  CHECK(KindAfter(steps, "onnx", {}).status().code() == StatusCode::kFailedPrecondition);
  const std::vector<std::string> wrong = {"optimize", "optimize level=9"};
  CHECK(KindAfter(wrong, "tflite", {}).status().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("a report survives its way from the child process") {
  const StepReport report{"optimize", "onnxruntime 1.30.0", {"nodes 5 -> 3", "with \"quotes\"\nand lines"}};
  const auto decoded = DecodeStepReport(EncodeStepReport(report));
  REQUIRE(decoded.ok());
  CHECK(*decoded == report);
  CHECK(!DecodeStepReport("{\"step\": 1}").ok());
  CHECK(!DecodeStepReport("killed").ok());
}

// Gemm, Relu and an Identity that the optimiser removes.
onnx::ModelProto Model() {
  onnx::ModelProto model = ReluModel({-1, 4});
  auto* identity = model.mutable_graph()->add_node();
  identity->set_op_type("Identity");
  identity->add_input("in");
  identity->add_output("same");
  model.mutable_graph()->mutable_node()->SwapElements(0, 1);
  model.mutable_graph()->mutable_node(1)->set_input(0, "same");
  return model;
}

TEST_CASE("optimize writes a smaller model with the same signature and says what changed") {
  const auto library = OrtLibrary::Open("");
  if (!library.ok()) {
    WARN("skipped: " << library.status().message());
    return;
  }
  const StepTools tools{(*library)->path(), (*library)->version()};
  const TempDir folder;
  WriteBytes(folder / "in.onnx", Model().SerializeAsString());
  const auto report = RunStep("optimize", RequestFor(folder / "in.onnx", folder / "out.onnx", tools));
  REQUIRE(report.ok());
  CHECK(report->tool == "onnxruntime " + tools.onnxruntime_version);
  REQUIRE(report->lines.size() == 4);
  CHECK(report->lines[0] == "nodes 2 -> 1");
  CHECK_THAT(report->lines[1], Catch::Matchers::StartsWith("parameters "));
  CHECK_THAT(report->lines[2], Catch::Matchers::StartsWith("bytes "));
  CHECK(report->lines[3] == "Identity 1 -> 0");
  const auto before = ReadModelInfo(folder / "in.onnx");
  const auto after = ReadModelInfo(folder / "out.onnx");
  REQUIRE(after.ok());
  CHECK(after->inputs == before->inputs);
  CHECK(after->outputs == before->outputs);
}

TEST_CASE("optimize names a model or a library that cannot be opened") {
  const TempDir folder;
  WriteBytes(folder / "bad.onnx", "garbage");
  const auto bad_model = RunStep("optimize", RequestFor(folder / "bad.onnx", folder / "out.onnx", {}));
  CHECK(bad_model.status().code() == StatusCode::kInvalidArgument);
  CHECK_THAT(bad_model.status().message(), Contains("step 'optimize'") && Contains("bad.onnx"));
  WriteBytes(folder / "in.onnx", Model().SerializeAsString());
  const auto no_library =
      RunStep("optimize", RequestFor(folder / "in.onnx", folder / "out.onnx", {folder / "absent.so", ""}));
  CHECK_THAT(no_library.status().message(), Contains("absent.so"));
}

}  // namespace
}  // namespace paddock
