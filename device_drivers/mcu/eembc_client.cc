#include "device_drivers/mcu/eembc_client.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

namespace paddock {
namespace {

using Kind = EembcToken::Kind;

constexpr int kTries = 3;
constexpr int kShortTries = 5;  // of what is answered at once, in the time of one
constexpr std::size_t kMaxLineBytes = 256 * 1024;
constexpr std::size_t kMaxTokens = 10'000;  // of one answer
constexpr std::size_t kLoadChunkBytes =
    31;  // what the runner sends; a board's command buffer holds 80 characters
constexpr std::size_t kBytesPerResult = 16;
constexpr std::size_t kUsualResults = 1000;

const EembcToken* FindToken(const std::vector<EembcToken>& tokens, Kind kind) {
  const auto found =
      std::find_if(tokens.begin(), tokens.end(), [&](const EembcToken& token) { return token.kind == kind; });
  return found == tokens.end() ? nullptr : &*found;
}

bool IsRestart(const EembcToken& token) {
  return token.kind == Kind::kInitDone || token.kind == Kind::kTimestampMode;
}

std::string HexDigits(std::string_view bytes) {
  std::string digits;
  for (const char byte : bytes) {
    for (const int nibble : {static_cast<unsigned char>(byte) >> 4, byte & 0xf})
      digits.push_back("0123456789ABCDEF"[nibble]);
  }
  return digits;
}

std::string Quoted(const std::string& command) {
  constexpr std::size_t kShown = 24;
  return "'" + (command.size() > kShown ? command.substr(0, kShown) + "..." : command) + "'";
}

std::string SecondsText(std::chrono::nanoseconds duration) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f s", std::chrono::duration<double>(duration).count());
  return text;
}

// Of the laps since m-infer-start the last two; boards count microseconds modulo 2^32.
std::optional<std::uint64_t> LoopDurationUs(const std::vector<EembcToken>& tokens) {
  constexpr std::uint64_t kWrap = std::uint64_t{1} << 32;
  std::vector<std::uint64_t> laps;
  for (const EembcToken& token : tokens) {
    if (token.kind == Kind::kInferStart) laps.clear();
    if (token.kind == Kind::kLap) laps.push_back(token.number);
  }
  if (laps.size() < 2) return std::nullopt;
  const std::uint64_t begin = laps[laps.size() - 2];
  const std::uint64_t end = laps.back();
  if (end >= begin) return end - begin;
  if (begin >= kWrap) return std::nullopt;
  return end + kWrap - begin;
}

}  // namespace

Result<std::optional<std::string>> EembcClient::ReadLine(Deadline deadline) {
  std::size_t searched = 0;
  while (true) {
    const std::size_t end = pending_.find_first_of("\r\n", searched);
    if (end != std::string::npos) {
      std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      searched = 0;
      if (line.empty()) continue;
      return std::optional(std::move(line));
    }
    if (pending_.size() > kMaxLineBytes) pending_.clear();
    searched = pending_.size();
    if (deadline.passed()) return std::optional<std::string>();
    PADDOCK_RETURN_IF_ERROR(line_.Read(&pending_, deadline));
  }
}

Status EembcClient::Discard(std::chrono::nanoseconds quiet) {
  // A process that was kept waiting finds all that was said meanwhile at once: time alone does not show that a board talks on.
  constexpr std::size_t kLastWordsBytes = 256;
  const Deadline end = Deadline::After(5 * quiet);
  std::size_t discarded = 0;
  do {
    discarded += pending_.size();
    pending_.clear();
    PADDOCK_RETURN_IF_ERROR(line_.Read(&pending_, Deadline::After(quiet)));
    if (pending_.empty()) return OkStatus();
  } while (!end.passed() || (quiet.count() > 0 && discarded < kLastWordsBytes));
  pending_.clear();
  return quiet.count() == 0 ? OkStatus() : UnavailableError("the board does not stop talking");
}

Result<std::optional<EembcClient::Tokens>> EembcClient::ReadAnswer(const Command& command,
                                                                   Deadline deadline) {
  Tokens answer;
  while (true) {
    PADDOCK_ASSIGN_OR_RETURN(const std::optional<std::string> line, ReadLine(deadline));
    if (!line) return std::optional<Tokens>();
    for (EembcToken& token : FindEembcTokens(*line)) {
      if (IsRestart(token) && !command.expects_start)
        return UnavailableError("the board restarted before it had answered " + Quoted(command.text));
      if (answer.size() == kMaxTokens)
        return UnavailableError("the board does not stop talking after " + Quoted(command.text));
      const bool is_end = token.kind == Kind::kReady;
      answer.push_back(std::move(token));
      if (!is_end) continue;
      const bool is_ours = command.wanted == Kind::kReady || FindToken(answer, command.wanted) != nullptr ||
                           FindToken(answer, Kind::kError) != nullptr ||
                           FindToken(answer, Kind::kTooLarge) != nullptr ||
                           FindToken(answer, Kind::kPartialInput) != nullptr;
      if (is_ours) return std::optional(std::move(answer));
      answer.clear();
    }
  }
}

Result<EembcClient::Tokens> EembcClient::Ask(const Command& command) {
  const auto whole = pace_.Limit(command.text.size() + command.answer_bytes, command.inferences);
  const auto limit = std::chrono::duration_cast<std::chrono::nanoseconds>(whole * command.patience);
  constexpr std::chrono::nanoseconds kQuiet = std::chrono::milliseconds(100);
  const auto quiet = std::min(kQuiet, limit / 2);
  Status failure;
  for (int attempt = 0; attempt < command.tries; ++attempt) {
    // An answer that comes late is not the next command's.
    PADDOCK_RETURN_IF_ERROR(Discard(attempt == 0 ? std::chrono::nanoseconds(0) : quiet));
    const Deadline deadline = Deadline::After(limit);
    const Status written = line_.Write(command.text, deadline);
    if (!written.ok()) return written.WithContext("sending " + Quoted(command.text));
    PADDOCK_ASSIGN_OR_RETURN(std::optional<Tokens> answer, ReadAnswer(command, deadline));
    if (!answer) {
      failure =
          DeadlineExceededError("no answer to " + Quoted(command.text) + " within " + SecondsText(limit));
      // The wait was long: is it worth another?
      if (command.inferences > 0 &&
          !Ask({.text = "name%", .wanted = Kind::kName, .tries = kShortTries, .patience = 1.0 / kShortTries})
               .ok())
        return failure;
      continue;
    }
    const EembcToken* const error = FindToken(*answer, Kind::kError);
    if (error == nullptr || FindToken(*answer, command.wanted) != nullptr) return *std::move(answer);
    failure = UnavailableError("the board answers 'e-[" + error->text + "]' to " + Quoted(command.text));
  }
  return failure;
}

Result<BoardIdentity> EembcClient::Greet(bool has_just_started, bool knows_frames) {
  const Command name{.text = "name%",
                     .wanted = Kind::kName,
                     .tries = kTries * kShortTries,
                     .patience = 1.0 / kShortTries,
                     .expects_start = true};
  if (has_just_started) {
    const Command ready{.text = "", .wanted = Kind::kReady, .expects_start = true};
    PADDOCK_RETURN_IF_ERROR(ReadAnswer(ready, Deadline::After(pace_.Limit(0))).status());
  }
  if (!has_just_started && knows_frames) {
    constexpr std::string_view kEndOfFrames("\0\0\1\0", 4);  // a frame that is damaged, whatever was before
    PADDOCK_RETURN_IF_ERROR(line_.Write(kEndOfFrames, Deadline::After(pace_.Limit(kEndOfFrames.size()))));
  }
  const auto named = Ask(name);
  if (!named.ok()) return named.status().WithContext("the board is not ready");
  BoardIdentity identity;
  identity.name = FindToken(*named, Kind::kName)->text;
  const auto profile = Ask({.text = "profile%", .wanted = Kind::kProfile});
  if (!profile.ok()) return identity;  // a firmware without one is not refused for it
  if (const auto* const token = FindToken(*profile, Kind::kProfile)) identity.profile = token->text;
  if (const auto* const token = FindToken(*profile, Kind::kModel)) identity.model = token->text;
  return identity;
}

Result<std::optional<FrameAbility>> EembcClient::ProbeFrames() {
  const Command probe{.text = "x-paddock%", .wanted = Kind::kReady};
  PADDOCK_RETURN_IF_ERROR(Discard(std::chrono::nanoseconds(0)));
  const Deadline deadline = Deadline::After(pace_.Limit(probe.text.size() + probe.answer_bytes));
  PADDOCK_RETURN_IF_ERROR(line_.Write(probe.text, deadline));
  // A firmware that does not know the command says e-[...], or nothing before m-ready.
  PADDOCK_ASSIGN_OR_RETURN(const std::optional<Tokens> answer, ReadAnswer(probe, deadline));
  const EembcToken* const token = answer ? FindToken(*answer, Kind::kPaddock) : nullptr;
  return token == nullptr ? std::nullopt : ParseFrameAbility(token->text);
}

Status EembcClient::LoadOnce(std::string_view input) {
  const Command load{.text = "db load " + std::to_string(input.size()) + "%", .wanted = Kind::kExpecting};
  PADDOCK_ASSIGN_OR_RETURN(const Tokens expecting, Ask(load));
  if (const EembcToken* const limit = FindToken(expecting, Kind::kTooLarge)) {
    return InvalidArgumentError("the model's inputs are " + std::to_string(input.size()) +
                                " bytes, but the firmware on the board takes at most " +
                                std::to_string(limit->number));
  }
  bool loaded = false;
  while (!input.empty() && !loaded) {
    const std::string_view chunk = input.substr(0, kLoadChunkBytes);
    input.remove_prefix(chunk.size());
    // Sent twice it would be loaded twice.
    PADDOCK_ASSIGN_OR_RETURN(
        const Tokens answer,
        Ask({.text = "db " + HexDigits(chunk) + "%", .wanted = Kind::kReady, .tries = 1}));
    if (const EembcToken* const error = FindToken(answer, Kind::kError))
      return UnavailableError("the board answers 'e-[" + error->text + "]' to a part of its input");
    loaded = FindToken(answer, Kind::kLoadDone) != nullptr;
  }
  if (loaded && input.empty()) return OkStatus();
  return UnavailableError(loaded ? "the board says m-load-done before it was sent all of its input"
                                 : "the board does not say m-load-done after the last byte of its input");
}

Status EembcClient::Load(std::span<const std::byte> input) {
  const std::string_view bytes(reinterpret_cast<const char*>(input.data()), input.size());
  Status status;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    status = LoadOnce(bytes);
    if (status.ok() || status.code() == StatusCode::kInvalidArgument) break;
  }
  return status;
}

Result<EembcRun> EembcClient::Infer(std::uint32_t inferences, std::uint32_t warmups) {
  const Command infer{.text = "infer " + std::to_string(inferences) + " " + std::to_string(warmups) + "%",
                      .wanted = Kind::kInferDone,
                      .answer_bytes = kUsualResults * kBytesPerResult,
                      .inferences = std::uint64_t{inferences} + warmups};
  EembcRun run;
  std::optional<std::uint64_t> duration_us;
  for (int attempt = 0; attempt < kTries && !duration_us; ++attempt) {
    const MonotonicTime begin = SystemClock().Now();
    PADDOCK_ASSIGN_OR_RETURN(const Tokens answer, Ask(infer));
    if (const EembcToken* const expected = FindToken(answer, Kind::kOtherSize)) {
      return InvalidArgumentError("the firmware on the board expects " + std::to_string(expected->number) +
                                  " elements of input, and the model's inputs are of another size");
    }
    if (const EembcToken* const whole = FindToken(answer, Kind::kPartialInput)) {
      return InvalidArgumentError("the firmware on the board takes " + std::to_string(whole->number) +
                                  " bytes of input, and the model's inputs are fewer");
    }
    pace_.Learn(infer.inferences, SystemClock().Now() - begin);
    duration_us = LoopDurationUs(answer);
    if (const EembcToken* const results = FindToken(answer, Kind::kResults))
      run.results = ParseEembcResults(results->text).value_or(std::vector<double>());
    if (duration_us || attempt > 0) continue;
    // A host that has gone may have left it in energy mode.
    const Status back = ChangeMode("performance");
    if (!back.ok() && back.code() != StatusCode::kUnimplemented) return back;
  }
  if (!duration_us) {
    return UnavailableError("the board gives no two times (m-lap-us) for " + Quoted(infer.text) +
                            "; a firmware built for energy measurements has none");
  }
  run.duration_us = *duration_us;
  if (run.results.empty()) {
    const auto answer =
        Ask({.text = "results%", .wanted = Kind::kResults, .answer_bytes = kUsualResults * kBytesPerResult});
    if (!answer.ok()) return answer.status();
    run.results = ParseEembcResults(FindToken(*answer, Kind::kResults)->text).value_or(std::vector<double>());
  }
  return run;
}

Status EembcClient::ChangeMode(const std::string& mode) {
  PADDOCK_ASSIGN_OR_RETURN(
      const Tokens answer,
      Ask({.text = "x-mode " + mode + "%", .wanted = Kind::kReady, .expects_start = true}));
  if (FindToken(answer, Kind::kInitDone) != nullptr)
    return UnavailableError("the board restarted before it had answered 'x-mode " + mode + "%'");
  const EembcToken* const token = FindToken(answer, Kind::kTimestampMode);
  if (token != nullptr && token->text == mode) return OkStatus();
  if (token != nullptr || FindToken(answer, Kind::kError) == nullptr)
    return UnavailableError("the board does not say that it has changed to mode '" + mode + "'");
  return UnimplementedError("the firmware on the board cannot change to mode '" + mode +
                            "', in which it moves a pin for a power meter");
}

Status EembcClient::InferBetweenEdges(std::uint32_t inferences) {
  PADDOCK_RETURN_IF_ERROR(ChangeMode("energy"));
  const auto answer = Ask({.text = "infer " + std::to_string(inferences) + " 0%",
                           .wanted = Kind::kInferDone,
                           .answer_bytes = kUsualResults * kBytesPerResult,
                           .inferences = inferences,
                           .tries = 1});  // twice would be two windows
  const Status back = ChangeMode("performance");
  return answer.ok() ? back : answer.status();
}

}  // namespace paddock
