#include "base/task_queue.h"

#include <algorithm>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

namespace paddock {

using std::chrono::hours;
using std::chrono::milliseconds;

TEST_CASE("tasks run in the order of posting, on the queue's own thread", "[base][task_queue]") {
  std::vector<int> order;
  bool ran_here = false;
  {
    const auto queue = MakeThreadTaskQueue("test");
    for (int i = 0; i < 100; ++i) queue->Post([&order, i] { order.push_back(i); });
    queue->Post([&] { ran_here = queue->RunsHere(); });
    CHECK_FALSE(queue->RunsHere());
  }
  REQUIRE(order.size() == 100);
  CHECK(std::is_sorted(order.begin(), order.end()));
  CHECK(ran_here);
}

TEST_CASE("a task that a task posts runs later, not inside it", "[base][task_queue]") {
  std::vector<std::string> order;
  {
    const auto queue = MakeThreadTaskQueue("test");
    std::promise<void> done;
    queue->Post([&] {
      queue->Post([&] {
        order.push_back("inner");
        done.set_value();
      });
      order.push_back("outer");
    });
    done.get_future().wait();
  }
  CHECK(order == std::vector<std::string>{"outer", "inner"});
}

TEST_CASE("delayed tasks run when due, the earlier one first", "[base][task_queue]") {
  const auto queue = MakeThreadTaskQueue("test");
  std::vector<int> order;
  std::promise<void> done;
  const auto begin = std::chrono::steady_clock::now();
  queue->PostAfter(milliseconds(40), [&] {
    order.push_back(2);
    done.set_value();
  });
  queue->PostAfter(milliseconds(20), [&] { order.push_back(1); });
  done.get_future().wait();
  CHECK(order == std::vector<int>{1, 2});
  CHECK(std::chrono::steady_clock::now() - begin >= milliseconds(40));
}

TEST_CASE("the end of a queue runs what is ready and drops what is delayed", "[base][task_queue]") {
  bool ready_ran = false;
  bool delayed_ran = false;
  const auto alive = std::make_shared<int>(0);
  {
    const auto queue = MakeThreadTaskQueue("test");
    queue->PostAfter(hours(1), [&delayed_ran, alive] { delayed_ran = true; });
    queue->PostAfter(std::chrono::nanoseconds::max(), [&delayed_ran] { delayed_ran = true; });
    queue->Post([&ready_ran] { ready_ran = true; });
  }
  CHECK(ready_ran);
  CHECK_FALSE(delayed_ran);
  CHECK(alive.use_count() == 1);
}

TEST_CASE("the hooks enclose every batch, and a batch is what was ready together", "[base][task_queue]") {
  std::string trace;
  {
    std::promise<void> started;
    std::promise<void> release;
    const auto queue = MakeThreadTaskQueue(
        "a name longer than the kernel keeps", [&trace] { trace += '('; }, [&trace] { trace += ')'; });
    queue->Post([&] {
      trace += 'a';
      started.set_value();
      release.get_future().wait();
    });
    started.get_future().wait();
    queue->Post([&trace] { trace += 'b'; });
    queue->Post([&trace] { trace += 'c'; });
    release.set_value();
  }
  CHECK(trace == "(a)(bc)");
}

TEST_CASE("tasks of many posting threads all run", "[base][task_queue]") {
  int count = 0;
  {
    const auto queue = MakeThreadTaskQueue("test");
    std::vector<std::jthread> posters;
    for (int i = 0; i < 4; ++i) {
      posters.emplace_back([&] {
        for (int j = 0; j < 250; ++j) queue->Post([&count] { ++count; });
      });
    }
  }
  CHECK(count == 1000);
}

}  // namespace paddock
