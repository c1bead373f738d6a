#include "base/task_queue.h"

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "base/clock.h"

namespace paddock {
namespace {

thread_local const TaskQueue* t_running_queue = nullptr;

MonotonicTime After(std::chrono::nanoseconds delay) {
  const MonotonicTime now = std::chrono::steady_clock::now();
  return delay > MonotonicTime::max() - now ? MonotonicTime::max() : now + delay;
}

class ThreadTaskQueue final : public TaskQueue {
 public:
  ThreadTaskQueue(std::string thread_name, std::function<void()> before_batch,
                  std::function<void()> after_batch)
      : before_batch_(std::move(before_batch)), after_batch_(std::move(after_batch)) {
    thread_ = std::thread([this, name = std::move(thread_name)] { Run(name); });
  }

  ~ThreadTaskQueue() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  void Post(std::function<void()> task) override {
    {
      const std::lock_guard lock(mutex_);
      ready_.push_back(std::move(task));
    }
    wake_.notify_one();
  }

  void PostAfter(std::chrono::nanoseconds delay, std::function<void()> task) override {
    {
      const std::lock_guard lock(mutex_);
      delayed_.emplace(After(delay), std::move(task));
    }
    wake_.notify_one();
  }

  bool RunsHere() const override { return t_running_queue == this; }

 private:
  using Batch = std::deque<std::function<void()>>;

  void Run(const std::string& name) {
    t_running_queue = this;
    // The kernel keeps 15 characters.
    ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
    while (true) {
      Batch batch = WaitForBatch();
      if (batch.empty()) return;
      if (before_batch_) before_batch_();
      for (auto& task : batch) {
        task();
        task = nullptr;  // what it captured goes now, not after the commit
      }
      if (after_batch_) after_batch_();
    }
  }

  // Empty when the queue stops and nothing is ready.
  Batch WaitForBatch() {
    std::unique_lock lock(mutex_);
    while (true) {
      if (!stopping_) TakeDueTasks();
      if (!ready_.empty() || stopping_) return std::exchange(ready_, {});
      if (delayed_.empty()) {
        wake_.wait(lock);
      } else {
        // A copy: the entry may be gone or no longer be the first when the wait ends.
        const MonotonicTime due = delayed_.begin()->first;
        wake_.wait_until(lock, due);
      }
    }
  }

  void TakeDueTasks() {
    const auto end = delayed_.upper_bound(std::chrono::steady_clock::now());
    for (auto entry = delayed_.begin(); entry != end; ++entry) ready_.push_back(std::move(entry->second));
    delayed_.erase(delayed_.begin(), end);
  }

  const std::function<void()> before_batch_;
  const std::function<void()> after_batch_;
  std::mutex mutex_;
  std::condition_variable wake_;
  Batch ready_;
  std::multimap<MonotonicTime, std::function<void()>> delayed_;  // equal times in the order of posting
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<TaskQueue> MakeThreadTaskQueue(std::string thread_name, std::function<void()> before_batch,
                                               std::function<void()> after_batch) {
  return std::make_unique<ThreadTaskQueue>(std::move(thread_name), std::move(before_batch),
                                           std::move(after_batch));
}

}  // namespace paddock
