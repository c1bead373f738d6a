// An instrument of lines at the other end of a pty.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

namespace paddock {

// The other end of a pty, where a thread plays the instrument: it answers commands and streams what it is given.
class FakeInstrument {
 public:
  // Called for each line that the meter sends.
  using Answer = std::function<std::string(const std::string& command)>;
  // Called over and over while the stream runs; empty: nothing to say now.
  using Stream = std::function<std::string()>;

  FakeInstrument(Answer answer, Stream stream) : answer_(std::move(answer)), stream_(std::move(stream)) {
    fd_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    REQUIRE(fd_ >= 0);
    REQUIRE(::grantpt(fd_) == 0);
    REQUIRE(::unlockpt(fd_) == 0);
    char name[64];
    REQUIRE(::ptsname_r(fd_, name, sizeof name) == 0);
    port_ = name;
    // Held open, so that the meter may close and open it again.
    keep_ = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    termios settings{};
    ::tcgetattr(keep_, &settings);
    ::cfmakeraw(&settings);
    ::tcsetattr(keep_, TCSANOW, &settings);
    thread_ = std::thread([this] { Play(); });
  }
  ~FakeInstrument() { Unplug(); }
  void Unplug() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    for (int* const fd : {&keep_, &fd_}) {
      if (*fd >= 0) ::close(*fd);
      *fd = -1;
    }
  }
  const std::string& port() const { return port_; }
  std::vector<std::string> commands() {
    const std::lock_guard lock(mutex_);
    return commands_;
  }

 private:
  void Play() {
    std::string input;
    while (!stop_) {
      pollfd ready{fd_, POLLIN, 0};
      ::poll(&ready, 1, 1);
      char buffer[256];
      const ssize_t size = ::read(fd_, buffer, sizeof buffer);
      if (size > 0) input.append(buffer, static_cast<std::size_t>(size));
      std::string output;
      for (std::size_t end; (end = input.find('\n')) != input.npos; input.erase(0, end + 1)) {
        const std::string command = input.substr(0, end);
        output += answer_(command);
        const std::lock_guard lock(mutex_);
        commands_.push_back(command);
      }
      if (output.empty()) output = stream_();
      Write(output);
    }
  }

  void Write(std::string_view output) {
    while (!output.empty() && !stop_) {
      const ssize_t size = ::write(fd_, output.data(), output.size());
      if (size > 0) {
        output.remove_prefix(static_cast<std::size_t>(size));
      } else {
        pollfd ready{fd_, POLLOUT, 0};
        ::poll(&ready, 1, 1);
      }
    }
  }

  const Answer answer_;
  const Stream stream_;
  int fd_ = -1;
  int keep_ = -1;
  std::string port_;
  std::mutex mutex_;
  std::vector<std::string> commands_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace paddock
