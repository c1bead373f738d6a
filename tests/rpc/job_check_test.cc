#include "server/rpc/job_check.h"

#include <catch2/catch.hpp>

#include "base/file.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

struct Submission {
  TempDir folder;
  std::unique_ptr<ArtifactStore> artifacts = ArtifactStore::Open(folder / "artifacts").value();
  JobSpec spec;

  Submission() {
    const std::string demo = PADDOCK_SOURCE_DIR "/deploy/demo/digits";
    spec.model_path = "digits.onnx";
    spec.model = artifacts->Put(ReadFile(demo + ".onnx").value()).value();
    spec.data_path = "digits.npz";
    spec.data = artifacts->Put(ReadFile(demo + ".npz").value()).value();
    spec.data_spec.inputs = {{"image", "x"}};
    spec.data_spec.labels = "y";
    spec.data_spec.preprocess = {{"", CastStep{ElementType::kFloat32}}};
    spec.task = Task::kClassification;
    spec.variants = {{"aimet", {"import-encodings"}, {}}};
  }
  Status CheckWith(const std::string& encodings) {
    spec.variants[0].encodings_path = "digits.encodings";
    spec.variants[0].encodings = artifacts->Put(encodings).value();
    return CheckJobFiles(*artifacts, {}, &spec);
  }
};

TEST_CASE("a variant whose steps need encodings has a file of them that can be read", "[rpc]") {
  Submission job;
  CHECK_THAT(CheckJobFiles(*job.artifacts, {}, &job.spec).message(),
             Contains("variants[0].encodings: is missing") && Contains("AIMET"));
  CHECK_THAT(job.CheckWith("{\n  \"encodings\": nan}").message(),
             Contains("variants[0].encodings: digits.encodings") && Contains("line 2"));
  CHECK_THAT(
      job.CheckWith(R"({"encodings": [{"name": "w", "y_scale": 0, "output_dtype": "int8"}]})").message(),
      Contains("digits.encodings: encodings[0] (w).y_scale"));
  CHECK(job.CheckWith(R"({"encodings": []})").ToString() == "OK");
  job.spec.variants[0].encodings = Sha256::Of("never uploaded");
  CHECK_THAT(CheckJobFiles(*job.artifacts, {}, &job.spec).message(),
             Contains("variants[0].encodings") && Contains("upload it first"));
}

}  // namespace
}  // namespace paddock
