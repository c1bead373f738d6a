#include "prepare/passes/compress.h"

#include "base/packed_file.h"
#include "prepare/model_cost.h"
#include "prepare/model_info.h"
#include "prepare/onnx_arrays.h"
#include "tests/unit/prepare/passes/pass_fixture.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

const std::string kDigits = PADDOCK_SOURCE_DIR "/deploy/demo/digits.onnx";

const StepTools kTools{.onnxruntime_library_path = "", .onnxruntime_version = "1.30.0", .converters = {}};

TEST_CASE("compress packs a model that is read as if it were not", "[compress]") {
  StepBench bench;
  const auto report = bench.Run("compress", kDigits);
  REQUIRE(report.ok());
  CHECK_THAT(AllLines(*report), Contains("bytes 97220 -> 97220\n") && Contains("stored and sent as ") &&
                                    Contains(" of 97,220 bytes (") && Contains("% saved)"));
  const std::string packed = ReadBytes(bench.out());
  CHECK(packed.size() < 97'220 * 0.9);
  CHECK(Unpack(packed).value() == ReadBytes(kDigits));

  const ModelInfo before = ReadModelInfo(kDigits).value();
  const ModelInfo after = ReadModelInfo(bench.out()).value();
  CHECK(after.kind == "onnx");
  CHECK(after.inputs == before.inputs);
  CHECK(after.size_bytes == 97'220);
  CHECK(after.packed_bytes == packed.size());
  CHECK(!before.packed_bytes);
  CHECK(ReadModelCost(bench.out(), after)->multiply_accumulates ==
        ReadModelCost(kDigits, before)->multiply_accumulates);
}

TEST_CASE("weights that are shared pack to a fraction, as the step's name says", "[compress]") {
  StepBench bench;
  REQUIRE(bench.Run("share-weights clusters=16", kDigits).ok());
  const std::string shared = bench / "shared.onnx";
  WriteBytes(shared, ReadBytes(bench.out()));
  REQUIRE(bench.Run("compress", shared).ok());
  CHECK(ReadBytes(bench.out()).size() < ReadBytes(shared).size() / 5);
}

TEST_CASE("a model that packing does not make smaller stays as it is", "[compress]") {
  StepBench bench;
  onnx::ModelProto model = SmallNetwork();
  std::string noise;
  std::mt19937 random(1);
  while (noise.size() < 100'000) noise.push_back(static_cast<char>(random()));
  model.set_doc_string(noise);
  model.set_producer_name("noise");
  WriteModel(bench.model(), model);
  const auto report = bench.Run("compress");
  REQUIRE(report.ok());
  CHECK_THAT(AllLines(*report), Contains("stored and sent as it is: packed it would have 1"));
  CHECK(ReadBytes(bench.out()) == ReadBytes(bench.model()));
}

TEST_CASE("nothing comes behind compress", "[compress]") {
  CHECK(KindAfter(std::vector<std::string>{"optimize", "compress"}, "onnx", kTools).value() == "onnx");
  CHECK(KindAfter(std::vector<std::string>{"compress"}, "tflite", kTools).value() == "tflite");
  for (const std::string next : {"int8", "compress"}) {
    const auto kind = KindAfter(std::vector<std::string>{"compress", next}, "onnx", kTools);
    CHECK(kind.status().code() == StatusCode::kInvalidArgument);
    CHECK_THAT(kind.status().message(), Contains("'compress' must be the last one"));
  }
  StepBench bench;
  REQUIRE(bench.Run("compress", kDigits).ok());
  const std::string packed = bench / "packed.onnx";
  WriteBytes(packed, ReadBytes(bench.out()));
  CHECK_THAT(bench.Run("fp16", packed).status().message(), Contains("packed by step 'compress'"));
  std::string damaged = ReadBytes(packed);
  damaged[damaged.size() / 2] ^= 1;
  WriteBytes(packed, damaged);
  CHECK_THAT(ReadModelInfo(packed, "my.onnx").status().message(),
             Contains("'my.onnx'") && Contains("damaged"));
}

TEST_CASE("the constants of a model are found where they lie", "[compress]") {
  onnx::ModelProto model = SmallNetwork();
  auto* const graph = model.mutable_graph();
  auto* const constant = graph->add_node();
  constant->set_op_type("Constant");
  auto* const attribute = constant->add_attribute();
  attribute->set_name("value");
  *attribute->mutable_t() = MakeIntegers("", ElementType::kInt8, {200}, std::vector<std::int64_t>(200, 7));
  auto* const listed = graph->add_initializer();  // elements in a field of their own type
  listed->set_data_type(onnx::TensorProto::FLOAT);
  for (int i = 0; i < 50; ++i) listed->add_float_data(static_cast<float>(i));
  const std::string bytes = model.SerializeAsString();
  const auto arrays = OnnxArrays(bytes, 200);
  REQUIRE(arrays.size() == 4);
  const auto text = [&](const WordRange& array) {
    return bytes.substr(array.offset, array.words * array.word_bytes);
  };
  CHECK(arrays[0].word_bytes == 1);  // nodes come first in the file
  CHECK(text(arrays[0]) == std::string(200, 7));
  CHECK(arrays[1].words == 72);
  CHECK(text(arrays[1]) == graph->initializer(0).raw_data());
  CHECK(arrays[2].words == 54);
  CHECK(arrays[3].words == 50);
  CHECK(arrays[3].word_bytes == 4);
  for (std::size_t size = 0; size < bytes.size(); size += 7)  // whatever it finds, it ends
    CHECK(OnnxArrays(bytes.substr(0, size), 1).size() <= arrays.size() + 9);
}

TEST_CASE("public models of both formats pack and come back", "[compress]") {
  for (const std::string name : {"kws_int8.tflite", "kws_int8.onnx"}) {
    const std::string path = PublicModelOrSkip(name);
    if (path.empty()) return;
    StepBench bench;
    const auto report = bench.Run("compress", path);
    REQUIRE(report.ok());
    CHECK_THAT(AllLines(*report), Contains("stored and sent as "));
    CHECK(ModelBytes::Read(bench.out()).value().bytes() == ReadBytes(path));
    CHECK(ReadBytes(bench.out()).size() < ReadBytes(path).size() * 95 / 100);
  }
}

}  // namespace
}  // namespace paddock
