// A folder that looks like /sys of a board, whose values a test changes as it goes.
#pragma once

#include <cerrno>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "base/sysfs_tree.h"
#include "device_drivers/api/power_meter.h"
#include "device_drivers/meters/polled_meter.h"
#include "tests/fakes/fake_clock.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {

class FakeSysfs {
 public:
  const std::string& root() const { return folder_.path(); }
  SysfsTree tree() const { return SysfsTree(root()); }
  void Write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file(root() + path);
    std::filesystem::create_directories(file.parent_path());
    REQUIRE(WriteFileUnsynced(file.string(), text + "\n").ok());
  }
  void Remove(const std::string& path) const { std::filesystem::remove_all(root() + path); }
  void Rename(const std::string& from, const std::string& to) const {
    std::filesystem::rename(root() + from, root() + to);
  }

  // A reader that answers ENODATA for one path and lets the clock go on by `cost` for each reading.
  SysfsTree TreeWith(const std::string& without_data, FakeClock* clock, std::chrono::nanoseconds cost) const {
    return SysfsTree(root(), [=, this](const std::string& path) -> Result<std::string> {
      if (clock) clock->Advance(cost);
      if (path == root() + without_data) return ErrnoStatus(ENODATA, path);
      return ReadFile(path);
    });
  }

 private:
  TempDir folder_;
};

// Drains until there are `count` samples.
inline Status DrainAtLeast(PowerMeter* meter, std::size_t count, PowerTrace* trace) {
  while (trace->at_ns.size() < count) PADDOCK_RETURN_IF_ERROR(meter->Drain(trace));
  return OkStatus();
}

}  // namespace paddock
