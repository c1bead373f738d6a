// Reads what kpi/environment.h keeps of a machine from /proc and /sys: x86 computers, Raspberry Pi and Jetson boards, virtual
// machines. Whatever a machine does not have stays absent.
//
// A snapshot is some dozens of reads of small files, about a millisecond. Take it just before and just after the measured
// window, never inside.
#pragma once

#include <string>

#include "agent/machine_files.h"
#include "base/clock.h"
#include "kpi/environment.h"

namespace paddock::agent {

class EnvironmentProbe {
 public:
  // With a root other than "" nothing of the machine itself appears: what only system calls tell stays absent.
  explicit EnvironmentProbe(const Clock& clock, const std::string& root = "") : clock_(clock), files_(root) {}

  // All but timer_floor_ns. Figures of CPUs are of those that the calling thread may run on; its own figures are of
  // all threads that exist at this moment.
  EnvironmentSnapshot TakeSnapshot() const;
  // All but not_permitted. Affinity, class and timer slack are the calling thread's.
  Fingerprint Identify() const;
  // The hottest zone that is online, for who waits until the machine has cooled down.
  void ReadTemperature(EnvironmentSnapshot* snapshot) const;

 private:
  const Clock& clock_;
  MachineFiles files_;
};

}  // namespace paddock::agent
