// A question to the core thread from an RPC thread that may wait for the answer. Must not be used on the core thread.
#pragma once

#include <functional>
#include <future>
#include <memory>

#include "base/task_queue.h"

namespace paddock {

// Runs `question` on the core thread and returns what it returns.
template <typename T>
T AskCore(TaskQueue& core, std::function<T()> question) {
  auto promise = std::make_shared<std::promise<T>>();
  auto answer = promise->get_future();
  core.Post([promise, question = std::move(question)] { promise->set_value(question()); });
  return answer.get();
}

// For questions that are answered later, by a callback (after the commit).
template <typename T>
T AwaitCore(TaskQueue& core, std::function<void(std::function<void(T)>)> question) {
  auto promise = std::make_shared<std::promise<T>>();
  auto answer = promise->get_future();
  core.Post([promise, question = std::move(question)] {
    question([promise](T value) { promise->set_value(std::move(value)); });
  });
  return answer.get();
}

}  // namespace paddock
