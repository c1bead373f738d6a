#include "server/workers/work_threads.h"

#include <sys/resource.h>
#include <unistd.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "server/workers/evaluator.h"

namespace paddock {
namespace {

constexpr int kEvaluationNiceness = 10;

}  // namespace

class WorkThreads::Pool {
 public:
  Pool(int threads, int niceness) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this, niceness] {
        // Of this thread alone on Linux.
        if (niceness != 0) ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness);
        Run();
      });
    }
  }
  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void Add(std::function<void()> task) {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    changed_.notify_one();
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stop_ || !tasks_.empty(); });
      if (stop_) return;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;  // guarded by mutex_
  bool stop_ = false;                        // guarded by mutex_
  std::vector<std::thread> threads_;
};

WorkThreads::WorkThreads(Preparer& preparer, ArtifactStore& artifacts, StoreReader& reader,
                         TaskQueue& core_queue, Answers answers)
    : preparer_(preparer),
      artifacts_(artifacts),
      reader_(reader),
      core_queue_(core_queue),
      answers_(std::move(answers)),
      preparation_(std::make_unique<Pool>(2, 0)),
      evaluation_(std::make_unique<Pool>(1, kEvaluationNiceness)) {}

WorkThreads::~WorkThreads() { preparer_.Cancel(); }

void WorkThreads::Prepare(const PreparationRequest& request) {
  preparation_->Add([this, request] {
    Result<PreparedRun> prepared = preparer_.Prepare(request);
    core_queue_.Post(
        [answer = answers_.on_prepared, run = request.run, prepared = std::move(prepared)]() mutable {
          const FailureClass failure_class = Preparer::ClassOf(prepared.status());
          answer(run, std::move(prepared), failure_class);
        });
  });
}

void WorkThreads::Evaluate(const EvaluationRequest& request) {
  evaluation_->Add([this, request] {
    Result<Evaluation> evaluation = paddock::Evaluate(request, artifacts_, reader_);
    core_queue_.Post([answer = answers_.on_evaluated, run = request.run,
                      evaluation = std::move(evaluation)]() mutable { answer(run, std::move(evaluation)); });
  });
}

}  // namespace paddock
