#include "server/workers/work_threads.h"

#include <future>

#include "tests/unit/server/workers/workers_fixture.h"

namespace paddock {
namespace {

TEST_CASE_METHOD(WorkersFixture, "answers come on the core queue, with whom a failure blames", "[workers]") {
  const auto preparer = MakePreparer();
  const auto queue = MakeThreadTaskQueue("core");
  std::promise<Result<PreparedRun>> prepared;
  std::promise<FailureClass> blamed;
  std::promise<Result<Evaluation>> evaluated;
  int on_queue = 0;
  WorkThreads::Answers answers;
  answers.on_prepared = [&](const RunId& run, Result<PreparedRun> result, FailureClass failure_class) {
    on_queue += queue->RunsHere() ? 1 : 0;
    if (run == RunId("r-1")) prepared.set_value(std::move(result));
    if (run == RunId("r-2")) blamed.set_value(failure_class);
  };
  answers.on_evaluated = [&](const RunId&, Result<Evaluation> result) {
    on_queue += queue->RunsHere() ? 1 : 0;
    evaluated.set_value(std::move(result));
  };
  WorkThreads work(*preparer, *artifacts, *reader, *queue, answers);
  PreparationRequest request = MakeRequest({});
  work.Prepare(request);
  request.run = RunId("r-2");
  request.device.artifact_kinds = {};
  work.Prepare(request);
  work.Evaluate({RunId("r-9"), request.spec, {}, true});
  CHECK(prepared.get_future().get().ok());
  CHECK(blamed.get_future().get() == FailureClass::kJob);
  CHECK(evaluated.get_future().get().status().code() == StatusCode::kNotFound);
  CHECK(on_queue == 3);
}

TEST_CASE_METHOD(WorkersFixture, "ending stops a preparation step that never ends", "[workers]") {
  SetStep("touch '" + (folder / "started") + "'; sleep 1000");
  const auto preparer = MakePreparer();
  const auto queue = MakeThreadTaskQueue("core");
  std::promise<StatusCode> code;
  WorkThreads::Answers answers;
  answers.on_prepared = [&](const RunId&, const Result<PreparedRun>& result, FailureClass) {
    code.set_value(result.status().code());
  };
  {
    WorkThreads work(*preparer, *artifacts, *reader, *queue, answers);
    work.Prepare(MakeRequest({"optimize"}));
    while (!FileSize(folder / "started").ok()) std::this_thread::yield();
  }
  CHECK(code.get_future().get() == StatusCode::kCancelled);
}

}  // namespace
}  // namespace paddock
