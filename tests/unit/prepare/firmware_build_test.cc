#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "base/architecture.h"
#include "base/file.h"
#include "prepare/codegen/network.h"
#include "prepare/firmware/build_firmware.h"
#include "prepare/firmware/firmware_steps.h"
#include "prepare/firmware/model_table.h"
#include "prepare/firmware/toolchain.h"
#include "prepare/model_info.h"
#include "prepare/steps.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

// Adds one to a byte; `bytes` lie idle in RAM.
std::string OneMore(std::size_t bytes) {
  return R"(#include "network.h"
static struct { int8_t in, out; volatile char idle[)" +
         std::to_string(bytes) + R"(]; } arena;
const char network_name[] = "one_more";
const uint32_t network_input_count = 1, network_output_count = 1, network_layer_count = 1;
const network_tensor network_inputs[] = {{"x", NETWORK_INT8, 1, &arena.in, 1, 0}};
const network_tensor network_outputs[] = {{"y", NETWORK_INT8, 1, &arena.out, 1, 0}};
void network_run_with_hook(network_layer_hook hook) { if (hook) hook(0); network_run(); if (hook) hook(1); }
void network_run(void) { arena.out = (int8_t)(arena.in + 1); arena.idle[0] = 1; }
)";
}

NetworkFacts OneMoreFacts() {
  NetworkFacts facts;
  facts.name = "one_more";
  facts.inputs = {{"x", ElementType::kInt8, {1, 1}, Quantization{1, 0}}};
  facts.outputs = {{"y", ElementType::kInt8, {1, 1}, Quantization{1, 0}}};
  facts.layers = {{"more", "Add", 0, 0}};
  return facts;
}

bool IsEmptyFolder(const TempDir& folder) { return std::filesystem::is_empty(folder.path()); }

bool LacksCompiler(const Toolchain& toolchain) {
  const Status status = CheckToolchain(toolchain);
  if (!status.ok()) WARN("skipped: " << status.message());
  return !status.ok();
}

TEST_CASE("a model that does not fit a board is refused with what it needs, and nothing is left") {
  if (LacksCompiler(ArmToolchain())) return;
  const TempDir folder;
  const KnownBoard& board = *FindKnownBoard("nucleo-f401re");
  const auto facts = BuildFirmware(OneMore(97'000), OneMoreFacts(), board, {}, folder / "out.elf");
  REQUIRE(facts.status().code() == StatusCode::kOutOfRange);
  CHECK_THAT(facts.status().message(),
             Contains("nucleo-f401re") && Contains("of RAM, of which it has 98304"));
  CHECK(IsEmptyFolder(folder));
}

TEST_CASE("a network that does not compile leaves nothing and shows the compiler's words") {
  if (LacksCompiler(HostToolchain())) return;
  const TempDir folder;
  const auto facts =
      BuildHostLibrary("int broken(void) { return nobody; }", OneMoreFacts(), folder / "out.so");
  CHECK(facts.status().code() == StatusCode::kInternal);
  CHECK_THAT(facts.status().message(), Contains("nobody"));
  CHECK(IsEmptyFolder(folder));
}

TEST_CASE("the same network compiles to the same bytes, whatever the folder") {
  const TempDir one;
  const TempDir other;
  const KnownBoard& board = *FindKnownBoard("qemu-stm32f405");
  if (!LacksCompiler(ArmToolchain())) {
    REQUIRE(BuildFirmware(OneMore(8), OneMoreFacts(), board, {}, one / "a.elf").ok());
    REQUIRE(BuildFirmware(OneMore(8), OneMoreFacts(), board, {}, other / "b.elf").ok());
    CHECK(*ReadFile(one / "a.elf") == *ReadFile(other / "b.elf"));
  }
  if (LacksCompiler(HostToolchain())) return;
  const auto facts = BuildHostLibrary(OneMore(8), OneMoreFacts(), one / "a.so");
  REQUIRE(facts.ok());
  REQUIRE(BuildHostLibrary(OneMore(8), OneMoreFacts(), other / "b.so").ok());
  CHECK(*ReadFile(one / "a.so") == *ReadFile(other / "b.so"));
  CHECK(facts->target == HostArchitecture());

  const auto info = ReadModelInfo(one / "a.so");
  REQUIRE(info.status().ToString() == "OK");
  CHECK(info->kind == "so");
  CHECK(info->inputs == OneMoreFacts().inputs);
  CHECK(info->outputs == OneMoreFacts().outputs);
}

TEST_CASE("a missing compiler is named with the package that brings it") {
  const Status status = CheckToolchain({"no-such-gcc", "objcopy", "size", "gcc-for-nobody"});
  CHECK(status.code() == StatusCode::kFailedPrecondition);
  CHECK_THAT(status.message(), Contains("no-such-gcc") && Contains("apt install gcc-for-nobody"));
}

TEST_CASE("what firmware is made for is part of its kind") {
  if (LacksCompiler(ArmToolchain()) || LacksCompiler(HostToolchain())) return;
  const std::vector<std::string> firmware = {"to-onnx", "firmware board=nucleo-l4r5zi optimize=size"};
  const auto kind = KindAfter(firmware, "tflite", {});
  REQUIRE(kind.status().ToString() == "OK");
  CHECK(*kind == "elf+nucleo-l4r5zi");
  CHECK(*KindAfter(std::vector<std::string>{"host-c"}, "onnx", {}) == "so+" + HostArchitecture());
  CHECK(KindAfter(std::vector<std::string>{"host-c"}, "tflite", {}).status().code() ==
        StatusCode::kFailedPrecondition);
  const auto fingerprints = StepFingerprints(firmware, {});
  REQUIRE(fingerprints.ok());
  CHECK_THAT(fingerprints->back(),
             Contains("compiler=arm-none-eabi-gcc") && Contains("optimize=size") && Contains("sources="));
}

TEST_CASE("options of firmware that mean nothing are refused with those that do") {
  const auto error = [](const char* step) {
    const auto parsed = ParseStep(step);
    REQUIRE(parsed.status().code() == StatusCode::kInvalidArgument);
    return parsed.status().message();
  };
  CHECK_THAT(error("firmware"), Contains("needs board=NAME") && Contains("nucleo-h7a3zi-q"));
  CHECK_THAT(error("firmware board=nucleo"), Contains("no board 'nucleo'"));
  CHECK_THAT(error("firmware board=nucleo-f401re optimize=fast"), Contains("speed"));
  CHECK_THAT(error("firmware board=nucleo-f401re protocol=v2"), Contains("stm32msg"));
  CHECK_THAT(error("host-c name=1st"), Contains("'1st' is no name"));
  CHECK_THAT(error("host-c board=nucleo-f401re"), Contains("board"));
}

TEST_CASE("names of ST's protocol are whole characters", "[prepare][firmware]") {
  Network network;
  for (const std::string& name : {std::string(62, 'a') + "\xc3\xa4", "b\xff" + std::string(3, 'c')})
    network.values.push_back({name, ElementType::kInt8, {1}, Quantization{1, 0}});
  network.inputs = {0, 1};
  const std::string table = WriteModelTable(network);
  CHECK_THAT(table, Contains("{\"" + std::string(62, 'a') + "\", 0x00840440"));
  CHECK_THAT(table, Contains("{\"b\", 0x00840440"));
}

}  // namespace
}  // namespace paddock
