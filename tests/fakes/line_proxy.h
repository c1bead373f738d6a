// Stands between a host and a board: a unix socket for the host, a line to the board, and threads that carry bytes both ways and
// do to them what they are told. Hosts may come and go.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "base/random.h"
#include "device_drivers/mcu/line.h"

namespace paddock {

// Drops, doubles or changes a byte now and then, or holds back the end of what is said until the next time.
class LineNoise {
 public:
  // Each of the four once in so many bytes (of the last: in so many bursts).
  LineNoise(std::uint64_t seed, std::uint64_t one_in) : random_(seed), one_in_(one_in) {}
  std::string operator()(const std::string& bytes) {
    std::string noisy = std::exchange(held_back_, {});
    for (const char byte : bytes) {
      const std::uint64_t kind = random_.Below(one_in_);
      if (kind == 0) continue;
      noisy.push_back(kind == 1 ? static_cast<char>(byte ^ 0x20) : byte);
      if (kind == 2) noisy.push_back(byte);
    }
    if (random_.Below(one_in_) < 3 && !noisy.empty()) {
      held_back_ = noisy.substr(noisy.size() - 1);
      noisy.pop_back();
    }
    return noisy;
  }

 private:
  Random random_;
  const std::uint64_t one_in_;
  std::string held_back_;
};

class LineProxy {
 public:
  using Change = std::function<std::string(const std::string& bytes)>;

  // `change` is called for both directions, one at a time.
  LineProxy(std::unique_ptr<Line> board, const std::string& path, Change change)
      : board_(std::move(board)), change_(std::move(change)), listener_(*ListenForLine(path)) {
    thread_ = std::thread([this] { Carry(); });
  }
  ~LineProxy() {
    stop_ = true;
    thread_.join();
  }

 private:
  static Deadline Soon() { return Deadline::After(std::chrono::microseconds(200)); }
  static Deadline Long() { return Deadline::After(std::chrono::seconds(10)); }

  void Carry() {
    while (!stop_) {
      if (!host_) {
        auto host = listener_->Accept(Deadline::After(std::chrono::milliseconds(5)));
        if (host.ok()) host_ = *std::move(host);
        continue;
      }
      if (!CarryFrom(*host_, *board_) || !CarryFrom(*board_, *host_)) host_.reset();
    }
  }

  // False: one of them has gone.
  bool CarryFrom(Line& from, Line& to) {
    std::string bytes;
    if (!from.Read(&bytes, Soon()).ok()) return false;
    return bytes.empty() || to.Write(change_(bytes), Long()).ok();
  }

  const std::unique_ptr<Line> board_;
  const Change change_;
  const std::unique_ptr<LineListener> listener_;
  std::unique_ptr<Line> host_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace paddock
