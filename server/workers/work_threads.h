// The coordinator's WorkPort: preparation and evaluation on threads of their own, answers posted to the core queue.
//
// Two threads prepare and one evaluates, so that a long preparation holds up no result. What boards and users wait for, and
// measurements on this machine, have the processors before an evaluation: its thread has a niceness. Requests of one kind begin in the
// order in which they came. The destructor drops what has not begun, cancels preparation steps and joins; answers that were
// posted by then may still run, so the queue and what the callbacks refer to must outlive it.
#pragma once

#include <functional>
#include <memory>

#include "base/task_queue.h"
#include "server/artifacts/artifact_store.h"
#include "server/core/ports.h"
#include "server/store/store_reader.h"
#include "server/workers/preparer.h"

namespace paddock {

class WorkThreads : public WorkPort {
 public:
  // Called on the core queue: Coordinator::OnPrepared and OnEvaluated.
  struct Answers {
    std::function<void(const RunId&, Result<PreparedRun>, FailureClass)> on_prepared;
    std::function<void(const RunId&, Result<Evaluation>)> on_evaluated;
  };

  WorkThreads(Preparer& preparer, ArtifactStore& artifacts, StoreReader& reader, TaskQueue& core_queue,
              Answers answers);
  ~WorkThreads() override;

  void Prepare(const PreparationRequest& request) override;
  void Evaluate(const EvaluationRequest& request) override;

 private:
  class Pool;

  Preparer& preparer_;
  ArtifactStore& artifacts_;
  StoreReader& reader_;
  TaskQueue& core_queue_;
  const Answers answers_;
  std::unique_ptr<Pool> preparation_;
  std::unique_ptr<Pool> evaluation_;
};

}  // namespace paddock
