// Progress where nothing can be drawn over: a line for what a reader of a log wants to know, and no more. Of each run: once that it
// is prepared, that it waits, that it measures and that it cools down; each repetition that is done, but for the last; its end.
// Runs of a job that share a device take turns, which is not told. What goes wrong is: another attempt, an agent that is out
// of reach, a device that has left.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "paddock/v1/job.pb.h"

namespace paddock {

// "measuring  repetition 2/5  1,234 inferences  about 3 s left"
std::string ProgressText(const v1::RunStatus& run);
bool HasEnded(const v1::RunStatus& run);
// Which run: its id, device and variant, as wide as usual.
std::string RunText(const v1::RunStatus& run);

class ProgressLines {
 public:
  // Those that are new since the last call.
  std::vector<std::string> Next(const v1::JobStatus& job);

 private:
  struct Told {
    std::set<std::string> news;
    std::uint32_t repetitions_done = 0;
  };
  std::map<std::string, Told> told_;  // by run
};

}  // namespace paddock
