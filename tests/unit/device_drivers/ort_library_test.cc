#include "device_drivers/onnxruntime/ort_library.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/fakes/temp_dir.h"
#include "tests/unit/device_drivers/tiny_model.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

// Not a single function of the table may be at another index than ort_abi.h says: a model goes through all of
// them.
TEST_CASE("the hand-declared table of functions is that of the real library", "[ort]") {
  const auto library = LibraryOrSkip();
  if (!library) return;
  const TempDir folder;
  const std::string path =
      WriteModel(folder / "add.onnx", "g (float[N, 2] left) => (float[N, 2] sum) { sum = Add(left, left) }");
  const auto options = library->CreateOptions(GraphLevel::kBasic);
  REQUIRE(options.ok());
  REQUIRE(library->Call(ort::kEnableCpuMemArena, options->get()).ok());
  REQUIRE(library->Call(ort::kDisableCpuMemArena, options->get()).ok());
  REQUIRE(library->Call(ort::kSetIntraOpNumThreads, options->get(), 2).ok());
  REQUIRE(library->Call(ort::kSetInterOpNumThreads, options->get(), 1).ok());
  REQUIRE(library->Call(ort::kAddSessionConfigEntry, options->get(), "session.intra_op.allow_spinning", "0")
              .ok());
  const auto session = library->CreateSession(path, options->get());
  REQUIRE(session.ok());

  std::size_t inputs = 0;
  std::size_t outputs = 0;
  REQUIRE(library->Call(ort::kSessionGetInputCount, session->get(), &inputs).ok());
  REQUIRE(library->Call(ort::kSessionGetOutputCount, session->get(), &outputs).ok());
  CHECK(inputs == 1);
  CHECK(outputs == 1);

  ort::OrtAllocator* allocator = nullptr;
  REQUIRE(library->Call(ort::kGetAllocatorWithDefaultOptions, &allocator).ok());
  char* name = nullptr;
  REQUIRE(library->Call(ort::kSessionGetInputName, session->get(), std::size_t{0}, allocator, &name).ok());
  CHECK(std::string(name) == "left");
  REQUIRE(library->Call(ort::kAllocatorFree, allocator, name).ok());
  REQUIRE(library->Call(ort::kSessionGetOutputName, session->get(), std::size_t{0}, allocator, &name).ok());
  CHECK(std::string(name) == "sum");
  REQUIRE(library->Call(ort::kAllocatorFree, allocator, name).ok());

  ort::OrtTypeInfo* type = nullptr;
  REQUIRE(library->Call(ort::kSessionGetInputTypeInfo, session->get(), std::size_t{0}, &type).ok());
  const auto owned_type = library->Own<ort::kReleaseTypeInfo>(type);
  int kind = 0;
  int element_type = 0;
  std::size_t rank = 0;
  const ort::OrtTensorInfo* tensor = nullptr;
  REQUIRE(library->Call(ort::kGetOnnxTypeFromTypeInfo, type, &kind).ok());
  REQUIRE(library->Call(ort::kCastTypeInfoToTensorInfo, type, &tensor).ok());
  REQUIRE(library->Call(ort::kGetTensorElementType, tensor, &element_type).ok());
  REQUIRE(library->Call(ort::kGetDimensionsCount, tensor, &rank).ok());
  CHECK(kind == ort::kTypeIsTensor);
  CHECK(element_type == 1);
  REQUIRE(rank == 2);
  std::int64_t shape[2] = {};
  const char* symbols[2] = {};
  REQUIRE(library->Call(ort::kGetDimensions, tensor, shape, rank).ok());
  REQUIRE(library->Call(ort::kGetSymbolicDimensions, tensor, symbols, rank).ok());
  CHECK(shape[0] == -1);
  CHECK(shape[1] == 2);
  CHECK(std::string(symbols[0]) == "N");
}

TEST_CASE("an opened library says its version and that it has a CPU", "[ort]") {
  const auto library = LibraryOrSkip();
  if (!library) return;
  CHECK_THAT(library->version(), Catch::Matchers::Matches("[0-9]+\\.[0-9]+\\.[0-9]+"));
  const auto providers = library->AvailableProviders();
  CHECK(std::count(providers.begin(), providers.end(), "CPUExecutionProvider") == 1);
}

TEST_CASE("a library that is not there is named, with what to do about it", "[ort]") {
  const auto library = OrtLibrary::Open("/nowhere/libonnxruntime.so.1");
  REQUIRE(library.status().code() == StatusCode::kFailedPrecondition);
  CHECK_THAT(library.status().message(), Contains("/nowhere/libonnxruntime.so.1") &&
                                             Contains("--option library=PATH") && Contains("./dev demo"));
}

TEST_CASE("a library that is something else is refused by name", "[ort]") {
  const auto library = OrtLibrary::Open("libm.so.6");
  REQUIRE(library.status().code() == StatusCode::kFailedPrecondition);
  CHECK_THAT(library.status().message(),
             Contains("libm.so.6 is not ONNX Runtime") && Contains("OrtGetApiBase"));
}

TEST_CASE("what ONNX Runtime says about a model becomes a status that blames the right one", "[ort]") {
  const auto library = LibraryOrSkip();
  if (!library) return;
  const TempDir folder;
  const auto load = [&](const std::string& path) {
    return library->CreateSession(path, library->CreateOptions(GraphLevel::kAll)->get()).status();
  };

  REQUIRE(WriteFileAtomically(folder / "garbage.onnx", "these are no protobuf bytes").ok());
  CHECK(load(folder / "garbage.onnx").code() == StatusCode::kInvalidArgument);
  CHECK_THAT(load(folder / "garbage.onnx").message(), Contains("garbage.onnx"));

  const std::string whole = ModelBytes("g (float[4] x) => (float[4] y) { y = Relu(x) }");
  REQUIRE(WriteFileAtomically(folder / "cut.onnx", whole.substr(0, whole.size() / 2)).ok());
  CHECK(load(folder / "cut.onnx").code() == StatusCode::kInvalidArgument);

  CHECK(load(folder / "absent.onnx").code() == StatusCode::kNotFound);

  WriteModel(folder / "unknown.onnx", "g (float[4] x) => (float[4] y) { y = NoSuchOperator(x) }");
  CHECK(load(folder / "unknown.onnx").code() == StatusCode::kInvalidArgument);

  WriteModel(folder / "nokernel.onnx",
             "g (uint16[4] x, uint16[4] y) => (uint16[4] z) { z = BitShift<direction=\"LEFT\">(x, y) }", 11);
  CHECK(load(folder / "nokernel.onnx").code() == StatusCode::kUnimplemented);
}

TEST_CASE("the graph optimiser writes a smaller model that still loads", "[ort]") {
  const auto library = LibraryOrSkip();
  if (!library) return;
  const TempDir folder;
  const std::string input = WriteModel(
      folder / "in.onnx", "g (float[4] x) => (float[4] y) { a = Identity(x) b = Identity(a) y = Relu(b) }");
  const std::string output = folder / "out.onnx";
  REQUIRE(WriteOptimizedModel(*library, input, output, GraphLevel::kExtended).ok());

  onnx::ModelProto optimized;
  REQUIRE(optimized.ParseFromString(*ReadFile(output)));
  CHECK(optimized.graph().node_size() == 1);
  CHECK(library->CreateSession(output, library->CreateOptions(GraphLevel::kAll)->get()).ok());
}

TEST_CASE("the graph optimiser refuses the level that ties a model to its CPU", "[ort]") {
  const auto library = LibraryOrSkip();
  if (!library) return;
  const TempDir folder;
  const Status status = WriteOptimizedModel(*library, "in.onnx", folder / "out.onnx", GraphLevel::kAll);
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK_FALSE(FileSize(folder / "out.onnx").ok());
}

}  // namespace
}  // namespace paddock
