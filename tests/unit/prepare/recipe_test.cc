#include "prepare/recipe.h"

#include <catch2/catch.hpp>
#include <set>

namespace paddock {
namespace {

const Digest kModel = Sha256::Of("model");
const Digest kData = Sha256::Of("data");

TEST_CASE("a model's key depends on the model, the steps in order, and the kind of artifact") {
  const std::vector<std::string> none;
  const std::vector<std::string> ab = {"a", "b"};
  const std::vector<std::string> ba = {"b", "a"};
  const std::vector<std::string> joined = {"ab"};
  const std::set<Digest> keys = {
      ModelRecipeKey(kModel, none, {"onnx"}),   ModelRecipeKey(kData, none, {"onnx"}),
      ModelRecipeKey(kModel, ab, {"onnx"}),     ModelRecipeKey(kModel, ba, {"onnx"}),
      ModelRecipeKey(kModel, joined, {"onnx"}), ModelRecipeKey(kModel, none, {"tflite"})};
  CHECK(keys.size() == 6);
  CHECK(ModelRecipeKey(kModel, ab, {"onnx"}) == ModelRecipeKey(kModel, ab, {"onnx"}));
}

DataSpec Spec() {
  DataSpec spec;
  spec.inputs = {{"in", "x"}};
  spec.labels = "y";
  spec.samples = 10;
  spec.seed = 1;
  spec.preprocess = {{.input = "", .action = ScaleStep{0.5, 0}}};
  return spec;
}

TEST_CASE("a change of any field of the data changes the key") {
  const std::vector<TensorInfo> inputs = {{"in", ElementType::kFloat32, {-1, 4}}};
  const std::vector<TensorInfo> others = {{"in", ElementType::kFloat32, {-1, 5}}};
  std::set<Digest> keys;
  int variants = 0;
  const auto add = [&](auto change) {
    DataSpec spec = Spec();
    change(spec);
    keys.insert(DataRecipeKey(kData, spec, inputs, Task::kClassification, 4096));
    ++variants;
  };
  add([](DataSpec&) {});
  add([](DataSpec& spec) { spec.inputs["in"] = "z"; });
  add([](DataSpec& spec) { spec.labels = "z"; });
  add([](DataSpec& spec) { spec.samples = 11; });
  add([](DataSpec& spec) { spec.samples.reset(); });
  add([](DataSpec& spec) { spec.seed = 2; });
  add([](DataSpec& spec) { spec.preprocess.clear(); });
  add([](DataSpec& spec) { spec.preprocess[0].input = "in"; });
  add([](DataSpec& spec) { spec.preprocess[0].action = ScaleStep{0.5000000000000001, 0}; });
  add([](DataSpec& spec) { spec.preprocess[0].action = ScaleStep{0.5, 1}; });
  add([](DataSpec& spec) { spec.preprocess[0].action = CastStep{ElementType::kInt8}; });
  add([](DataSpec& spec) { spec.preprocess[0].action = NormalizeStep{{0}, {1}, 1}; });
  add([](DataSpec& spec) { spec.preprocess[0].action = DequantizeStep{0.5, 0}; });
  add([](DataSpec& spec) { spec.preprocess[0].action = QuantizeStep{0.5, 0, ElementType::kInt8}; });
  add([](DataSpec& spec) { spec.preprocess[0].action = QuantizeStep{0.5, 0, ElementType::kUint8}; });
  add([](DataSpec& spec) { spec.preprocess[0].action = TransposeStep{{0, 1}}; });
  add([](DataSpec& spec) { spec.preprocess[0].action = ReshapeStep{{0, 1}}; });
  keys.insert(DataRecipeKey(kModel, Spec(), inputs, Task::kClassification, 4096));
  keys.insert(DataRecipeKey(kData, Spec(), others, Task::kClassification, 4096));
  keys.insert(DataRecipeKey(kData, Spec(), inputs, Task::kRegression, 4096));
  keys.insert(DataRecipeKey(kData, Spec(), inputs, Task::kClassification, 4097));
  keys.insert(DataRecipeKey(kData, Spec(), inputs, Task::kClassification, std::nullopt));
  CHECK(keys.size() == static_cast<std::size_t>(variants) + 5);
}

TEST_CASE("the canonical form is stable") {
  CHECK(
      CanonicalJson(Spec()) ==
      R"({"inputs":{"in":"x"},"labels":"y","preprocess":[{"fields":{"factor":0.5,"offset":0.0},"input":"","step":"scale"}],)"
      R"("samples":10,"seed":1})");
}

TEST_CASE("names that are not UTF-8 still give a key") {
  DataSpec spec = Spec();
  spec.labels = "\xff";
  CHECK(!DataRecipeKey(kData, spec, {}, Task::kNone, std::nullopt).empty());
}

TEST_CASE("an accuracy interval changes the order of the batches, its width does not") {
  const auto key = [](std::optional<double> width) {
    DataSpec spec = Spec();
    spec.samples.reset();
    spec.accuracy_interval = width;
    return DataRecipeKey(kData, spec, {}, Task::kClassification, std::nullopt);
  };
  CHECK(key(std::nullopt) != key(0.02));
  CHECK(key(0.05) == key(0.02));
}

}  // namespace
}  // namespace paddock
