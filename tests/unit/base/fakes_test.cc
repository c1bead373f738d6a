#include <string>

#include <catch2/catch.hpp>

#include "tests/fakes/fake_clock.h"
#include "tests/fakes/fake_task_queue.h"

namespace paddock {

using std::chrono::seconds;

TEST_CASE("the fake queue runs delayed tasks at their own time on the way", "[fakes]") {
  FakeClock clock;
  FakeTaskQueue queue(clock);
  const MonotonicTime begin = clock.Now();
  std::string trace;
  queue.PostAfter(seconds(2), [&] {
    trace += clock.Now() - begin == seconds(2) ? 'b' : '?';
    queue.PostAfter(seconds(1), [&] { trace += clock.Now() - begin == seconds(3) ? 'c' : '?'; });
  });
  queue.PostAfter(seconds(9), [&] { trace += 'd'; });
  queue.Post([&] { trace += 'a'; });
  CHECK(trace.empty());
  queue.Advance(seconds(5));
  CHECK(trace == "abc");
  CHECK(clock.Now() - begin == seconds(5));
  CHECK_FALSE(queue.Idle());
  queue.Advance(seconds(4));
  CHECK(trace == "abcd");
  CHECK(queue.Idle());
}

TEST_CASE("the fake queue calls the hooks around each batch", "[fakes]") {
  FakeClock clock;
  std::string trace;
  FakeTaskQueue queue(
      clock, [&] { trace += '('; }, [&] { trace += ')'; });
  queue.Post([&] {
    trace += 'a';
    queue.Post([&] { trace += 'b'; });
  });
  queue.RunUntilIdle();
  CHECK(trace == "(a)(b)");
}

TEST_CASE("the fake wall clock can jump alone", "[fakes]") {
  FakeClock clock;
  const MonotonicTime before = clock.Now();
  clock.SetWallMs(5000);
  CHECK(clock.WallMs() == 5000);
  CHECK(clock.Now() == before);
  clock.Advance(seconds(1));
  CHECK(clock.WallMs() == 6000);
}

}  // namespace paddock
