// What a sampling thread has read and nobody has drained yet. Thread-safe: one thread pushes, one drains; both hold the
// lock for as long as a copy takes.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "base/status.h"
#include "kpi/power_trace.h"

namespace paddock {

class SampleQueue {
 public:
  // At most this many samples, and edges, wait; what comes then is counted as lost.
  static constexpr std::size_t kMaxSamples = std::size_t{1} << 20;

  // Times may not go back: a time before the last one's becomes the last one's.
  void Push(std::int64_t at_ns, std::int64_t read_ns, std::int64_t value);
  void PushFailure(const Status& error);
  void CountLost(std::uint64_t samples);
  // After the sample that was pushed last; `lost` edges before it never came.
  void PushEdge(std::uint64_t lost);
  void Clear();
  // As PowerMeter::Drain(), but for trace->meter. UNAVAILABLE with the last failure when readings only failed.
  Status Drain(PowerTrace* trace);

 private:
  std::mutex mutex_;
  std::vector<std::int64_t> at_ns_;
  std::vector<std::int64_t> read_ns_;
  std::vector<std::int64_t> value_;
  std::int64_t last_at_ns_ = 0;
  std::uint64_t failed_reads_ = 0;
  std::uint64_t overflow_count_ = 0;
  std::vector<std::uint64_t> edges_;  // how many samples waited when it came
  std::uint64_t lost_edges_ = 0;
  Status last_failure_;
};

}  // namespace paddock
