#include "device_drivers/mcu/mcu_connection.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace paddock {
namespace {

constexpr std::size_t kLastLines = 8;

Deadline Within(double seconds, Deadline deadline) {
  const auto limit = Deadline::After(std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9)));
  return Deadline(std::min(limit.when(), deadline.when()));
}

}  // namespace

McuConnection::McuConnection(const McuSettings& settings)
    : settings_(settings),
      transcript_(SystemClock()),
      pace_(settings.answer_timeout_s, settings.line_baud()) {}

Status McuConnection::OpenLineToBoard(const std::string& image, Deadline deadline) {
  const Deadline within = Within(2 * settings_.answer_timeout_s, deadline);
  if (!settings_.is_emulated()) {
    PADDOCK_ASSIGN_OR_RETURN(line_, OpenLine(std::get<LineAddress>(settings_.board_at), within));
  } else {
    const auto* const board = std::get<const EmulatedBoard*>(settings_.board_at);
    const LineBytes bytes = settings_.mode == McuMode::kOwn ? LineBytes::kAhead : LineBytes::kOneByOne;
    PADDOCK_ASSIGN_OR_RETURN(emulator_, StartEmulator(*board, image, bytes, within));
    line_ = emulator_->TakeLine();
  }
  line_ = RecordLine(std::move(line_), &transcript_);
  return OkStatus();
}

Status McuConnection::Open(const std::string& image, Deadline deadline) {
  line_.reset();  // nobody else may have the port open, not even this object
  PADDOCK_RETURN_IF_ERROR(OpenLineToBoard(image, deadline));
  PADDOCK_ASSIGN_OR_RETURN(identity_, Greet());
  if (identity_.name.find(settings_.name) != std::string::npos) return OkStatus();
  return UnavailableError("the board's name is '" + identity_.name + "', but the option name says '" +
                          settings_.name + "'; is the link to another board?");
}

Result<BoardIdentity> McuConnection::Greet() {
  if (settings_.protocol == McuProtocol::kStm32msg) return stm32msg_.emplace(*line_, pace_).Greet();
  return EembcClient(*line_, pace_).Greet(settings_.is_emulated(), settings_.mode == McuMode::kOwn);
}

Result<std::unique_ptr<BoardClient>> McuConnection::MakeClient(const std::vector<TensorInfo>& outputs) {
  if (stm32msg_) return MakeStm32msgBoard(*stm32msg_, outputs);
  EembcClient text(*line_, pace_);
  // Ours knows frames: no answer means that it was damaged on the line.
  const int tries = settings_.mode == McuMode::kOwn ? 3 : 1;
  for (int i = 0; i < tries && !frames_ && settings_.protocol == McuProtocol::kAuto; ++i) {
    PADDOCK_ASSIGN_OR_RETURN(frames_, text.ProbeFrames());
  }
  if (!frames_) return MakeTextBoard(std::move(text), outputs);
  return MakeFrameBoard(FrameClient(*line_, pace_, frames_->data_bytes), *frames_, outputs);
}

std::string McuConnection::protocol() const {
  if (stm32msg_) return stm32msg_->protocol();
  return frames_ ? "frames" : "eembc";
}

Status McuConnection::InferBetweenEdges(std::uint32_t inferences) {
  if (stm32msg_) return UnimplementedError("stm32msg moves no pin of the board for a power meter");
  return EembcClient(*line_, pace_).InferBetweenEdges(inferences);
}

Status McuConnection::Explain(std::string_view stage, const Status& failure) {
  if (failure.ok()) return failure;
  StatusCode code = failure.code();
  std::string message = (settings_.board.empty() ? settings_.link : settings_.board) + ": " +
                        std::string(stage) + ": " + failure.message();
  const bool may_have_ended = code == StatusCode::kUnavailable || code == StatusCode::kDeadlineExceeded;
  if (const auto end = emulator_ && may_have_ended ? emulator_->HowItEnded() : std::nullopt) {
    code = StatusCode::kUnavailable;
    message += "; the emulator has ended: " + *end;
  }
  const std::string last = transcript_.LastLines(kLastLines);
  message += last.empty() ? "; nothing was said on the line" : "; last on the line: " + last;
  transcript_.Add(Transcript::Speaker::kDriver, message);
  return Status(code, message);
}

}  // namespace paddock
