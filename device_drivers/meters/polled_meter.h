// A meter that asks: a thread reads one number at jittered times. What is read is a MeterReader; everything that meters on
// the device have in common is here.
//
// The time is cut into slots of one period and each slot is read once, at a random moment in it: sampling in step with the
// inferences would see always the same part of them. A slot that a slow reading has used up is left out, not made up for.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/random.h"
#include "device_drivers/api/power_meter.h"
#include "device_drivers/meters/sample_queue.h"

namespace paddock {

// Used by one thread at a time: the caller's in Open() and by Probe(), then the sampling thread's.
class MeterReader {
 public:
  virtual ~MeterReader() = default;
  // Before each series of readings: finds its files anew, since numbers change.
  virtual Status Open() = 0;
  // Microwatts, or microjoules so far. Errors name the rail or the file.
  virtual Result<std::int64_t> Read() = 0;
};

// What a test replaces.
struct MeterSeams {
  const Clock* clock = &SystemClock();
  // Some milliseconds of load on the calling thread.
  std::function<void()> load;
};

class SlotSchedule {
 public:
  SlotSchedule(std::int64_t start_ns, std::int64_t period_ns, std::uint64_t seed)
      : start_ns_(start_ns), period_ns_(period_ns), random_(seed) {}
  // When to read next: in the slot of `now_ns`, or in the following one when that has been read.
  std::int64_t Next(std::int64_t now_ns);

 private:
  std::int64_t start_ns_;
  std::int64_t period_ns_;
  std::int64_t slot_ = -1;
  Random random_;
};

class PolledMeter final : public PowerMeter {
 public:
  // `moves_under_load` false: Probe() reads once and wants no change.
  PolledMeter(MeterDescription description, std::unique_ptr<MeterReader> reader, MeterSeams seams,
              bool moves_under_load = true);
  ~PolledMeter() override;

  const MeterDescription& Describe() const override { return description_; }
  Status Probe(Deadline deadline) override;
  Status Start() override;
  Status Drain(PowerTrace* trace) override;
  void Stop() override;

 private:
  void Sample();  // the thread's
  std::int64_t NowNs() const { return seams_.clock->Now().time_since_epoch().count(); }

  const MeterDescription description_;
  const std::unique_ptr<MeterReader> reader_;
  const MeterSeams seams_;
  const bool moves_under_load_;
  SampleQueue queue_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

// The period that is asked for, or 1.25 times what a reading takes when that is longer, so that the rate is one that is
// reached. Reads twice and times the second.
Result<std::int64_t> ReachablePeriodNs(MeterReader* reader, const Clock& clock, std::int64_t wanted_ns);

}  // namespace paddock
