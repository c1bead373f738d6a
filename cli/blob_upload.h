// Brings local files to the coordinator: asks what is missing, sends only that, goes on where an interrupted upload stopped.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "base/digest.h"
#include "cli/connection.h"

namespace paddock {

struct UploadSummary {
  std::map<std::string, Digest> digests;  // by path as given
  std::uint64_t sent_bytes = 0;
  std::uint64_t total_bytes = 0;
};

// Called now and then with the bytes that are on the coordinator and the size of the file that is being sent.
using UploadProgress = std::function<void(const std::string& name, std::uint64_t done, std::uint64_t size)>;

// `files`: the name for messages -> path. INVALID_ARGUMENT names a file that cannot be read. A broken connection is tried again, from
// where the coordinator has got to, for as long as there is progress.
Result<UploadSummary> UploadFiles(Connection& connection, const std::map<std::string, std::string>& files,
                                  const UploadProgress& progress);

}  // namespace paddock
