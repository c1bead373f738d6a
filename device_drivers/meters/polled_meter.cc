#include "device_drivers/meters/polled_meter.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace paddock {
namespace {

constexpr std::chrono::seconds kLivenessLoad{1};

void SpinForFiveMilliseconds() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(5);
  volatile double sink = 1;
  while (std::chrono::steady_clock::now() < end) {
    for (int i = 0; i < 1000; ++i) sink = sink * 1.0000001 + 1e-9;
  }
}

}  // namespace

std::int64_t SlotSchedule::Next(std::int64_t now_ns) {
  slot_ = std::max(slot_ + 1, (now_ns - start_ns_) / period_ns_);
  const auto offset = static_cast<std::int64_t>(random_.Below(static_cast<std::uint64_t>(period_ns_)));
  return start_ns_ + slot_ * period_ns_ + offset;
}

PolledMeter::PolledMeter(MeterDescription description, std::unique_ptr<MeterReader> reader, MeterSeams seams,
                         bool moves_under_load)
    : description_(std::move(description)),
      reader_(std::move(reader)),
      seams_(std::move(seams)),
      moves_under_load_(moves_under_load) {
  PADDOCK_CHECK(description_.period_ns > 0, "a polled meter has a period");
}

PolledMeter::~PolledMeter() { Stop(); }

Status PolledMeter::Probe(Deadline deadline) {
  if (thread_.joinable())
    return FailedPreconditionError(description_.source + ": stop it before it is probed");
  PADDOCK_RETURN_IF_ERROR(reader_->Open());
  PADDOCK_ASSIGN_OR_RETURN(const std::int64_t first, reader_->Read());
  if (!moves_under_load_) return OkStatus();
  const MonotonicTime end = seams_.clock->Now() + kLivenessLoad;
  while (seams_.clock->Now() < end) {
    if (deadline.passed())
      return DeadlineExceededError(description_.source + ": no change before the deadline");
    if (seams_.load) {
      seams_.load();
    } else {
      SpinForFiveMilliseconds();
    }
    PADDOCK_ASSIGN_OR_RETURN(const std::int64_t now, reader_->Read());
    if (now != first) return OkStatus();
  }
  return UnavailableError(description_.source + ": stuck: it reads " + std::to_string(first) +
                          (description_.kind == MeterKind::kCounter ? " uJ" : " uW") +
                          " through a second of load; it is not used");
}

Status PolledMeter::Start() {
  if (thread_.joinable()) return FailedPreconditionError(description_.source + ": is started already");
  PADDOCK_RETURN_IF_ERROR(reader_->Open());
  queue_.Clear();
  stopping_ = false;
  thread_ = std::thread([this] { Sample(); });
  return OkStatus();
}

Status PolledMeter::Drain(PowerTrace* trace) {
  Status status = queue_.Drain(trace);
  if (!status.ok()) return status.WithContext(description_.source);
  trace->meter = description_;
  return OkStatus();
}

void PolledMeter::Stop() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void PolledMeter::Sample() {
  const std::int64_t start_ns = NowNs();
  SlotSchedule schedule(start_ns, description_.period_ns, static_cast<std::uint64_t>(start_ns));
  while (true) {
    const std::int64_t now_ns = NowNs();
    const std::int64_t wait_ns = std::max<std::int64_t>(0, schedule.Next(now_ns) - now_ns);
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, std::chrono::nanoseconds(wait_ns), [this] { return stopping_; })) return;
    }
    const std::int64_t before_ns = NowNs();
    auto value = reader_->Read();
    const std::int64_t read_ns = NowNs() - before_ns;
    if (value.ok()) {
      queue_.Push(before_ns + read_ns / 2, read_ns, *value);
    } else {
      queue_.PushFailure(value.status());
    }
  }
}

Result<std::int64_t> ReachablePeriodNs(MeterReader* reader, const Clock& clock, std::int64_t wanted_ns) {
  PADDOCK_RETURN_IF_ERROR(reader->Read().status());
  const MonotonicTime before = clock.Now();
  PADDOCK_RETURN_IF_ERROR(reader->Read().status());
  const std::int64_t read_ns = (clock.Now() - before).count();
  return std::max(wanted_ns, read_ns + read_ns / 4);
}

}  // namespace paddock
