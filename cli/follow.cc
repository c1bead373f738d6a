#include "cli/follow.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <vector>

#include "cli/exit_code.h"
#include "cli/format.h"

namespace paddock {
namespace {

constexpr std::chrono::minutes kPatience{2};

std::string Bar(const v1::RunStatus& run) {
  const v1::RunProgress& progress = run.progress();
  if (run.state() == "done" || run.state() == "evaluating") return "[##########]";
  if (progress.repetitions() == 0) return "[          ]";
  double done = progress.repetition() == 0 ? 0 : progress.repetition() - 1;
  if (progress.stage() == "reporting") done = progress.repetition();
  if (HasEnded(run)) done = progress.repetitions();
  const auto filled = static_cast<std::size_t>(10 * std::min(1.0, done / progress.repetitions()));
  return "[" + std::string(filled, '#') + std::string(10 - filled, ' ') + "]";
}

// What moves comes first, then what waits, then what has ended.
int Urgency(const v1::RunStatus& run) {
  if (HasEnded(run)) return 2;
  return run.state() == "queued" ? 1 : 0;
}

// Set while FollowJob runs: it ends by itself when g_interrupted is set.
std::atomic<bool> g_following{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler uses these");

struct Following {
  Following() { g_following = true; }
  ~Following() { g_following = false; }
};

}  // namespace

std::atomic<bool> g_interrupted{false};

void HandleInterrupt(int) {
  g_interrupted = true;
  if (!g_following) _exit(kExitInterrupted);
}

ProgressView::ProgressView() : terminal_(isatty(STDERR_FILENO) == 1) {
  const char* term = std::getenv("TERM");
  if (term == nullptr || std::string(term) == "dumb") terminal_ = false;
}

ProgressView::~ProgressView() { Clear(); }

void ProgressView::Clear() {
  if (drawn_lines_ > 0) std::cerr << "\x1b[" << drawn_lines_ << "A\x1b[J" << std::flush;
  drawn_lines_ = 0;
}

void ProgressView::Measure() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0) return;
  if (size.ws_col > 20) columns_ = size.ws_col;
  if (size.ws_row > 5) rows_ = size.ws_row;
}

void ProgressView::DrawLine(const std::string& line) {
  // The last column stays free: some terminals wrap when it is written.
  std::cerr << Shortened(Printable(line), static_cast<std::size_t>(columns_ - 1)) << "\n";
  ++drawn_lines_;
}

void ProgressView::Note(const std::string& text) {
  if (terminal_) {
    Measure();
    Clear();
    DrawLine(text);
  } else if (text != last_note_) {
    std::cerr << Printable(text) << "\n";
  }
  std::cerr << std::flush;
  last_note_ = text;
}

void ProgressView::Show(const v1::JobStatus& job) {
  last_note_.clear();
  if (terminal_) {
    ShowOnTerminal(job);
  } else {
    for (const std::string& line : lines_.Next(job)) std::cerr << Printable(line) << "\n";
  }
  std::cerr << std::flush;
}

void ProgressView::ShowOnTerminal(const v1::JobStatus& job) {
  Measure();
  Clear();
  std::vector<const v1::RunStatus*> runs;
  for (const v1::RunStatus& run : job.runs()) runs.push_back(&run);
  // Lines above the screen's top cannot be drawn over: when there are too many, those that still change are shown.
  const auto room = static_cast<std::size_t>(rows_ - 2);
  if (runs.size() > room) {
    std::stable_sort(runs.begin(), runs.end(), [](const v1::RunStatus* a, const v1::RunStatus* b) {
      return Urgency(*a) < Urgency(*b);
    });
  }
  for (std::size_t i = 0; i < std::min(room, runs.size()); ++i) {
    DrawLine(RunText(*runs[i]) + Bar(*runs[i]) + " " + ProgressText(*runs[i]));
  }
  if (runs.size() > room) DrawLine("... and " + std::to_string(runs.size() - room) + " more runs");
}

Result<v1::JobStatus> FollowJob(Connection& connection, const std::string& job_id, ProgressView* view) {
  const Following following;
  auto reached = std::chrono::steady_clock::now();
  while (!g_interrupted) {
    grpc::ClientContext context;
    v1::WatchJobRequest request;
    request.set_job_id(job_id);
    const auto reader = connection.jobs().WatchJob(&context, request);
    // The stream may be silent for long: an interrupt has to end the read.
    std::atomic<bool> finished{false};
    std::thread interrupter([&] {
      while (!finished && !g_interrupted) std::this_thread::sleep_for(std::chrono::milliseconds(50));
      if (!finished) context.TryCancel();
    });
    v1::JobStatus status;
    while (reader->Read(&status)) {
      reached = std::chrono::steady_clock::now();
      if (view != nullptr) view->Show(status);
    }
    const grpc::Status end = reader->Finish();
    finished = true;
    interrupter.join();
    if (g_interrupted) break;
    if (end.ok()) return status;
    if (end.error_code() != grpc::StatusCode::UNAVAILABLE) return connection.FromGrpc(end);
    if (std::chrono::steady_clock::now() - reached > kPatience) {
      return UnavailableError("the coordinator at " + connection.address() +
                              " has been away for two minutes; job " + job_id +
                              " goes on when it is back: `paddock watch " + job_id + "`");
    }
    if (view != nullptr)
      view->Note("the coordinator at " + connection.address() + " is away; trying again ...");
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
  return CancelledError("interrupted");
}

}  // namespace paddock
