// An instrument of lines at the other end of a pty.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/fakes/pseudo_terminal.h"

namespace paddock {

// The other end of a pty, where a thread plays the instrument: it answers commands and streams what it is given.
class FakeInstrument {
 public:
  // Called for each line that the meter sends.
  using Answer = std::function<std::string(const std::string& command)>;
  // Called over and over while the stream runs; empty: nothing to say now.
  using Stream = std::function<std::string()>;

  FakeInstrument(Answer answer, Stream stream) : answer_(std::move(answer)), stream_(std::move(stream)) {
    thread_ = std::thread([this] { Play(); });
  }
  ~FakeInstrument() { Unplug(); }
  void Unplug() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    terminal_.Unplug();
  }
  const std::string& port() const { return terminal_.path(); }
  std::vector<std::string> commands() {
    const std::lock_guard lock(mutex_);
    return commands_;
  }

 private:
  void Play() {
    std::string input;
    while (!stop_) {
      pollfd ready{terminal_.fd(), POLLIN, 0};
      ::poll(&ready, 1, 1);
      char buffer[256];
      const ssize_t size = ::read(terminal_.fd(), buffer, sizeof buffer);
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
      const ssize_t size = ::write(terminal_.fd(), output.data(), output.size());
      if (size > 0) {
        output.remove_prefix(static_cast<std::size_t>(size));
      } else {
        pollfd ready{terminal_.fd(), POLLOUT, 0};
        ::poll(&ready, 1, 1);
      }
    }
  }

  const Answer answer_;
  const Stream stream_;
  PseudoTerminal terminal_;
  std::mutex mutex_;
  std::vector<std::string> commands_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace paddock
