// A raw pseudo terminal, whose other end a driver opens by its path. Held open on both sides, so that the driver may close and open
// its end again, until Unplug().
#pragma once

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace paddock {

class PseudoTerminal {
 public:
  PseudoTerminal() {
    fd_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    char name[64];
    if (fd_ < 0 || ::grantpt(fd_) != 0 || ::unlockpt(fd_) != 0 || ::ptsname_r(fd_, name, sizeof name) != 0)
      throw std::runtime_error("no pseudo terminal");
    path_ = name;
    keep_ = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    termios settings{};
    ::tcgetattr(keep_, &settings);
    ::cfmakeraw(&settings);
    ::tcsetattr(keep_, TCSANOW, &settings);
  }
  PseudoTerminal(const PseudoTerminal&) = delete;
  PseudoTerminal& operator=(const PseudoTerminal&) = delete;
  ~PseudoTerminal() { Unplug(); }

  void Unplug() {
    for (int* const fd : {&keep_, &fd_}) {
      if (*fd >= 0) ::close(*fd);
      *fd = -1;
    }
  }
  // Does not block; -1 after Unplug().
  int fd() const { return fd_; }
  const std::string& path() const { return path_; }

 private:
  int fd_ = -1;
  int keep_ = -1;
  std::string path_;
};

}  // namespace paddock
