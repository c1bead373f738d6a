#include <catch2/catch.hpp>

#include "prepare/batch.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/prepare/onnx_builder.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

// Six samples: x float32 [6,4], q int8 [6,4], y int64 [6] of classes 0 to 2.
class CheckInputs {
 public:
  CheckInputs() {
    spec.inputs = {{"in", "x"}};
    spec.labels = "y";
    Write({});
  }
  void Write(const std::vector<NpzMember>& more) {
    std::vector<NpzMember> members = {{"x.npy", Npy("<f4", {6, 4}, BytesOf(std::vector<float>(24, 0.5F)))},
                                      {"q.npy", Npy("|i1", {6, 4}, std::string(24, '\x03'))},
                                      {"y.npy", Npy("<i8", {6}, BytesOf<std::int64_t>({0, 1, 2, 0, 1, 2}))}};
    members.insert(members.end(), more.begin(), more.end());
    WriteNpz(folder_ / "data.npz", members);
  }
  Status Check() const { return CheckData(spec, folder_ / "data.npz", model, task, "data.npz"); }
  std::string Error() const {
    const Status status = Check();
    REQUIRE(!status.ok());
    REQUIRE(status.code() == StatusCode::kInvalidArgument);
    return status.message();
  }
  const TempDir& folder() const { return folder_; }

  DataSpec spec;
  ModelInfo model =
      Signature({{"in", ElementType::kFloat32, {-1, 4}}}, {{"out", ElementType::kFloat32, {-1, 3}}});
  Task task = Task::kClassification;

 private:
  TempDir folder_;
};

TEST_CASE("data that fit the model are accepted") {
  CheckInputs data;
  CHECK(data.Check().ok());
  data.spec.inputs = {{"in", "q"}};
  data.spec.preprocess = {{.input = "in", .action = DequantizeStep{0.5, 1}}};
  CHECK(data.Check().ok());
}

TEST_CASE("inputs may be left out when there is one of each") {
  CheckInputs data;
  data.spec.inputs.clear();
  CHECK_THAT(data.Error(),
             Contains("data.inputs") && Contains("float32 x[6,4]") && Contains("float32 in[?,4]"));
  WriteNpz(data.folder() / "data.npz", {{"pixels.npy", Npy("<f4", {6, 4}, std::string(96, '\0'))},
                                        {"y.npy", Npy("<i8", {6}, std::string(48, '\0'))}});
  CHECK(data.Check().ok());
}

TEST_CASE("arrays and inputs that do not exist are named beside those that do") {
  CheckInputs data;
  data.spec.inputs = {{"in", "images"}};
  CHECK_THAT(data.Error(),
             Contains("data.inputs.in") && Contains("no array 'images'") && Contains("float32 x[6,4]"));
  data.spec.inputs = {{"inn", "x"}};
  CHECK_THAT(data.Error(), Contains("data.inputs.inn") && Contains("did you mean 'in'"));
  data.spec.inputs = {{"in", "x"}};
  data.spec.labels = "z";
  CHECK_THAT(data.Error(), Contains("data.labels") && Contains("no array 'z'"));
  data.spec.labels = "y";
  data.spec.preprocess = {{.input = "inn", .action = ScaleStep{}}};
  CHECK_THAT(data.Error(), Contains("data.preprocess[0].input") && Contains("did you mean 'in'"));
}

TEST_CASE("a model that wants an input which the data lack says which") {
  CheckInputs data;
  data.model.inputs.push_back({"mask", ElementType::kFloat32, {-1, 4}});
  CHECK_THAT(data.Error(), Contains("wants the input float32 mask[?,4]") && Contains("data.npz"));
}

TEST_CASE("a wrong type suggests the step that makes it right") {
  CheckInputs data;
  data.spec.inputs = {{"in", "q"}};
  CHECK_THAT(data.Error(), Contains("is int8, and the model wants float32") &&
                               Contains("{cast: {to: float32}}") && Contains("dequantize"));
  data.spec.inputs = {{"in", "x"}};
  data.model.inputs[0].type = ElementType::kInt8;
  CHECK_THAT(data.Error(), Contains("quantize"));
}

TEST_CASE("a wrong shape suggests the step that makes it right") {
  CheckInputs data;
  data.model.inputs[0].shape = {1, 2, 2};
  CHECK_THAT(data.Error(), Contains("has the shape [4]") && Contains("{reshape: {shape: [2,2]}}"));
  data.spec.preprocess = {{.input = "", .action = ReshapeStep{{2, -1}}}};
  CHECK(data.Check().ok());
  data.spec.preprocess = {{.input = "", .action = ReshapeStep{{4, 1}}}};
  data.model.inputs[0].shape = {1, 1, 4};
  CHECK_THAT(data.Error(), Contains("after preprocessing") && Contains("{reshape: {shape: [1,4]}}"));
  data.spec.preprocess = {};
  data.model.inputs[0].shape = {1, 5};
  CHECK_THAT(data.Error(), Contains("wants [5]") && !Contains("reshape"));
}

TEST_CASE("channels in the other order suggest a transpose") {
  CheckInputs data;
  data.Write({{"hwc.npy", Npy("<f4", {6, 8, 8, 3}, std::string(6 * 8 * 8 * 3 * 4, '\0'))}});
  data.spec.inputs = {{"in", "hwc"}};
  data.model.inputs[0].shape = {-1, 3, 8, 8};
  CHECK_THAT(data.Error(), Contains("{transpose: {axes: [2,0,1]}}"));
  data.spec.preprocess = {{.input = "", .action = TransposeStep{{2, 0, 1}}}};
  CHECK(data.Check().ok());
}

TEST_CASE("a preprocessing step that cannot work is named with its field") {
  CheckInputs data;
  data.spec.preprocess = {{.input = "", .action = ScaleStep{}}, {.input = "", .action = DequantizeStep{}}};
  CHECK_THAT(data.Error(), Contains("data: preprocess[1] (dequantize) on input 'in'"));
}

TEST_CASE("a task asks for labels of its kind") {
  CheckInputs data;
  data.spec.labels.clear();
  CHECK_THAT(data.Error(),
             Contains("data.labels") && Contains("classification needs labels") && Contains("int64 y[6]"));
  data.task = Task::kNone;
  CHECK(data.Check().ok());
  data.spec.labels = "x";
  data.task = Task::kClassification;
  CHECK_THAT(data.Error(), Contains("one integer per sample"));
  data.task = Task::kRegression;
  CHECK(data.Check().ok());
}

TEST_CASE("labels are one per sample and within the model's classes") {
  CheckInputs data;
  data.Write({{"few.npy", Npy("<i8", {5}, std::string(40, '\0'))},
              {"high.npy", Npy("|u1", {6}, std::string("\0\1\2\3\0\0", 6))},
              {"negative.npy", Npy("|i1", {6}, std::string(6, '\xff'))}});
  data.spec.labels = "few";
  CHECK_THAT(data.Error(), Contains("shape [5] for 6 samples"));
  data.spec.labels = "high";
  CHECK_THAT(data.Error(), Contains("sample 3 has the label 3") && Contains("knows 0 to 2"));
  data.spec.labels = "negative";
  CHECK_THAT(data.Error(), Contains("the label -1"));
  data.spec.labels = "high";
  data.model.outputs[0].shape = {-1, 3, 8};  // says nothing of classes
  CHECK(data.Check().ok());
  data.model.outputs[0].shape = {-1, 1};
  CHECK_THAT(data.Error(), Contains("knows 0 to 1"));
}

TEST_CASE("empty data, unequal inputs and too many samples are refused") {
  CheckInputs data;
  data.spec.samples = 7;
  CHECK_THAT(data.Error(), Contains("data.samples") && Contains("7 samples") && Contains("hold 6"));
  data.spec.samples.reset();
  data.Write({{"none.npy", Npy("<f4", {0, 4}, "")},
              {"five.npy", Npy("<f4", {5, 4}, std::string(80, '\0'))},
              {"one.npy", Npy("<f4", {}, std::string(4, '\0'))}});
  data.spec.inputs = {{"in", "none"}};
  CHECK_THAT(data.Error(), Contains("'none' has no samples"));
  data.spec.inputs = {{"in", "one"}};
  CHECK_THAT(data.Error(), Contains("single value"));
  data.model.inputs.push_back({"more", ElementType::kFloat32, {-1, 4}});
  data.spec.inputs = {{"in", "x"}, {"more", "five"}};
  CHECK_THAT(data.Error(), Contains("'five' has 5 samples") && Contains("'x' has 6"));
}

TEST_CASE("damaged elements of a small array are found at submit") {
  CheckInputs data;
  WriteNpz(data.folder() / "data.npz",
           {{"x.npy", Npy("<f4", {6, 4}, std::string(96, 'x'))},
            {"y.npy", Npy("<i8", {6}, std::string(48, '\0'))}},
           ZIP_CM_STORE);
  REQUIRE(data.Check().ok());
  std::string bytes = ReadBytes(data.folder() / "data.npz");
  bytes[bytes.find("xxxxxxxx") + 50] = 'y';
  WriteBytes(data.folder() / "data.npz", bytes);
  CHECK_THAT(data.Error(), Contains("data file 'data.npz', array 'x'") && Contains("damaged"));
}

TEST_CASE("labels of regions, boxes and events have their shapes") {
  CheckInputs data;
  data.Write({{"map.npy", Npy("|u1", {6, 2, 2}, std::string(24, '\0'))},
              {"boxes.npy", Npy("<f4", {6, 1, 5}, std::string(120, '\0'))},
              {"windows.npy", Npy("<f4", {6, 1, 2}, std::string(48, '\0'))}});
  const std::vector<std::pair<Task, std::string>> right = {
      {Task::kSegmentation, "map"}, {Task::kDetection, "boxes"}, {Task::kEvents, "windows"}};
  for (const auto& [task, labels] : right) {
    data.task = task;
    data.spec.labels = labels;
    CHECK(data.Check().ok());
    data.spec.labels = "y";
    CHECK_THAT(data.Error(), Contains("data.labels") && Contains(std::string(TaskName(task)) + " needs"));
  }
  data.task = Task::kSegmentation;
  data.spec.labels = "boxes";  // numbers, but no integers
  CHECK_THAT(data.Error(), Contains("integers"));
}

}  // namespace
}  // namespace paddock
