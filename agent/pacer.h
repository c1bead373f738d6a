// Waits for the intended start of a query.
#pragma once

#include "base/clock.h"

namespace paddock::agent {

class Pacer {
 public:
  virtual ~Pacer() = default;
  // Returns as soon after `when` as it can, at once when it has passed.
  virtual void WaitUntil(MonotonicTime when) = 0;
};

// Sleeps until 200 us before and spins for the rest: late by a few microseconds at most on a machine that is not busy, where
// sleep alone is late by the kernel's timer slack and a wake-up. While it lives its thread has the least timer slack.
class SpinningPacer final : public Pacer {
 public:
  SpinningPacer();
  SpinningPacer(const SpinningPacer&) = delete;
  SpinningPacer& operator=(const SpinningPacer&) = delete;
  ~SpinningPacer() override;
  void WaitUntil(MonotonicTime when) override;

 private:
  const int slack_before_ns_;
};

}  // namespace paddock::agent
