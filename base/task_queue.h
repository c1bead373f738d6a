// A sequence of tasks: they run one after the other, never inside Post(), in the order in which they were posted; delayed
// ones when their time has come. Post and PostAfter may be called from any thread. Tests use a fake with its own time
// (tests/fakes/fake_task_queue.h).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace paddock {

class TaskQueue {
 public:
  virtual ~TaskQueue() = default;
  virtual void Post(std::function<void()> task) = 0;
  virtual void PostAfter(std::chrono::nanoseconds delay, std::function<void()> task) = 0;
  // True on the thread that runs the tasks.
  virtual bool RunsHere() const = 0;
};

// A TaskQueue with a thread of its own. What is ready at one time is a batch: on that thread `before_batch` runs before its
// tasks and `after_batch` after them, the place of a group commit. The destructor runs what was posted without delay, drops
// the rest and joins.
std::unique_ptr<TaskQueue> MakeThreadTaskQueue(std::string thread_name,
                                               std::function<void()> before_batch = {},
                                               std::function<void()> after_batch = {});

}  // namespace paddock
