// A state folder in which two jobs of many valid runs have been measured and evaluated, as a coordinator leaves it.
#pragma once

#include <string>

namespace paddock::bench {

struct ComparedJobs {
  int devices = 50;  // a run of each job on each
  int repetitions = 5;
  int queries = 1000;
  int answers = 1000;  // of ten classes, for the accuracy
};

// Jobs j-1 and j-2, the second 2 % slower; on half of the devices on another kernel. Ends the program on failure.
void WriteComparedJobs(const std::string& state, const ComparedJobs& jobs);

}  // namespace paddock::bench
