// The farm's own programs as child processes of a benchmark: those that lie beside it in the build folder. They die with it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/fakes/temp_dir.h"

namespace paddock::bench {

// The folder of this program, "/.../bin".
std::string ProgramFolder();

class ChildProcess {
 public:
  // Inherits this program's environment with `environment` ("NAME=value") in addition; output goes to the end of `log_path`.
  ChildProcess(const std::vector<std::string>& argv, const std::string& log_path,
               const std::vector<std::string>& environment = {});
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  // SIGTERM, and SIGKILL after ten seconds.
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  bool running();

 private:
  pid_t pid_ = -1;
};

// Of a process, from /proc.
std::uint64_t ResidentBytes(pid_t pid);
double CpuSeconds(pid_t pid);

// A paddockd on a free loopback port, with its state in a folder of its own on disk ($TMPDIR, else /tmp).
class CoordinatorProcess {
 public:
  // `fill_state` gets the state folder's path before the program starts; it may make the folder.
  explicit CoordinatorProcess(const std::function<void(const std::string&)>& fill_state = {});

  const std::string& address() const { return address_; }
  pid_t pid() const { return process_.pid(); }
  const TempDir& folder() const { return folder_; }

 private:
  TempDir folder_;
  std::string state_;
  std::string address_;
  ChildProcess process_;
};

// A port of loopback that was free a moment ago.
int FreePort();

}  // namespace paddock::bench
