#include "server/rpc/job_watch.h"

#include <utility>

namespace paddock {

JobWatch::Subscription::Subscription(JobWatch& watch, JobId job) : watch_(watch), job_(std::move(job)) {
  const std::lock_guard lock(watch_.mutex_);
  Entry& entry = watch_.watched_[job_];
  ++entry.watchers;
  seen_ = entry.version;
}

JobWatch::Subscription::~Subscription() {
  const std::lock_guard lock(watch_.mutex_);
  const auto found = watch_.watched_.find(job_);
  if (--found->second.watchers == 0) watch_.watched_.erase(found);
}

bool JobWatch::Subscription::WaitForChange(std::chrono::milliseconds timeout) {
  std::unique_lock lock(watch_.mutex_);
  const Entry& entry = watch_.watched_.at(job_);
  watch_.changed_.wait_for(lock, timeout, [&] { return watch_.stopped_ || entry.version != seen_; });
  if (watch_.stopped_ || entry.version == seen_) return false;
  seen_ = entry.version;
  return true;
}

void JobWatch::OnJobChanged(const JobId& job) {
  const std::lock_guard lock(mutex_);
  const auto found = watched_.find(job);
  if (found == watched_.end()) return;
  ++found->second.version;
  changed_.notify_all();
}

void JobWatch::Stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  changed_.notify_all();
}

bool JobWatch::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

}  // namespace paddock
