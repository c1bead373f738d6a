// Wakes RPC threads that watch a job when the core says that it changed. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "base/ids.h"
#include "server/core/ports.h"

namespace paddock {

class JobWatch final : public JobObserver {
 public:
  // One watcher's interest, for as long as it lives.
  class Subscription {
   public:
    Subscription(JobWatch& watch, JobId job);
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;
    // True when the job changed since the last call (or since the subscription began); false after `timeout` or Stop().
    bool WaitForChange(std::chrono::milliseconds timeout);

   private:
    JobWatch& watch_;
    JobId job_;
    std::uint64_t seen_ = 0;
  };

  void OnJobChanged(const JobId& job) override;
  // Wakes all watchers for good.
  void Stop();
  bool stopped() const;

 private:
  struct Entry {
    std::uint64_t version = 0;
    int watchers = 0;
  };
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<JobId, Entry> watched_;
  bool stopped_ = false;
};

}  // namespace paddock
