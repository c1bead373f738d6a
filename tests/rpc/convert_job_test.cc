#include <google/protobuf/text_format.h>

#include <catch2/catch.hpp>

#include "server/rpc/convert.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

Result<JobSpec> JobOf(const std::string& more) {
  v1::JobSpec job;
  REQUIRE(google::protobuf::TextFormat::ParseFromString(
      "model: 'm.onnx' data {file: 'd.npz'} on: 'all'" + more, &job));
  const auto digest = [](const char* text) { return Sha256::Of(text).hex(); };
  return JobSpecFromProto(
      job,
      {{"m.onnx", digest("m")}, {"d.npz", digest("d")}, {"n.onnx", digest("n")}, {"c.npz", digest("c")}});
}

TEST_CASE("a variant has the catalogue's steps, steps of its own, or those of other variants",
          "[rpc][convert]") {
  const auto job = JobOf(
      " variants {name: 'fp32'} variants {name: 'mine' steps: 'optimize level=basic'}"
      " variants {name: 'two threads' steps: 'as-is' threads: 2} variants {name: 'both' steps: ['fp32', "
      "'to-tflite']}");
  REQUIRE(job.ok());
  CHECK(job->variants[0].steps == job->variants[1].steps);
  CHECK(job->variants[2].steps.empty());
  CHECK(job->variants[2].options.threads == 2);
  CHECK(job->variants[3].steps == std::vector<std::string>{"optimize level=basic", "to-tflite"});
  CHECK_THAT(JobOf(" variants {name: 'x' threads: 2}").status().message(),
             Contains("variants[0].name") && Contains("steps: [as-is]"));
  CHECK_THAT(JobOf(" variants {name: 'x' steps: 'optimise'}").status().message(),
             Contains("variants[0].steps"));
}

TEST_CASE("a variant's model and the calibration's file are files of the job", "[rpc][convert]") {
  const auto job =
      JobOf(" variants {name: 'as-is' model: 'n.onnx'} calibration {file: 'c.npz' samples: 9 seed: 4}");
  REQUIRE(job.ok());
  CHECK(job->variants[0].model == Sha256::Of("n"));
  CHECK(job->calibration.data == Sha256::Of("c"));
  CHECK(job->calibration.samples == 9);
  CHECK(job->calibration.seed == 4);
  CHECK(JobOf("")->calibration.samples == 256);
  CHECK_THAT(JobOf(" variants {name: 'as-is' model: 'absent.onnx'}").status().message(),
             Contains("variants[0].model"));
  const auto quantised = JobOf(" variants {name: 'aimet' encodings: 'c.npz'}");
  REQUIRE(quantised.ok());
  CHECK(quantised->variants[0].encodings_path == "c.npz");
  CHECK(quantised->variants[0].encodings == Sha256::Of("c"));
  CHECK_THAT(JobOf(" variants {name: 'aimet' encodings: 'absent'}").status().message(),
             Contains("variants[0].encodings"));
  CHECK_THAT(JobOf(" calibration {samples: 0}").status().message(), Contains("calibration.samples"));
}

}  // namespace
}  // namespace paddock
