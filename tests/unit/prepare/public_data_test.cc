// Real inputs with known properties: the keyword-spotting samples of MLPerf Tiny, when they lie beside the source tree, and
// the project's own demo.
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>

#include "kpi/tensor_file.h"
#include "prepare/batch.h"
#include "prepare/data_file.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/prepare/npz_builder.h"

namespace paddock {
namespace {

const std::string kPublic = PADDOCK_SOURCE_DIR "/../shared/data/mlperf-tiny/";

bool Skipped() {
  if (std::filesystem::exists(kPublic)) return false;
  WARN("skipped: there is no " << kPublic);
  return true;
}

DataSpec KeywordSpec() {
  DataSpec spec;
  spec.inputs = {{"input_1", "x"}};
  spec.labels = "y";
  spec.preprocess = {{.input = "", .action = DequantizeStep{0.5847029089927673, 83}}};
  return spec;
}

TEST_CASE("the keyword samples fit the keyword model and are prepared whole", "[public]") {
  if (Skipped()) return;
  const TempDir folder;
  const auto model = ReadModelInfo(kPublic + "kws_int8.onnx");
  REQUIRE(model.ok());
  DataSpec spec = KeywordSpec();
  spec.inputs = {{model->inputs.at(0).name, "x"}};
  REQUIRE(CheckData(spec, kPublic + "kws01.npz", *model, Task::kClassification).ok());
  const auto prepared = PrepareData(spec, kPublic + "kws01.npz", *model, Task::kClassification,
                                    {.batch_bytes = 1 << 20}, folder.path());
  REQUIRE(prepared.ok());
  CHECK(prepared->indices.size() == 1000);
  CHECK(prepared->batches.size() == 2);

  auto file = DataFile::Open(kPublic + "kws01.npz");
  REQUIRE(file.ok());
  CHECK(file->arrays() ==
        std::vector<ArrayInfo>{{"x", ElementType::kInt8, {1000, 490}}, {"y", ElementType::kInt64, {1000}}});
  const std::vector<std::uint64_t> last = {999};
  const auto raw = file->ReadRows("x", last);
  REQUIRE(raw.ok());
  const std::string bytes = ReadBytes(prepared->batches.back().path);
  const auto tensors = DecodeTensorFile(bytes);
  REQUIRE(tensors.ok());
  const std::size_t end = prepared->batches.back().samples * 490;
  for (std::size_t i = 0; i < 490; ++i) {
    const auto expected = static_cast<float>(ElementAsDouble(raw->view(), i) - 83) * 0.5847029089927673F;
    REQUIRE(ElementAsDouble((*tensors)[0].tensor, end - 490 + i) == static_cast<double>(expected));
  }
}

TEST_CASE("every public model is described and can be fed", "[public]") {
  if (Skipped()) return;
  int models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kPublic)) {
    if (entry.path().extension() != ".onnx") continue;
    CAPTURE(entry.path().string());
    const auto model = ReadModelInfo(entry.path().string());
    REQUIRE(model.ok());
    REQUIRE(SampleShapes(*model).ok());
    CHECK(model->parameters > 1000);
    ++models;
  }
  CHECK(models >= 6);
}

TEST_CASE("the demo's data fit the demo's model", "[public]") {
  const TempDir folder;
  const std::string demo = PADDOCK_SOURCE_DIR "/deploy/demo/";
  const auto model = ReadModelInfo(demo + "digits.onnx");
  REQUIRE(model.ok());
  DataSpec spec;
  spec.inputs = {{"image", "x"}};
  spec.labels = "y";
  spec.samples = 200;
  spec.seed = 7;
  spec.preprocess = {{.input = "", .action = CastStep{ElementType::kFloat32}},
                     {.input = "", .action = ScaleStep{0.0625, 0}}};
  const Status checked = CheckData(spec, demo + "digits.npz", *model, Task::kClassification);
  INFO(checked.ToString());
  REQUIRE(checked.ok());
  const auto prepared =
      PrepareData(spec, demo + "digits.npz", *model, Task::kClassification, {}, folder.path());
  REQUIRE(prepared.ok());
  CHECK(prepared->indices.size() == 200);
}

}  // namespace
}  // namespace paddock
