#include "device_drivers/meters/sample_queue.h"

#include <algorithm>
#include <utility>

namespace paddock {

void SampleQueue::Push(std::int64_t at_ns, std::int64_t read_ns, std::int64_t value) {
  const std::lock_guard lock(mutex_);
  if (at_ns_.size() >= kMaxSamples) {
    ++overflow_count_;
    return;
  }
  last_at_ns_ = std::max(last_at_ns_, at_ns);
  at_ns_.push_back(last_at_ns_);
  read_ns_.push_back(read_ns);
  value_.push_back(value);
}

void SampleQueue::PushFailure(const Status& error) {
  const std::lock_guard lock(mutex_);
  ++failed_reads_;
  last_failure_ = error;
}

void SampleQueue::CountLost(std::uint64_t samples) {
  const std::lock_guard lock(mutex_);
  overflow_count_ += samples;
}

void SampleQueue::PushEdge(std::uint64_t lost) {
  const std::lock_guard lock(mutex_);
  lost_edges_ += lost;
  if (edges_.size() >= kMaxSamples) {
    ++lost_edges_;
    return;
  }
  edges_.push_back(at_ns_.size());
}

void SampleQueue::Clear() {
  const std::lock_guard lock(mutex_);
  at_ns_.clear();
  read_ns_.clear();
  value_.clear();
  failed_reads_ = 0;
  overflow_count_ = 0;
  edges_.clear();
  lost_edges_ = 0;
  last_failure_ = OkStatus();
}

Status SampleQueue::Drain(PowerTrace* trace) {
  const std::lock_guard lock(mutex_);
  if (at_ns_.empty() && failed_reads_ > 0) {
    return UnavailableError(std::to_string(failed_reads_) +
                            " readings failed and none succeeded; the last one: " + last_failure_.message());
  }
  const auto move = [](std::vector<std::int64_t>* from, std::vector<std::int64_t>* to) {
    to->insert(to->end(), from->begin(), from->end());
    from->clear();
  };
  for (const std::uint64_t edge : edges_) trace->edges.push_back(trace->at_ns.size() + edge);
  edges_.clear();
  move(&at_ns_, &trace->at_ns);
  move(&read_ns_, &trace->read_ns);
  move(&value_, &trace->value);
  if (failed_reads_ > 0) trace->last_failure = last_failure_.message();
  trace->failed_reads += std::exchange(failed_reads_, 0);
  trace->overflow_count += std::exchange(overflow_count_, 0);
  trace->lost_edges += std::exchange(lost_edges_, 0);
  return OkStatus();
}

}  // namespace paddock
