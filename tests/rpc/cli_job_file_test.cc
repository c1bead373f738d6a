#include <catch2/catch.hpp>

#include <filesystem>

#include "base/file.h"
#include "cli/exit_code.h"
#include "cli/job_file.h"
#include "cli/pack_folder.h"
#include "cli/prepare_input.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

using Catch::Contains;

constexpr const char* kWholeJob = R"(
name: kws nightly
model: kws.onnx
data:
  file: sub/kws.npz
  inputs: {input_1: x}
  labels: y
  raw: {type: int8, shape: [49, 10], label_type: uint8}
  samples: 500
  seed: 7
  preprocess:
    - {dequantize: {scale: 0.5, zero_point: -83}}
    - {input: input_1, reshape: {shape: [1, -1]}}
task: classification
variants:
  - name: as-is
  - {name: spun, threads: 2, spinning: true, provider_options: {device_id: 0, mode: fast}}
on: ["class=cpu", "driver=simulated,arch=arm64"]
scenario: {kind: single-stream, min_duration_s: 10, warmup: {min_inferences: 10, min_s: 0.5}}
repetitions: 3
priority: -2
)";

class JobFolder {
 public:
  std::string Write(const std::string& text) {
    const std::string path = folder_ / "job.yaml";
    REQUIRE(WriteFileAtomically(path, text).ok());
    return path;
  }
  Result<JobRequest> Read(const std::string& text, JobFlags flags = {}) {
    flags.file = Write(text);
    return ReadJob(flags);
  }
  std::string operator/(const std::string& name) const { return folder_ / name; }

 private:
  TempDir folder_;
};

std::string ErrorOf(const std::string& text) {
  JobFolder folder;
  const auto job = folder.Read(text);
  REQUIRE_FALSE(job.ok());
  CHECK(ExitCodeOf(job.status()) == kExitUsage);
  CHECK_THAT(job.status().message(), Contains("job.yaml"));
  return job.status().message();
}

const std::string kMinimal = "model: m.onnx\ndata: {file: d.npz}\non: [all]\n";

}  // namespace

TEST_CASE("a whole job file arrives in the message") {
  JobFolder folder;
  const auto job = folder.Read(kWholeJob);
  INFO(job.status().ToString());
  REQUIRE(job.ok());
  const v1::JobSpec& spec = job->spec;
  CHECK(spec.name() == "kws nightly");
  CHECK(spec.data().inputs().at("input_1") == "x");
  CHECK(spec.data().samples() == 500);
  CHECK(spec.data().raw().label_type() == "uint8");
  CHECK(spec.data().raw().shape(1) == 10);
  REQUIRE(spec.data().preprocess_size() == 2);
  CHECK(spec.data().preprocess(0).dequantize().scale() == 0.5);
  CHECK(spec.data().preprocess(0).dequantize().zero_point() == -83);
  CHECK(spec.data().preprocess(1).input() == "input_1");
  CHECK(spec.data().preprocess(1).reshape().shape(1) == -1);
  REQUIRE(spec.variants_size() == 2);
  CHECK_FALSE(spec.variants(0).has_threads());
  CHECK(spec.variants(1).threads() == 2);
  CHECK(spec.variants(1).spinning());
  CHECK(spec.variants(1).provider_options().at("device_id") == "0");
  CHECK(spec.on(1) == "driver=simulated,arch=arm64");
  CHECK(spec.scenario().min_duration_s() == 10);
  CHECK(spec.scenario().warmup().min_s() == 0.5);
  CHECK(spec.repetitions() == 3);
  CHECK(spec.priority() == -2);
}

TEST_CASE("samples are a number or what is to be known from them, and nothing else") {
  JobFolder folder;
  const auto samples = [](const std::string& value) {
    return "model: m.onnx\ndata: {file: d.npz, samples: " + value + "}\non: [all]\n";
  };
  const auto until = folder.Read(samples("{accuracy_interval: 0.02}"));
  REQUIRE(until.ok());
  CHECK(until->spec.data().samples_until().accuracy_interval() == 0.02);
  CHECK_FALSE(until->spec.data().has_samples());
  JobFlags flags;
  flags.samples = 9;
  const auto above = folder.Read(samples("{accuracy_interval: 0.02}"), flags);
  REQUIRE(above.ok());
  CHECK(above->spec.data().samples() == 9);
  CHECK_FALSE(above->spec.data().has_samples_until());
  CHECK_THAT(ErrorOf(samples("{interval: 0.02}")), Contains("data.samples.interval: unknown key"));
  CHECK_THAT(ErrorOf(samples("{accuracy_interval: wide}")), Contains("data.samples.accuracy_interval"));
  CHECK_THAT(ErrorOf(samples("[3]")), Contains("data.samples: must be"));
  CHECK_THAT(ErrorOf("data: {samples_until: {accuracy_interval: 0.02}}\n"),
             Contains("data.samples_until: unknown key") &&
                 !Contains("known here: file, inputs, labels, samples_until"));
}

TEST_CASE("budgets come from the file and from flags, which may have units") {
  JobFolder folder;
  JobFlags flags;
  flags.budgets = {"latency_p99<=20ms, accuracy_top1>=90%", "artifact_size <= 64 KiB"};
  const auto job =
      folder.Read(kMinimal + "budgets: {latency_p99: {max: 1, min: 0.001}, power_mean: {max: 10}}\n", flags);
  INFO(job.status().ToString());
  REQUIRE(job.ok());
  const auto& budgets = job->spec.budgets();
  CHECK(budgets.at("latency_p99").max() == Approx(0.02));
  CHECK(budgets.at("latency_p99").min() == 0.001);
  CHECK(budgets.at("accuracy_top1").min() == Approx(0.9));
  CHECK_FALSE(budgets.at("accuracy_top1").has_max());
  CHECK(budgets.at("artifact_size").max() == 65536);
  CHECK(budgets.at("power_mean").max() == 10);
  CHECK_THAT(ErrorOf(kMinimal + "budgets: {latency_p99: {most: 1}}\n"),
             Contains("budgets.latency_p99.most: unknown key"));
  CHECK_THAT(ErrorOf(kMinimal + "budgets: {latency_p99: {max: 20ms}}\n"),
             Contains("budgets.latency_p99.max: must be a number"));
  for (const char* wrong : {"latency_p99", "latency_p99<20ms", "latency_p99<=", "<=3", "latency_p99<=fast",
                            "latency_p99<=20mJ", "latency_p99<=20parsecs", "latency_p99<=20ms,"}) {
    flags.budgets = {wrong};
    const auto refused = folder.Read(kMinimal, flags);
    INFO(wrong);
    REQUIRE_FALSE(refused.ok());
    CHECK_THAT(refused.status().message(), Contains("--budget '"));
  }
}

TEST_CASE("files in a job file are relative to it, those of flags to the working folder") {
  JobFolder folder;
  auto job = folder.Read(kWholeJob);
  REQUIRE(job.ok());
  CHECK(job->files == std::map<std::string, std::string>{{"kws.onnx", folder / "kws.onnx"},
                                                         {"sub/kws.npz", folder / "sub/kws.npz"}});
  JobFlags flags;
  flags.model = "here/other.onnx";
  flags.data = "/absolute/data.npz";
  job = folder.Read(kWholeJob, flags);
  REQUIRE(job.ok());
  CHECK(job->files == std::map<std::string, std::string>{{"here/other.onnx", "here/other.onnx"},
                                                         {"/absolute/data.npz", "/absolute/data.npz"}});
  CHECK(job->spec.model() == "here/other.onnx");
}

TEST_CASE("encodings lie beside the model of a variant that needs them, unless it names a file") {
  JobFolder folder;
  const std::string variants = R"(variants:
  - name: aimet
  - {name: other, steps: [aimet, to-tflite], model: nets/other.onnx}
  - {name: named, steps: [import-encodings], encodings: e.json}
  - {name: fp16}
)";
  auto job = folder.Read(kMinimal + variants);
  REQUIRE(job.ok());
  const std::string model = job->spec.model();
  const std::string beside = EncodingsBeside(model);
  CHECK(job->spec.variants(0).encodings() == beside);
  CHECK(job->files.at(beside) == folder / beside);
  CHECK(job->spec.variants(1).encodings() == "nets/other.encodings");
  CHECK(job->files.at("nets/other.encodings") == folder / "nets/other.encodings");
  CHECK(job->files.at("e.json") == folder / "e.json");
  CHECK(job->spec.variants(3).encodings().empty());
  JobFlags flags;
  flags.model = "/nets/mine.onnx";
  job = folder.Read(kMinimal + variants, flags);
  REQUIRE(job.ok());
  CHECK(job->files.at("/nets/mine.encodings") == "/nets/mine.encodings");
}

TEST_CASE("flags stand above the file") {
  JobFolder folder;
  JobFlags flags;
  flags.inputs = {"input_1=z", "mask=m=1"};
  flags.labels = "truth";
  flags.task = "regression";
  flags.on = {"id=board-1"};
  flags.variants = {"spun", "optimize"};
  flags.scenario = "offline";
  flags.samples = 9;
  flags.repetitions = 1;
  flags.name = "tonight";
  const auto job = folder.Read(kWholeJob, flags);
  REQUIRE(job.ok());
  const v1::JobSpec& spec = job->spec;
  CHECK(spec.data().inputs().at("input_1") == "z");
  CHECK(spec.data().inputs().at("mask") == "m=1");
  CHECK(spec.data().labels() == "truth");
  CHECK(spec.task() == "regression");
  REQUIRE(spec.on_size() == 1);
  CHECK(spec.on(0) == "id=board-1");
  REQUIRE(spec.variants_size() == 2);
  CHECK(spec.variants(0).threads() == 2);  // as the file describes it
  CHECK_FALSE(spec.variants(1).has_threads());
  CHECK(spec.scenario().kind() == "offline");
  CHECK(spec.scenario().min_duration_s() == 10);
  CHECK(spec.data().samples() == 9);
  CHECK(spec.repetitions() == 1);
  CHECK(spec.name() == "tonight");
}

TEST_CASE("a job needs no file, and takes its name from the file or the model") {
  JobFlags flags;
  flags.model = "nets/tiny.onnx";
  flags.data = "d.npy";
  flags.on = {"all"};
  const auto job = ReadJob(flags);
  REQUIRE(job.ok());
  CHECK(job->spec.name() == "tiny");
  JobFolder folder;
  const auto from_file = folder.Read(kMinimal);
  REQUIRE(from_file.ok());
  CHECK(from_file->spec.name() == "job");
}

TEST_CASE("what a job lacks is named with the way to give it") {
  CHECK_THAT(ReadJob({}).status().message(), Contains("--model FILE"));
  JobFlags flags;
  flags.model = "m.onnx";
  CHECK_THAT(ReadJob(flags).status().message(), Contains("--data PATH"));
  flags.data = "d.npz";
  CHECK_THAT(ReadJob(flags).status().message(), Contains("--on SELECTOR"));
  flags.on = {"all"};
  flags.inputs = {"=x"};
  CHECK_THAT(ReadJob(flags).status().message(), Contains("'=x' is not MODEL_INPUT=ARRAY"));
}

TEST_CASE("an error in a job file names the path of the field") {
  CHECK_THAT(ErrorOf(kMinimal + "repetitons: 3\n"),
             Contains("repetitons: unknown key; did you mean 'repetitions'?"));
  CHECK_THAT(ErrorOf("data: {file: d, lables: y}\n"),
             Contains("data.lables: unknown key; did you mean 'labels'?"));
  CHECK_THAT(ErrorOf("zzzzzzzzzzz: 1\n"),
             Contains("zzzzzzzzzzz: unknown key") && Contains("known here: name, model"));
  CHECK_THAT(ErrorOf("scenario: {min_duration_s: soon}\n"),
             Contains("scenario.min_duration_s: must be a number"));
  CHECK_THAT(ErrorOf("repetitions: -1\n"), Contains("repetitions: must be an integer of 0 or more, not -1"));
  CHECK_THAT(ErrorOf("repetitions: 4294967296\n"), Contains("repetitions: must be an integer"));
  CHECK_THAT(ErrorOf("priority: 2147483648\n"), Contains("priority: must be an integer"));
  CHECK_THAT(ErrorOf("priority: -2147483649\n"), Contains("priority: must be an integer"));
  CHECK_THAT(ErrorOf("repetitions: 2.5\n"), Contains("repetitions: must be an integer"));
  CHECK_THAT(ErrorOf("variants: [{name: a, spinning: 1}]\n"),
             Contains("variants[0].spinning: must be true or false"));
  CHECK_THAT(ErrorOf("variants: as-is\n"), Contains("variants: must be a list"));
  CHECK_THAT(ErrorOf("variants: [as-is]\n"), Contains("variants[0]: must be a mapping"));
  CHECK_THAT(ErrorOf("on: [[all]]\n"), Contains("on[0]: must be text"));
  CHECK_THAT(ErrorOf("data: {inputs: [x]}\n"), Contains("data.inputs: must be a mapping"));
  CHECK_THAT(ErrorOf("data: {inputs: {a: [x]}}\n"), Contains("data.inputs.a: must be text"));
  CHECK_THAT(ErrorOf("data: {preprocess: [{cast: {to: float32}, scale: {factor: 2}}]}\n"),
             Contains("data.preprocess[0]") && Contains("'cast' and 'scale'"));
  CHECK_THAT(ErrorOf("- 1\n"), Contains("the job: must be a mapping"));
}

TEST_CASE("a job file that is no job is refused with its name") {
  ErrorOf("");
  ErrorOf("name:\n\tx: 1\n");
  ErrorOf("name: a\nname: b\n");
  ErrorOf("name: &a x\ntask: *a\n");
  ErrorOf(std::string("name: \"\xff\"\n"));
  JobFlags flags;
  flags.file = "/nowhere/job.yaml";
  CHECK(ExitCodeOf(ReadJob(flags).status()) == kExitUsage);
  CHECK_THAT(ReadJob(flags).status().message(), Contains("/nowhere/job.yaml"));
  flags.file = std::filesystem::temp_directory_path().string();
  CHECK(ExitCodeOf(ReadJob(flags).status()) == kExitUsage);
}

TEST_CASE("prepare takes from a job what makes a variant, and flags stand above it") {
  JobFolder folder;
  PrepareFlags flags;
  flags.job = folder.Write(std::string(kWholeJob) + "calibration: {file: more.npz, samples: 64, seed: 3}\n");
  flags.variant = "int8";
  auto input = ReadPrepareInput(flags);
  REQUIRE(input.ok());
  CHECK(input->model_path == folder / "kws.onnx");
  CHECK(input->calibration_path == folder / "more.npz");
  CHECK(input->steps == std::vector<std::string>{"int8"});
  CHECK(input->data_spec.inputs.at("input_1") == "x");
  CHECK(input->data_spec.preprocess.size() == 2);
  CHECK(input->task == Task::kClassification);
  CHECK_FALSE(input->calibration.from_measured_file);
  CHECK((input->calibration.samples == 64 && input->calibration.seed == 3));

  flags.model = "other.onnx";
  flags.calibration = "random";
  flags.calibration_samples = 16;
  flags.steps = {"fp16"};
  input = ReadPrepareInput(flags);
  REQUIRE(input.ok());
  CHECK(input->model_path == "other.onnx");
  CHECK(input->is_random);
  CHECK(input->calibration.samples == 16);
  CHECK(input->steps == std::vector<std::string>{"fp16"});

  flags.job = folder.Write(kWholeJob);
  flags.calibration.clear();
  input = ReadPrepareInput(flags);
  REQUIRE(input.ok());
  CHECK(input->calibration_path == folder / "sub/kws.npz");
  CHECK(input->calibration.from_measured_file);
}

TEST_CASE("prepare packs a folder of samples when a step learns from it, and else leaves it alone") {
  const TempDir folder;
  REQUIRE(CreateDirectories(folder / "samples").ok());
  REQUIRE(WriteFileUnsynced(folder / "samples/a.png", "an image").ok());
  PrepareFlags flags;
  flags.model = "kws.onnx";
  flags.calibration = folder / "samples";
  flags.steps = {"fp16"};
  auto input = ReadPrepareInput(flags);
  REQUIRE(input.ok());
  CHECK(input->calibration_path == folder / "samples");
  flags.steps = {"fp16", "int8"};
  input = ReadPrepareInput(flags);
  REQUIRE(input.ok());
  CHECK(ReadFile(input->calibration_path)->starts_with("PK"));

  REQUIRE(CreateDirectories(folder / "empty").ok());
  flags.calibration = folder / "empty";
  CHECK(ExitCodeOf(ReadPrepareInput(flags).status()) == kExitUsage);
}

TEST_CASE("a path that nobody can look up is no folder, and who opens it says so") {
  std::string path(300, 'x');
  const auto packed = PackIfFolder(&path);
  REQUIRE(packed.ok());
  CHECK_FALSE(*packed);
  CHECK(path == std::string(300, 'x'));
  const TempDir folder;
  PrepareFlags flags;
  flags.model = PADDOCK_SOURCE_DIR "/deploy/demo/digits.onnx";
  flags.out = folder / "out";
  flags.steps = {"import-encodings"};
  flags.encodings = path;
  CHECK(PrepareModelFile({}, flags) == kExitUsage);
}

}  // namespace paddock
