#include "device_drivers/meters/polled_meter.h"

#include <algorithm>
#include <atomic>

#include <catch2/catch.hpp>

#include "fake_sysfs.h"

namespace paddock {
namespace {

class CountingReader final : public MeterReader {
 public:
  explicit CountingReader(std::atomic<int>* failing) : failing_(failing) {}
  Status Open() override { return OkStatus(); }
  Result<std::int64_t> Read() override {
    if (*failing_) return UnavailableError("rail VDD_IN: no data");
    return ++value_;
  }

 private:
  std::atomic<int>* failing_;
  std::int64_t value_ = 0;
};

MeterDescription EveryMillisecond() {
  MeterDescription meter;
  meter.source = "counting";
  meter.period_ns = 1'000'000;
  return meter;
}

TEST_CASE("every slot is read once, at a random moment of it", "[meters][polled]") {
  SlotSchedule schedule(1000, 100, 7);
  std::int64_t now = 1000;
  std::int64_t sum = 0;
  std::int64_t least = 100;
  std::int64_t most = 0;
  for (std::int64_t slot = 0; slot < 1000; ++slot) {
    now = schedule.Next(now);
    const std::int64_t offset = now - 1000 - slot * 100;
    REQUIRE(offset >= 0);
    REQUIRE(offset < 100);
    sum += offset;
    least = std::min(least, offset);
    most = std::max(most, offset);
  }
  CHECK(sum / 1000 == Approx(50).margin(3));
  CHECK(least < 5);
  CHECK(most > 94);
}

TEST_CASE("slots that a slow reading has used up are left out", "[meters][polled]") {
  SlotSchedule schedule(0, 100, 7);
  CHECK(schedule.Next(0) < 100);
  const std::int64_t after = schedule.Next(730);
  CHECK(after >= 700);
  CHECK(after < 800);
  CHECK(schedule.Next(731) >= 800);
}

TEST_CASE("a meter samples between start and stop and can be started again", "[meters][polled]") {
  std::atomic<int> failing{0};
  PolledMeter meter(EveryMillisecond(), std::make_unique<CountingReader>(&failing), {});
  PowerTrace trace;
  CHECK(meter.Drain(&trace).ok());
  CHECK(trace.at_ns.empty());
  for (int round = 0; round < 2; ++round) {
    trace = {};
    const std::int64_t before = SystemClock().Now().time_since_epoch().count();
    REQUIRE(meter.Start().ok());
    CHECK(meter.Start().code() == StatusCode::kFailedPrecondition);
    CHECK(meter.Probe(Deadline::Never()).code() == StatusCode::kFailedPrecondition);
    REQUIRE(DrainAtLeast(&meter, 20, &trace).ok());
    meter.Stop();
    meter.Stop();
    REQUIRE(meter.Drain(&trace).ok());  // the rest
    const std::size_t count = trace.at_ns.size();
    CHECK(trace.read_ns.size() == count);
    CHECK(trace.value.size() == count);
    CHECK(trace.at_ns.front() >= before);
    CHECK(trace.at_ns.back() <= SystemClock().Now().time_since_epoch().count());
    CHECK(std::is_sorted(trace.at_ns.begin(), trace.at_ns.end()));
    for (std::size_t i = 1; i < count; ++i) CHECK(trace.value[i] == trace.value[i - 1] + 1);
    REQUIRE(meter.Drain(&trace).ok());
    CHECK(trace.at_ns.size() == count);
  }
}

TEST_CASE("failed readings are counted; when none succeeds the reason is told", "[meters][polled]") {
  std::atomic<int> failing{1};
  PolledMeter meter(EveryMillisecond(), std::make_unique<CountingReader>(&failing), {});
  PowerTrace trace;
  REQUIRE(meter.Start().ok());
  Status status;
  while (status.ok()) status = meter.Drain(&trace);
  CHECK(status.code() == StatusCode::kUnavailable);
  CHECK_THAT(status.message(), Catch::Contains("counting") && Catch::Contains("rail VDD_IN: no data"));
  CHECK(trace.at_ns.empty());
  CHECK(trace.failed_reads == 0);
  failing = 0;
  while (trace.at_ns.empty()) static_cast<void>(meter.Drain(&trace));
  meter.Stop();
  CHECK(trace.failed_reads > 0);
}

TEST_CASE("a counter that moves is alive at once", "[meters][polled]") {
  std::atomic<int> failing{0};
  FakeClock clock;
  int loads = 0;
  PolledMeter meter(EveryMillisecond(), std::make_unique<CountingReader>(&failing),
                    {&clock, [&] { ++loads; }});
  CHECK(meter.Probe(Deadline::Never()).ok());
  CHECK(loads == 1);
  failing = 1;
  CHECK_THAT(meter.Probe(Deadline::Never()).message(), Catch::Contains("rail VDD_IN"));
}

TEST_CASE("samples that nobody drains are lost and counted, not kept without end", "[meters][polled]") {
  SampleQueue queue;
  for (std::size_t i = 0; i < SampleQueue::kMaxSamples + 5; ++i)
    queue.Push(static_cast<std::int64_t>(i), 0, 1);
  PowerTrace trace;
  REQUIRE(queue.Drain(&trace).ok());
  CHECK(trace.at_ns.size() == SampleQueue::kMaxSamples);
  CHECK(trace.overflow_count == 5);
  queue.Push(3, 0, 1);
  REQUIRE(queue.Drain(&trace).ok());
  CHECK(trace.at_ns.back() == trace.at_ns[trace.at_ns.size() - 2]);  // time does not go back
}

}  // namespace
}  // namespace paddock
