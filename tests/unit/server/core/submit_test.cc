#include "tests/unit/server/core/core_fixture.h"

namespace paddock {

TEST_CASE_METHOD(CoreFixture, "a job becomes one run for each variant and device", "[core][submit]") {
  Connect("a");
  Connect("b");
  const SubmitAnswer answer = Submit(MakeSpec({"all"}, 2));
  CHECK(answer.job == JobId("j-1"));
  CHECK(answer.runs == std::vector<RunId>{RunId("r-1"), RunId("r-2"), RunId("r-3"), RunId("r-4")});
  CHECK(answer.skipped.empty());
  CHECK(StoredRun(RunId("r-2")).device == DeviceId("b"));
  CHECK(StoredRun(RunId("r-2")).variant == 0);
  CHECK(StoredRun(RunId("r-3")).device == DeviceId("a"));
  CHECK(StoredRun(RunId("r-3")).variant == 1);
  REQUIRE(work.preparations.size() == 4);
  CHECK(work.preparations[3].run == RunId("r-4"));
  CHECK(work.preparations[3].variant == 1);
  CHECK(work.preparations[3].device.labels.at("id") == "b");
}

TEST_CASE_METHOD(CoreFixture, "a device that several selectors match is taken once", "[core][submit]") {
  Connect("a");
  CHECK(Submit(MakeSpec({"id=a", "all", "driver=simulated"})).runs.size() == 1);
}

TEST_CASE_METHOD(CoreFixture, "a selector that matches nothing is refused with the labels that exist",
                 "[core][submit]") {
  Connect("a");
  const Status status = TrySubmit(MakeSpec({"all", "class=gpu"})).status();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK_THAT(status.message(), Catch::Contains("on[1]") && Catch::Contains("class=gpu"));
  CHECK_THAT(status.message(), Catch::Contains("class=board, driver=simulated, id=a"));
  CHECK(store.committed().jobs.empty());
}

TEST_CASE_METHOD(CoreFixture, "a job for a farm without devices says what to start", "[core][submit]") {
  CHECK_THAT(TrySubmit(MakeSpec()).status().message(), Catch::Contains("start a paddock-agent"));
}

TEST_CASE_METHOD(CoreFixture, "a malformed or missing selector is refused by its field", "[core][submit]") {
  Connect("a");
  CHECK_THAT(TrySubmit(MakeSpec({"class"})).status().message(), Catch::StartsWith("on[0]"));
  CHECK_THAT(TrySubmit(MakeSpec({})).status().message(), Catch::StartsWith("on: "));
}

TEST_CASE_METHOD(CoreFixture, "a device that cannot take the artifact is skipped with the reason",
                 "[core][submit]") {
  Connect("a");
  DeviceRecord other = MakeDevice("b");
  other.description.artifact_kinds = {"tflite"};
  Greet(other);
  const SubmitAnswer answer = Submit();
  CHECK(answer.runs.size() == 1);
  REQUIRE(answer.skipped.size() == 1);
  CHECK(answer.skipped[0].device == DeviceId("b"));
  CHECK(answer.skipped[0].variant == "v0");
  CHECK_THAT(answer.skipped[0].reason, Catch::Contains("takes tflite"));

  const Status nothing_left = TrySubmit(MakeSpec({"id=b"})).status();
  CHECK(nothing_left.code() == StatusCode::kInvalidArgument);
  CHECK_THAT(nothing_left.message(), Catch::Contains("b: variant v0 makes onnx"));
}

TEST_CASE_METHOD(CoreFixture, "each variant goes to the devices that take what it makes", "[core][submit]") {
  Connect("a");
  DeviceRecord other = MakeDevice("b");
  other.description.artifact_kinds = {"tflite"};
  Greet(other);
  JobSpec spec = MakeSpec();
  spec.variants.push_back(spec.variants[0]);
  spec.variants[1].name = "v1";
  spec.variants[1].artifact_kind = "tflite";
  const SubmitAnswer answer = Submit(spec);
  REQUIRE(answer.runs.size() == 2);
  CHECK(StoredRun(answer.runs[0]).device == DeviceId("a"));
  CHECK(StoredRun(answer.runs[1]).device == DeviceId("b"));
  REQUIRE(answer.skipped.size() == 2);
  CHECK_THAT(answer.skipped[1].reason, Catch::Contains("variant v1 makes tflite, driver"));
}

TEST_CASE_METHOD(CoreFixture, "models, encodings and calibration data of a live job are pinned",
                 "[core][submit]") {
  Connect("a");
  JobSpec spec = MakeSpec();
  spec.variants[0].model = Sha256::Of("a model of its own");
  spec.variants[0].encodings = Sha256::Of("encodings");
  spec.calibration.data = Sha256::Of("calibration");
  Submit(spec);
  CHECK(core->PinnedBlobs().contains(spec.variants[0].encodings));
  CHECK(core->PinnedBlobs().contains(spec.variants[0].model));
  CHECK(core->PinnedBlobs().contains(spec.calibration.data));
}

TEST_CASE_METHOD(CoreFixture, "a run for a device that is offline waits and says so", "[core][submit]") {
  Disconnect(Connect("a"));
  const SubmitAnswer answer = SubmitPrepared();
  const auto view = core->ViewJob(answer.job);
  REQUIRE(view.ok());
  CHECK(view->runs[0].state == RunState::kQueued);
  CHECK_THAT(view->runs[0].progress.detail, Catch::Contains("waiting for device a, offline since 20"));
  Connect("a");
  CHECK(Assigned().run == answer.runs[0]);
}

TEST_CASE_METHOD(CoreFixture, "the same idempotency key gives the same job", "[core][submit]") {
  Connect("a");
  DeviceRecord other = MakeDevice("b");
  other.description.artifact_kinds = {};
  Greet(other);
  const SubmitAnswer first = Submit(MakeSpec(), "key");
  for (const bool restarted : {false, true}) {
    if (restarted) REQUIRE(Restart().ok());
    const SubmitAnswer again = Submit(MakeSpec(), "key");
    CHECK(again.job == first.job);
    CHECK(again.runs == first.runs);
    CHECK(again.skipped.size() == 1);
  }
  CHECK(Submit(MakeSpec(), "other key").job != first.job);
}

TEST_CASE_METHOD(CoreFixture, "the idempotency key of a job that has ended still gives its id",
                 "[core][submit]") {
  Connect("a");
  const SubmitAnswer first = Submit(MakeSpec(), "key");
  REQUIRE(Cancel(first.job).ok());
  CHECK(Submit(MakeSpec(), "key").job == first.job);
  CHECK(store.committed().jobs.size() == 1);
}

TEST_CASE_METHOD(CoreFixture, "two submissions with one key in one batch are one job", "[core][submit]") {
  Connect("a");
  std::vector<JobId> jobs;
  Do([&] {
    for (int i = 0; i < 2; ++i) {
      core->Submit(MakeSpec(), "key", [&](Result<SubmitAnswer> answer) { jobs.push_back(answer->job); });
    }
    CHECK(jobs.empty());
  });
  CHECK(jobs == std::vector<JobId>{JobId("j-1"), JobId("j-1")});
}

}  // namespace paddock
