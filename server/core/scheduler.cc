#include "server/core/scheduler.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace paddock {
namespace {

std::int64_t EffectivePriority(const PendingRun& run, std::int64_t now_ms) {
  const auto step_ms = std::chrono::duration_cast<std::chrono::milliseconds>(kAgeingStep).count();
  // The wall clock may have been set back since.
  const std::int64_t waited_ms = std::max<std::int64_t>(0, now_ms - run.waiting_since_ms);
  return run.priority + waited_ms / step_ms;
}

std::vector<const PendingRun*> Ranked(const std::vector<PendingRun>& pending, std::int64_t now_ms) {
  std::vector<std::pair<std::int64_t, const PendingRun*>> keyed;
  keyed.reserve(pending.size());
  for (const PendingRun& run : pending) keyed.emplace_back(-EffectivePriority(run, now_ms), &run);
  std::sort(keyed.begin(), keyed.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second->sequence, a.second->run) <
           std::tie(b.first, b.second->sequence, b.second->run);
  });
  std::vector<const PendingRun*> ranked;
  ranked.reserve(keyed.size());
  for (const auto& [key, run] : keyed) ranked.push_back(run);
  return ranked;
}

}  // namespace

std::vector<Grant> PlanGrants(const std::vector<PendingRun>& pending,
                              const std::vector<SchedulableDevice>& devices, std::int64_t now_ms) {
  std::unordered_map<std::string_view, const SchedulableDevice*> free_devices;
  // In use, granted here, or kept by a run of higher rank.
  std::set<std::string_view> taken;
  for (const SchedulableDevice& device : devices) {
    if (device.busy) {
      taken.insert(device.shares.begin(), device.shares.end());
    } else if (device.online) {
      free_devices.emplace(device.id.str(), &device);
    }
  }

  std::vector<Grant> grants;
  for (const PendingRun* run : Ranked(pending, now_ms)) {
    const auto found = free_devices.find(run->device.str());
    if (found == free_devices.end()) continue;
    const std::vector<std::string>& shares = found->second->shares;
    if (std::none_of(shares.begin(), shares.end(),
                     [&](const auto& share) { return taken.contains(share); })) {
      grants.push_back({run->run, run->device});
    }
    taken.insert(shares.begin(), shares.end());
    free_devices.erase(found);
  }
  return grants;
}

}  // namespace paddock
