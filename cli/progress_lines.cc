#include "cli/progress_lines.h"

#include <cmath>
#include <optional>

namespace paddock {
namespace {

const std::string kWaitsAtFirst = "queued 0";

std::string WithSeparators(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string Padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

// A name for what is worth a line, the same each time; absent for what is not.
std::optional<std::string> News(const v1::RunStatus& run) {
  const std::string attempt = " " + std::to_string(run.attempts());
  const v1::RunProgress& progress = run.progress();
  if (HasEnded(run)) return "end";
  if (run.state() == "preparing") return "preparing";
  if (run.state() == "queued") {
    const auto away = progress.detail().find(", offline since ");
    return "queued" + attempt + (away == std::string::npos ? "" : progress.detail());
  }
  if (progress.stage() == "measuring" || progress.stage() == "cooling") return progress.stage() + attempt;
  // Why it does not go on.
  if (!progress.detail().empty()) return progress.detail();
  return std::nullopt;
}

// Of the run: what comes after the last stage of a repetition shows that it is done.
std::uint32_t RepetitionsDone(const v1::RunProgress& progress) {
  if (progress.repetition() == 0) return 0;
  return progress.stage() == "reporting" ? progress.repetition() : progress.repetition() - 1;
}

}  // namespace

bool HasEnded(const v1::RunStatus& run) {
  return run.state() == "done" || run.state() == "failed" || run.state() == "cancelled" ||
         run.state() == "lost";
}

std::string RunText(const v1::RunStatus& run) {
  return Padded(run.run_id(), 6) + " " + Padded(run.device(), 10) + " " + Padded(run.variant(), 10) + " ";
}

std::string ProgressText(const v1::RunStatus& run) {
  if (run.has_failure() && HasEnded(run)) {
    return run.state() + ": " + run.failure().class_() + " failure while " + run.failure().stage() + ": " +
           run.failure().message();
  }
  if (HasEnded(run)) return run.state();
  const v1::RunProgress& progress = run.progress();
  std::string text = progress.stage().empty() ? run.state() : progress.stage();
  if (progress.repetitions() > 0) {
    text += "  repetition " + std::to_string(progress.repetition()) + "/" +
            std::to_string(progress.repetitions());
  }
  if (progress.inferences_done() > 0)
    text += "  " + WithSeparators(progress.inferences_done()) + " inferences";
  if (progress.has_time_left_s()) {
    text += "  about " + std::to_string(static_cast<long>(std::ceil(progress.time_left_s()))) + " s left";
  }
  if (run.attempts() > 1) text += "  attempt " + std::to_string(run.attempts());
  if (!progress.detail().empty()) text += "  (" + progress.detail() + ")";
  return text;
}

std::vector<std::string> ProgressLines::Next(const v1::JobStatus& job) {
  std::vector<std::string> lines;
  for (const v1::RunStatus& run : job.runs()) {
    Told& told = told_[run.run_id()];
    const v1::RunProgress& progress = run.progress();
    const std::uint32_t done = RepetitionsDone(progress);
    if (done > told.repetitions_done && done < progress.repetitions() && !HasEnded(run)) {
      told.repetitions_done = done;
      lines.push_back(RunText(run) + "repetition " + std::to_string(done) + "/" +
                      std::to_string(progress.repetitions()) + " done");
    }
    if (run.state() == "running") told.news.insert(kWaitsAtFirst);  // it waits between its turns
    const auto news = News(run);
    if (news && told.news.insert(*news).second) lines.push_back(RunText(run) + ProgressText(run));
  }
  return lines;
}

}  // namespace paddock
