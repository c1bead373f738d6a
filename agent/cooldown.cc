#include "agent/cooldown.h"

#include <algorithm>

namespace paddock::agent {
namespace {

constexpr std::size_t kRunsRemembered = 64;  // far more than take turns on a device

}  // namespace

CooldownStep DecideCooldown(const CooldownPolicy& policy, std::optional<std::int64_t> reference_mdegc,
                            std::int64_t now_mdegc, std::chrono::nanoseconds waited) {
  const bool near = !reference_mdegc || now_mdegc <= *reference_mdegc + policy.band_mdegc;
  const bool allowed = !policy.highest_mdegc || now_mdegc <= *policy.highest_mdegc;
  if (near && allowed) return CooldownStep::kStart;
  return waited >= policy.cap ? CooldownStep::kGiveUp : CooldownStep::kWait;
}

CooldownResult CoolDown(const CooldownPolicy& policy, std::optional<std::int64_t> reference_mdegc,
                        const std::function<std::optional<std::int64_t>()>& read_mdegc, const Clock& clock,
                        const std::function<bool(std::chrono::nanoseconds)>& wait) {
  const MonotonicTime begin = clock.Now();
  for (;;) {
    const auto now_mdegc = read_mdegc();
    if (!now_mdegc) return {};
    const std::chrono::nanoseconds waited = clock.Now() - begin;
    const CooldownStep step = DecideCooldown(policy, reference_mdegc, *now_mdegc, waited);
    const bool stopped = step == CooldownStep::kWait && !wait(std::min(policy.poll, policy.cap - waited));
    if (step != CooldownStep::kWait || stopped) {
      return {.waited_s = std::chrono::duration<double>(clock.Now() - begin).count(),
              .reached = step == CooldownStep::kStart};
    }
  }
}

CooldownResult ThermalGate::Pass(const std::string& run, const Wait& wait) {
  const auto known = std::find_if(references_mdegc_.begin(), references_mdegc_.end(),
                                  [&](const auto& reference) { return reference.first == run; });
  const bool is_new = known == references_mdegc_.end();
  std::optional<std::int64_t> reference_mdegc;
  if (!is_new) {
    reference_mdegc = known->second;
  } else if (idle_since_ && clock_.Now() - *idle_since_ < policy_.cap && !references_mdegc_.empty()) {
    reference_mdegc = references_mdegc_.back().second;
  }

  std::optional<std::int64_t> now_mdegc;
  const auto read = [&] {
    EnvironmentSnapshot snapshot;
    probe_.ReadTemperature(&snapshot);
    return now_mdegc = snapshot.temperature_max_mdegc;
  };
  bool stopped = false;
  const auto wait_once = [&](std::chrono::nanoseconds duration) {
    stopped = !wait(duration, *now_mdegc, reference_mdegc.value_or(*now_mdegc) + policy_.band_mdegc);
    return !stopped;
  };
  const CooldownResult result = CoolDown(policy_, reference_mdegc, read, clock_, wait_once);
  if (is_new && now_mdegc && !stopped) {
    const bool reached = result.reached.value_or(false);
    references_mdegc_.emplace_back(
        run, reached && reference_mdegc ? std::min(*reference_mdegc, *now_mdegc) : *now_mdegc);
    if (references_mdegc_.size() > kRunsRemembered) references_mdegc_.pop_front();
  }
  return result;
}

}  // namespace paddock::agent
