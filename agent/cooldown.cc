#include "agent/cooldown.h"

#include <algorithm>

namespace paddock::agent {

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

}  // namespace paddock::agent
