#include "device_drivers/host-c/host_c_driver.h"

#include <catch2/catch.hpp>

#include "base/file.h"
#include "base/subprocess.h"
#include "device_drivers/api/host_machine.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

// Doubles four bytes and then negates them, with the header that generated networks are compiled with.
constexpr const char* kDoubler = R"(
#include "network.h"
static struct { int8_t in[4]; int8_t out[4]; } arena;
const char network_name[] = "doubler";
const uint32_t network_input_count = 1;
const network_tensor network_inputs[] = {{"x", NETWORK_INT8, 4, arena.in, 0.5f, 3}};
const uint32_t network_output_count = 1;
const network_tensor network_outputs[] = {{"y", NETWORK_INT8, 4, arena.out, 0.25f, -1}};
const uint32_t network_layer_count = 2;
void network_run_with_hook(network_layer_hook hook) {
  if (hook) hook(0);
  for (int i = 0; i < 4; ++i) arena.out[i] = (int8_t)(2 * arena.in[i]);
  if (hook) hook(1);
  for (int i = 0; i < 4; ++i) arena.out[i] = (int8_t)-arena.out[i];
  if (hook) hook(2);
}
void network_run(void) { network_run_with_hook(0); }
)";

NetworkFacts DoublerFacts() {
  NetworkFacts facts;
  facts.target = HostArchitecture();
  facts.name = "doubler";
  facts.inputs = {{"x", ElementType::kInt8, {1, 4}, Quantization{0.5, 3}}};
  facts.outputs = {{"y", ElementType::kInt8, {1, 4}, Quantization{0.25, -1}}};
  facts.layers = {{"double", "Mul", 4, 0}, {"negate", "Neg", 0, 0}};
  facts.arena_bytes = 8;
  return facts;
}

void Call(std::vector<std::string> argv) {
  ProcessRequest request;
  request.argv = std::move(argv);
  request.environment = CleanEnvironment();
  const auto result = RunProcess(request, Deadline::After(std::chrono::seconds(60)));
  REQUIRE(result.ok());
  INFO(result->stderr_text);
  REQUIRE(result->succeeded());
}

struct Doubler {
  TempDir folder;
  SessionRequest request;
  std::unique_ptr<DeviceDriver> driver = CreateHostCDriver({}).value();

  explicit Doubler(const NetworkFacts& facts = DoublerFacts(), const std::string& code = kDoubler) {
    REQUIRE(WriteFileAtomically(folder / "network.c", code).ok());
    REQUIRE(WriteFileAtomically(folder / "facts", EncodeNetworkFacts(facts)).ok());
    const std::string object = folder / "network.so";
    Call({"cc", "-shared", "-fPIC", "-I", PADDOCK_SOURCE_DIR "/prepare/firmware", folder / "network.c", "-o",
          object});
    Call({"objcopy", "--add-section", std::string(kNetworkFactsSection) + "=" + (folder / "facts"), object});
    request.artifact_path = object;
    request.artifact_kind = "so+" + HostArchitecture();
    request.inputs = DoublerFacts().inputs;
    request.outputs = DoublerFacts().outputs;
  }
  Result<std::unique_ptr<Session>> Open() { return driver->Open(request, Deadline::Never()); }
};

std::vector<std::byte> Bytes(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

TEST_CASE("generated code runs on the host, query by query, and its layers are timed", "[host-c]") {
  Doubler bench;
  const auto opened = bench.Open();
  INFO(opened.status().ToString());
  REQUIRE(opened.ok());
  Session& session = **opened;
  CHECK_FALSE(session.ReadOutputs().ok());
  const auto first = Bytes({1, 2, -3, 0});
  const auto second = Bytes({10, 20, 30, 40});
  const auto a = session.Bind(std::vector<TensorView>{{ElementType::kInt8, {1, 4}, first}});
  const auto b = session.Bind(std::vector<TensorView>{{ElementType::kInt8, {1, 4}, second}});
  REQUIRE((a.ok() && b.ok()));
  REQUIRE(session.Invoke(*b).ok());
  REQUIRE(session.Invoke(*a).ok());
  const auto outputs = session.ReadOutputs();
  REQUIRE(outputs.ok());
  const auto expected = Bytes({-2, -4, 6, 0});
  CHECK(
      std::equal(expected.begin(), expected.end(), outputs->at(0).bytes.begin(), outputs->at(0).bytes.end()));
  const auto layers = session.CountLayers();
  REQUIRE(layers.ok());
  CHECK(layers->unit == "ns");
  CHECK(layers->counts.size() == 2);
  CHECK(session.Facts()->name == "doubler");
  CHECK_FALSE(session.DeviceTimeNs());
  CHECK(session.Invoke(7).code() == StatusCode::kInvalidArgument);
}

TEST_CASE("an object whose tensors are not as its facts or the job say is refused before anything is copied",
          "[host-c]") {
  NetworkFacts facts = DoublerFacts();
  SECTION("more bytes in the facts than in the code") { facts.inputs[0].shape = {1, 400}; }
  SECTION("another number of outputs") { facts.outputs.push_back(facts.outputs[0]); }
  SECTION("another number of layers") { facts.layers.pop_back(); }
  Doubler bench(facts);
  bench.request.inputs = facts.inputs;
  bench.request.outputs = facts.outputs;
  const Status status = bench.Open().status();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK_THAT(status.message(), Contains("submit the job again"));
}

TEST_CASE("what is no generated network is refused with what it lacks", "[host-c]") {
  Doubler bench(DoublerFacts(), "int network_input_count;\n");
  CHECK_THAT(bench.Open().status().message(), Contains("lacks network_output_count"));
  bench.request.artifact_kind = "onnx";
  CHECK_THAT(bench.Open().status().message(), Contains("not 'onnx'"));
  bench.request.artifact_kind = "so+" + HostArchitecture();
  bench.request.options.threads = 2;
  CHECK(bench.Open().status().code() == StatusCode::kUnimplemented);
  bench.request.options = {};
  REQUIRE(WriteFileAtomically(bench.request.artifact_path, "not an object").ok());
  CHECK(bench.Open().status().code() == StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace paddock
