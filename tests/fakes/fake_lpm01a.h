// An X-NUCLEO-LPM01A in energy mode at 1 kHz, in real time: how late its thread runs changes when its lines come and not what
// they say. It refuses to be set while it streams, and to be stopped while it does not.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <initializer_list>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tests/fakes/fake_instrument.h"

namespace paddock {

class FakeLpm01a {
 public:
  // `sample` is what each of them says.
  explicit FakeLpm01a(std::string sample = "1000-08") : sample_(std::move(sample)) {}

  const std::string& port() const { return instrument_.port(); }
  std::vector<std::string> commands() { return instrument_.commands(); }

  // D7 falls, so many milliseconds from now. REQUIRES: in order, and after the edges before.
  void Edges(std::initializer_list<int> in_ms) { AddEdges(in_ms, true); }
  // It does, but the board counts the edge and does not tell it.
  void LoseEdge(int in_ms) { AddEdges({in_ms}, false); }
  // The next `stop` has no effect, as if nobody had sent it.
  void IgnoreNextStop() {
    const std::lock_guard lock(mutex_);
    ignores_stop_ = true;
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct EdgeAt {
    Clock::time_point when;
    bool told;
  };

  void AddEdges(std::initializer_list<int> in_ms, bool told) {
    const std::lock_guard lock(mutex_);
    const Clock::time_point now = Clock::now();
    for (const int ms : in_ms) edges_.push_back({now + std::chrono::milliseconds(ms), told});
  }

  std::string Answer(const std::string& command) {
    const std::lock_guard lock(mutex_);
    const bool stop = command == "stop";
    if (stop && std::exchange(ignores_stop_, false)) return "";
    if (streams_ != stop) return "\r\nPowerShield > error " + command + "\r\n";
    const std::string rest = stop ? LinesUntilNow() : "";  // however late this thread is
    if (stop) streams_ = false;
    if (command == "start") {
      streams_ = true;
      begin_ = Clock::now();
      samples_ = 0;
    }
    return rest + "\r\nPowerShield > ack " + command + "\r\n";
  }

  std::string Stream() {
    const std::lock_guard lock(mutex_);
    return LinesUntilNow();
  }

  std::string LinesUntilNow() {
    std::string lines;
    if (!streams_) return lines;
    const Clock::time_point now = Clock::now();
    while (true) {
      const Clock::time_point end = begin_ + std::chrono::milliseconds(samples_ + 1);
      if (end > now) return lines;
      for (; !edges_.empty() && edges_.front().when <= end; edges_.pop_front()) {
        char event[32];
        std::snprintf(event, sizeof event, "event %02u ris\r\n", edge_number_++ % 100);
        if (edges_.front().told) lines += event;
      }
      lines += sample_ + "\r\n";
      if (++samples_ % 1000 != 0) continue;
      char stamp[48];
      std::snprintf(stamp, sizeof stamp, "TimeStamp: %03us 000ms, buff 00%%\r\n",
                    static_cast<unsigned>(samples_ / 1000 % 1000));
      lines += stamp;
    }
  }

  const std::string sample_;
  std::mutex mutex_;
  std::deque<EdgeAt> edges_;
  unsigned edge_number_ = 0;
  bool ignores_stop_ = false;
  bool streams_ = false;
  Clock::time_point begin_;
  std::int64_t samples_ = 0;
  // The last: its thread uses the rest.
  FakeInstrument instrument_{[this](const std::string& command) { return Answer(command); },
                             [this] { return Stream(); }};
};

}  // namespace paddock
