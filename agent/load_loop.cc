#include "agent/load_loop.h"

namespace paddock::agent {
namespace {

constexpr std::uint64_t kFirstRoom = 4096;

}  // namespace

LoadLoop::LoadLoop(Session& session, std::span<const BoundQuery> queries, bool keeps_intended,
                   const Clock& clock, Pacer* pacer, SharedCounter& done)
    : session_(session),
      queries_(queries),
      clock_(clock),
      pacer_(pacer),
      done_(done),
      keeps_intended_(keeps_intended),
      models_time_(session.DeviceTimeNs().has_value()),
      host_begin_(HostNow()) {
  Reserve(kFirstRoom);
}

std::uint64_t LoadLoop::NowNs() const {
  if (models_time_) return end_ns_;
  return latencies_.empty() && origin_ == 0 ? 0 : HostNow() - origin_;
}

inline Status LoadLoop::Invoke(std::uint32_t invocations) {
  modelled_ns_ = 0;
  for (std::uint32_t i = 0; i < invocations; ++i) {
    Status status = session_.Invoke(queries_[cursor_].handle);
    if (!status.ok()) return status;
    if (++cursor_ == queries_.size()) cursor_ = 0;
    if (models_time_) modelled_ns_ += session_.DeviceTimeNs().value_or(0);
  }
  return OkStatus();
}

Status LoadLoop::Issue(std::uint32_t invocations) {
  const std::uint64_t issue = HostNow();
  const Status status = Invoke(invocations);
  const std::uint64_t end = HostNow();
  if (!status.ok()) return status;
  if (models_time_) {
    Keep(end_ns_, end_ns_, end_ns_ + modelled_ns_);
  } else {
    if (origin_ == 0) origin_ = issue;
    Keep(issue - origin_, issue - origin_, end - origin_);
  }
  return OkStatus();
}

Status LoadLoop::IssueAt(std::uint64_t intended_ns, std::uint32_t invocations) {
  if (models_time_) {
    if (const Status status = Invoke(invocations); !status.ok()) return status;
    const std::uint64_t start = std::max(intended_ns, end_ns_);
    Keep(start, intended_ns, start + modelled_ns_);
    return OkStatus();
  }
  if (origin_ == 0) origin_ = HostNow();
  pacer_->WaitUntil(MonotonicTime(std::chrono::nanoseconds(origin_ + intended_ns)));
  const std::uint64_t issue = HostNow();
  const Status status = Invoke(invocations);
  const std::uint64_t end = HostNow();
  if (!status.ok()) return status;
  Keep(issue - origin_, intended_ns, end - origin_);
  return OkStatus();
}

inline void LoadLoop::Keep(std::uint64_t start_ns, std::uint64_t intended_ns, std::uint64_t end_ns) {
  starts_.push_back(start_ns);
  latencies_.push_back(end_ns - intended_ns);
  if (keeps_intended_) intended_.push_back(intended_ns);
  end_ns_ = end_ns;
  done_.Store(count());
  if (latencies_.size() == latencies_.capacity()) Pause([this] { Reserve(2 * count()); });
}

void LoadLoop::Reserve(std::uint64_t entries) {
  starts_.reserve(entries);
  if (keeps_intended_) intended_.reserve(entries);
  latencies_.reserve(entries);
}

void LoadLoop::Truncate(std::uint64_t count) {
  starts_.resize(count);
  latencies_.resize(count);
  if (keeps_intended_) intended_.resize(count);
  for (auto later = pauses_.upper_bound(count); later != pauses_.end(); later = pauses_.erase(later)) {
    pauses_[count] += later->second;
  }
}

QuerySeries LoadLoop::TakeSeries() {
  QuerySeries series;
  series.start_offset_ns = std::move(starts_);
  series.latency_ns = std::move(latencies_);
  series.intended_offset_ns = std::move(intended_);
  series.pauses_ns = std::move(pauses_);
  return series;
}

}  // namespace paddock::agent
