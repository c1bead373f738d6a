// Follows a job to its end: one line per run, redrawn on a terminal, plain lines otherwise. Survives a restart of the
// coordinator.
#pragma once

#include <atomic>
#include <string>

#include "cli/connection.h"
#include "cli/progress_lines.h"

namespace paddock {

// Set by HandleInterrupt.
extern std::atomic<bool> g_interrupted;

// For SIGINT and SIGTERM. While FollowJob runs, it is told to end; at any other time the process ends with exit code 130: an
// upload goes on from where it was when it is started again, and a question to the coordinator has nothing to undo.
void HandleInterrupt(int signal);

// Draws job statuses on stderr. On a terminal the lines are drawn over each other; elsewhere they are those of ProgressLines. Many runs on a small terminal: those that move are shown.
class ProgressView {
 public:
  ProgressView();
  ~ProgressView();
  void Show(const v1::JobStatus& job);
  // A passing message ("uploading ...") that the next drawing replaces.
  void Note(const std::string& text);

 private:
  void Measure();
  void Clear();
  void DrawLine(const std::string& line);
  void ShowOnTerminal(const v1::JobStatus& job);
  bool terminal_;
  int columns_ = 80;
  int rows_ = 24;
  int drawn_lines_ = 0;
  ProgressLines lines_;
  std::string last_note_;
};

// The final status. UNAVAILABLE when the coordinator could not be reached for two minutes (the job goes on), CANCELLED when
// g_interrupted was set.
Result<v1::JobStatus> FollowJob(Connection& connection, const std::string& job_id, ProgressView* view);

}  // namespace paddock
