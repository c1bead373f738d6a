// Many agents in one process: each a session that greets, beats and answers every assignment at once with a record that it
// was given. They speak the wire as agents do; no device, no disk and no worker is behind them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace paddock::bench {

struct SessionSettings {
  std::string address;
  int count = 0;
  std::string record;   // of the one repetition of every report
  std::string problem;  // in the greeting; not empty: takes no runs
  std::chrono::milliseconds heartbeat{5'000};
};

class Sessions {
 public:
  // Devices sim-0000 and so on, each with a channel (and so a connection) of its own. Returns when all are welcome.
  explicit Sessions(SessionSettings settings);
  ~Sessions();

  // Beats at once with this problem; empty: all take runs from now on.
  void SetProblem(const std::string& problem);
  // Reports that the coordinator has stored.
  std::uint64_t answered() const { return answered_; }
  // Until answered() has come to `count`.
  void WaitForAnswers(std::uint64_t count);

 private:
  class Session;
  void BeatLoop(std::stop_token stop);
  void OnWelcome();
  void OnAnswer(std::uint32_t code, const std::string& message);

  const SessionSettings settings_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::string problem_;  // guarded by mutex_
  int welcomed_ = 0;     // guarded by mutex_
  std::atomic<std::uint64_t> answered_ = 0;
  std::atomic<std::uint64_t> awaited_ = 0;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::jthread beat_;
};

}  // namespace paddock::bench
