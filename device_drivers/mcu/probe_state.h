// What all agents of one host share about one probe: a lock, so that no two use it at once, and a record of what was flashed through
// it. A folder with NAME.lock and NAME.json; its name is made of the probe's. Any thread and process.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/status.h"

namespace paddock {

struct ProbeRecord {
  Digest image{};         // flashed and verified; empty: nobody knows what is on the board
  std::string problem{};  // why the last flashing was given up; empty: it was not
  // Of the probe's USB device when this was written, 0 without one: after it was unplugged there may be another board behind it.
  std::uint32_t device_number = 0;
};

class ProbeState {
 public:
  // Creates nothing yet.
  ProbeState(const std::string& folder, std::string_view probe);

  // Waits while another process has it. UNAVAILABLE when it still has at the deadline; CANCELLED.
  Result<FileLock> Lock(Deadline deadline, const std::function<bool()>& cancelled) const;

  // An empty record where there is none or a damaged one.
  ProbeRecord Read() const;
  // Whole or not at all.
  Status Write(const ProbeRecord& record) const;
  Status Remove() const;
  const std::string& record_path() const { return record_path_; }

 private:
  std::string folder_;
  std::string lock_path_;
  std::string record_path_;
};

}  // namespace paddock
