// The files of one task folder of an MLPerf Tiny results archive, as submitters laid them out.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "kpi/mlperf_tiny/submission.h"

namespace paddock {

struct MlperfTinyFolder {
  mlperf_tiny::TaskFiles files;                // views into `contents`
  std::map<std::string, std::string> digests;  // SHA-256 of every file that was read, by its name in `files`
  std::vector<std::unique_ptr<std::string>> contents;
};

// `folder` holds `performance`, `energy` (also spelt `enegy` and `power`) or `accuracy`, or is one of them; which one is told
// by its name, else by what its files say. Logs may be called log.txt or *log*.txt, published figures results.txt or
// postproc.txt; the case of letters does not count. Labels: `labels_file`, or when that is empty every y_labels.csv in the accuracy folder, in `folder`, and in up
// to six folders above it, there also in MODEL/ and datasets/MODEL/.
// NOT_FOUND: no such folder, or none of the parts in it; then it names the task folders below. INVALID_ARGUMENT: `labels_file` cannot be read. DATA_LOSS: another
// file cannot be read, or is larger than 256 MiB.
Result<MlperfTinyFolder> ReadMlperfTinyFolder(const std::string& folder, const std::string& labels_file);

}  // namespace paddock
