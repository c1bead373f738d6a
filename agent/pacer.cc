#include "agent/pacer.h"

#include <sys/prctl.h>

#include <thread>

namespace paddock::agent {
namespace {

constexpr std::chrono::microseconds kSpin{200};

}  // namespace

SpinningPacer::SpinningPacer() : slack_before_ns_(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0)) {
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
}

SpinningPacer::~SpinningPacer() {
  if (slack_before_ns_ > 0) prctl(PR_SET_TIMERSLACK, slack_before_ns_, 0, 0, 0);
}

void SpinningPacer::WaitUntil(MonotonicTime when) {
  if (when - SystemClock().Now() > kSpin) std::this_thread::sleep_until(when - kSpin);
  while (SystemClock().Now() < when) {
  }
}

}  // namespace paddock::agent
