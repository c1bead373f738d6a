// A TaskQueue that runs tasks only when the test says so, on the test's thread, in a time of its own: the given FakeClock,
// which Advance() moves. Hooks around a batch are as in MakeThreadTaskQueue(). Post and PostAfter may be called from any
// thread, everything else from the test's. Tasks that never ran are dropped with the queue.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "base/task_queue.h"
#include "tests/fakes/fake_clock.h"

namespace paddock {

class FakeTaskQueue final : public TaskQueue {
 public:
  explicit FakeTaskQueue(FakeClock& clock, std::function<void()> before_batch = {},
                         std::function<void()> after_batch = {})
      : clock_(clock), before_batch_(std::move(before_batch)), after_batch_(std::move(after_batch)) {}

  void Post(std::function<void()> task) override {
    const std::lock_guard lock(mutex_);
    ready_.push_back(std::move(task));
  }

  void PostAfter(std::chrono::nanoseconds delay, std::function<void()> task) override {
    const std::lock_guard lock(mutex_);
    delayed_.emplace(clock_.Now() + delay, std::move(task));
  }

  // The test's thread is the thread of the tasks, also between them.
  bool RunsHere() const override { return true; }

  // Runs what is ready or due now, and what that posts, until nothing is left. Time stands still.
  void RunUntilIdle() {
    for (Batch batch = TakeBatch(); !batch.empty(); batch = TakeBatch()) {
      if (before_batch_) before_batch_();
      for (auto& task : batch) task();
      if (after_batch_) after_batch_();
    }
  }

  // Moves time forward, stopping at each delayed task that comes due on the way to run it.
  void Advance(std::chrono::nanoseconds duration) {
    const MonotonicTime end = clock_.Now() + duration;
    RunUntilIdle();
    while (const auto due = NextDue(end)) {
      if (*due > clock_.Now()) clock_.Advance(*due - clock_.Now());
      RunUntilIdle();
    }
    if (end > clock_.Now()) clock_.Advance(end - clock_.Now());
  }

  bool Idle() const {
    const std::lock_guard lock(mutex_);
    return ready_.empty() && delayed_.empty();
  }

 private:
  using Batch = std::deque<std::function<void()>>;

  std::optional<MonotonicTime> NextDue(MonotonicTime end) const {
    const std::lock_guard lock(mutex_);
    if (delayed_.empty() || delayed_.begin()->first > end) return std::nullopt;
    return delayed_.begin()->first;
  }

  Batch TakeBatch() {
    const std::lock_guard lock(mutex_);
    const auto due_end = delayed_.upper_bound(clock_.Now());
    for (auto entry = delayed_.begin(); entry != due_end; ++entry) ready_.push_back(std::move(entry->second));
    delayed_.erase(delayed_.begin(), due_end);
    return std::exchange(ready_, {});
  }

  FakeClock& clock_;
  const std::function<void()> before_batch_;
  const std::function<void()> after_batch_;
  mutable std::mutex mutex_;
  Batch ready_;
  std::multimap<MonotonicTime, std::function<void()>> delayed_;  // equal times in the order of posting
};

}  // namespace paddock
