// What shall go wrong on a simulated device, and where: faults separated by ';', each
// ACTION@STAGE[#REPETITION][:ARGUMENT].
//
//   slow@measuring:10      10 times slower in that stage (argument: factor, default 10)
//   silent@warm-up         never answers again
//   crash@measuring#0      SIGSEGV, only in repetition 0
//   exit@loading:3         the process ends with this exit code (default 1)
//   error@predicting       answers UNAVAILABLE, as a board that fell off its cable
//   wrong-output@predicting   outputs that differ from the right ones
//   disconnect@transferring:2.5   the agent's link to the coordinator is cut for so many seconds (default 5)
//
// Stages: transferring, loading, warm-up, measuring, predicting, reporting. Only `disconnect` can happen in
// `transferring`, which has no worker; `disconnect` knows no repetition; where else an action means nothing
// it is refused.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock {

enum class FaultAction { kSlow, kSilent, kCrash, kExit, kError, kWrongOutput, kDisconnect };

struct Fault {
  FaultAction action = FaultAction::kError;
  std::string stage;
  std::optional<std::uint32_t> repetition;  // absent: in every one
  double argument = 0;                      // factor, exit code or seconds; 0 for actions without one
};

class FaultScript {
 public:
  FaultScript() = default;
  // INVALID_ARGUMENT quotes the fault and says what is allowed. Empty text: no faults.
  static Result<FaultScript> Parse(std::string_view text);

  bool Has(FaultAction action) const;
  // What happens in the worker at this stage of this repetition, in the order of the script; never
  // kDisconnect.
  std::vector<Fault> At(std::string_view stage, std::uint32_t repetition) const;
  // Stage -> seconds; the last one in the script counts.
  std::map<std::string, double> LinkCutsS() const;

 private:
  std::vector<Fault> faults_;
};

// Whether a fault may happen: always without a marker file, else for the one of all processes that creates it.
bool TakeFaultMarker(const std::string& marker_path);

}  // namespace paddock
