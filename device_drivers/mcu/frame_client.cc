#include "device_drivers/mcu/frame_client.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

namespace paddock {
namespace {

constexpr std::uint8_t kWrite = 1;
constexpr std::uint8_t kInfer = 2;
constexpr std::uint8_t kRead = 3;
constexpr std::uint8_t kProfile = 4;

constexpr std::size_t kCountBytes = 8;
constexpr std::size_t kFrameOverhead = 16;      // header, check sum, zeros and COBS of a usual frame
constexpr std::size_t kMaxFrameBytes = 70'000;  // more without a zero is no frame

std::string_view FrameName(std::uint8_t type) {
  switch (type) {
    case kWrite:
      return "write input";
    case kInfer:
      return "infer";
    case kRead:
      return "read output";
    default:
      return "profile layers";
  }
}

// A board that starts says so in text, where no frame is.
bool SaysRestart(std::string_view text) {
  return text.find("m-init-done") != text.npos || text.find("m-timestamp-mode-") != text.npos;
}

Status StatusOfAnswer(std::uint8_t status, std::string_view what) {
  const std::string begin = "the board refuses to " + std::string(what) + ": ";
  switch (status) {
    case 0:
      return OkStatus();
    case 1:
      return UnimplementedError(begin + "its firmware does not know this frame; use a newer one");
    case 2:
      return UnavailableError(begin + "wrong length of the frame");
    case 3:
      return InvalidArgumentError(begin +
                                  "its firmware has no such tensor, or fewer bytes of it; the firmware was "
                                  "built from another model");
    default:
      return UnavailableError(begin + (status == 4 ? "it is busy" : "status " + std::to_string(status)));
  }
}

Status Restarted(std::uint8_t type) {
  return UnavailableError("the board restarted before it had answered: " + std::string(FrameName(type)));
}

Status Nonsense(std::uint8_t type, std::size_t bytes) {
  return UnavailableError("the board's answer to '" + std::string(FrameName(type)) + "' has " +
                          std::to_string(bytes) + " bytes, which is wrong");
}

}  // namespace

Result<std::optional<Frame>> FrameClient::ReadFrame(std::uint8_t type, std::uint8_t sequence,
                                                    Deadline deadline) {
  while (true) {
    for (std::size_t end; (end = pending_.find('\0')) != std::string::npos;) {
      const std::string between = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      std::optional<Frame> frame = DecodeFrame(between);
      if (!frame && SaysRestart(between)) return Restarted(type);
      // Another number: a late answer to a frame that was sent twice.
      if (frame && frame->type == (type | kFrameAnswer) && frame->sequence == sequence) return frame;
    }
    if (SaysRestart(pending_)) return Restarted(type);
    if (pending_.size() > kMaxFrameBytes) pending_.clear();
    if (deadline.passed()) return std::optional<Frame>();
    PADDOCK_RETURN_IF_ERROR(line_.Read(&pending_, deadline));
  }
}

Result<std::string> FrameClient::Exchange(std::uint8_t type, std::string_view payload,
                                          std::size_t answer_bytes, std::uint64_t inferences) {
  const std::uint8_t sequence = sequence_;
  sequence_ = static_cast<std::uint8_t>(sequence_ == 255 ? 1 : sequence_ + 1);
  const std::string request = EncodeFrame({type, sequence, std::string(payload)});
  const std::size_t line_bytes = request.size() + answer_bytes + kFrameOverhead;
  const auto limit = pace_.Limit(line_bytes, inferences);
  const Deadline end = Deadline::After(limit);
  bool is_first = true;
  for (auto patience = pace_.Expected(line_bytes, inferences); !end.passed(); patience *= 2) {
    // The zero in front ends what an earlier frame may have begun, if it lost its own.
    const Status written = line_.Write(is_first ? request : '\0' + request, end);
    is_first = false;
    if (!written.ok()) return written.WithContext("sending '" + std::string(FrameName(type)) + "'");
    const Deadline next(std::min(end.when(), Deadline::After(patience).when()));
    PADDOCK_ASSIGN_OR_RETURN(const std::optional<Frame> answer, ReadFrame(type, sequence, next));
    if (!answer) continue;
    if (answer->payload.empty()) return Nonsense(type, 0);
    PADDOCK_RETURN_IF_ERROR(
        StatusOfAnswer(static_cast<std::uint8_t>(answer->payload.front()), FrameName(type)));
    return answer->payload.substr(1);
  }
  return DeadlineExceededError("no answer to '" + std::string(FrameName(type)) + "' within " +
                               std::to_string(std::chrono::ceil<std::chrono::seconds>(limit).count()) + " s");
}

Status FrameClient::WriteInput(std::uint8_t input, std::span<const std::byte> bytes) {
  for (std::size_t offset = 0; offset < bytes.size(); offset += data_bytes_) {
    const auto part = bytes.subspan(offset, std::min<std::size_t>(data_bytes_, bytes.size() - offset));
    std::string payload(1, static_cast<char>(input));
    AppendLittleEndian(offset, 4, &payload);
    payload.append(reinterpret_cast<const char*>(part.data()), part.size());
    PADDOCK_RETURN_IF_ERROR(Exchange(kWrite, payload, 0, 0).status());
  }
  return OkStatus();
}

Result<std::uint64_t> FrameClient::Infer(std::uint32_t inferences, std::uint32_t warmups) {
  std::string payload;
  AppendLittleEndian(inferences, 4, &payload);
  AppendLittleEndian(warmups, 4, &payload);
  const MonotonicTime begin = SystemClock().Now();
  PADDOCK_ASSIGN_OR_RETURN(const std::string answer,
                           Exchange(kInfer, payload, kCountBytes, std::uint64_t{inferences} + warmups));
  if (answer.size() != kCountBytes) return Nonsense(kInfer, answer.size());
  pace_.Learn(std::uint64_t{inferences} + warmups, SystemClock().Now() - begin);
  return ReadLittleEndian(answer);
}

Status FrameClient::ReadOutput(std::uint8_t output, std::span<std::byte> bytes) {
  for (std::size_t offset = 0; offset < bytes.size(); offset += data_bytes_) {
    const std::size_t length = std::min<std::size_t>(data_bytes_, bytes.size() - offset);
    std::string payload(1, static_cast<char>(output));
    AppendLittleEndian(offset, 4, &payload);
    AppendLittleEndian(length, 2, &payload);
    PADDOCK_ASSIGN_OR_RETURN(const std::string answer, Exchange(kRead, payload, length, 0));
    if (answer.size() != length) return Nonsense(kRead, answer.size());
    std::memcpy(bytes.data() + offset, answer.data(), length);
  }
  return OkStatus();
}

Result<std::vector<std::uint64_t>> FrameClient::Profile(std::size_t layers) {
  std::vector<std::uint64_t> counts;
  while (counts.size() < layers) {
    std::string payload;
    AppendLittleEndian(counts.size(), 2, &payload);
    PADDOCK_ASSIGN_OR_RETURN(const std::string answer,
                             Exchange(kProfile, payload, data_bytes_, counts.empty() ? 1 : 0));
    std::string_view rest = answer;
    const std::size_t here = rest.size() < 2 ? 0 : ReadLittleEndian(rest.substr(0, 2));
    rest.remove_prefix(std::min<std::size_t>(2, rest.size()));
    if (here == 0 || rest.size() != here * kCountBytes || here > layers - counts.size())
      return Nonsense(kProfile, answer.size());
    for (; !rest.empty(); rest.remove_prefix(kCountBytes))
      counts.push_back(ReadLittleEndian(rest.substr(0, kCountBytes)));
  }
  return counts;
}

}  // namespace paddock
