#include "device_drivers/mcu/stm32msg_client.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

#include "device_drivers/mcu/protobuf_wire.h"

namespace paddock {
namespace {

using stm32msg::Command;
using stm32msg::State;

constexpr char kGoOn = '\xAA';
constexpr unsigned char kLastPacket = 0x80;
constexpr std::size_t kPacketBytes = 32;
constexpr std::size_t kMaxMessageBytes = std::size_t{16} << 20;
constexpr std::size_t kUsualAnswerBytes = 1000;
constexpr std::chrono::milliseconds kQuiet(50);
constexpr std::chrono::seconds kSoon(1);  // in which a board has answered, however busy this machine is

Result<std::uint64_t> DurationNs(float duration_ms) {
  constexpr double kNsPerMs = 1e6;
  constexpr double kLongestMs = 1e9;
  if (duration_ms > 0 && duration_ms < kLongestMs)
    return static_cast<std::uint64_t>(std::llround(duration_ms * kNsPerMs));
  return UnavailableError("the board says that an inference took " + std::to_string(duration_ms) +
                          " ms, which cannot be");
}

class Stm32msgBoard final : public BoardClient {
 public:
  Stm32msgBoard(Stm32msgClient client, std::vector<TensorInfo> outputs)
      : client_(std::move(client)), outputs_(std::move(outputs)) {}

  // They travel with each inference.
  Status LoadInputs(std::span<const TensorView> inputs) override {
    inputs_.clear();
    for (const TensorView& input : inputs)
      inputs_.emplace_back(reinterpret_cast<const char*>(input.bytes.data()), input.bytes.size());
    return OkStatus();
  }

  Result<BoardRun> Infer(std::uint32_t inferences, std::uint32_t warmups) override {
    BoardRun all{.duration_ns = 0, .cycles = 0};
    for (std::uint64_t i = 0; i < std::uint64_t{inferences} + warmups; ++i) {
      PADDOCK_ASSIGN_OR_RETURN(run_, client_.Infer(inputs_, outputs_.size()));
      if (i < warmups) continue;
      all.duration_ns += run_.duration_ns;
      all.cycles = all.cycles && run_.cycles ? std::optional(*all.cycles + *run_.cycles) : std::nullopt;
    }
    return all;
  }

  Result<std::vector<std::vector<std::byte>>> ReadOutputs() override {
    std::vector<std::vector<std::byte>> outputs;
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      const std::size_t wanted = TensorBytes(outputs_[i]).value_or(0);
      if (i >= run_.outputs.size() || run_.outputs[i].size() != wanted) {
        return InvalidArgumentError(
            "output '" + outputs_[i].name + "' of the model has " + std::to_string(wanted) +
            " bytes, but the board gives " +
            (i < run_.outputs.size() ? std::to_string(run_.outputs[i].size()) : "no such output") +
            "; is its firmware built from this model?");
      }
      const auto* const data = reinterpret_cast<const std::byte*>(run_.outputs[i].data());
      outputs.emplace_back(data, data + wanted);
    }
    return outputs;
  }

  Result<std::vector<std::uint64_t>> Profile(std::size_t) override {
    return UnimplementedError("layers are told of images with facts only");
  }

 private:
  Stm32msgClient client_;
  const std::vector<TensorInfo> outputs_;
  std::vector<std::string_view> inputs_;
  Stm32msgClient::Run run_;
};

}  // namespace

Result<std::optional<std::string>> Stm32msgClient::Take(std::size_t bytes, Deadline deadline) {
  while (pending_.size() < bytes) {
    const bool is_late = deadline.passed();
    PADDOCK_RETURN_IF_ERROR(line_.Read(&pending_, deadline));  // takes what has come, however late it is
    if (is_late && pending_.size() < bytes) return std::optional<std::string>();
  }
  std::string taken = pending_.substr(0, bytes);
  pending_.erase(0, bytes);
  return std::optional(std::move(taken));
}

Status Stm32msgClient::SendPacket(std::string_view content) {
  std::string packet;
  if (header_bytes_ == 2) packet.push_back(static_cast<char>(content.size() >> 8));
  packet.push_back(static_cast<char>(content.size()));
  packet.append(content);
  packet.resize(header_bytes_ + kPacketBytes);
  return line_.Write(packet, After(kUsualAnswerBytes));
}

Status Stm32msgClient::WaitForGoOn() {
  PADDOCK_ASSIGN_OR_RETURN(const std::optional<std::string> byte, Take(1, After(kUsualAnswerBytes)));
  if (!byte) return DeadlineExceededError("the board does not ask for the rest of a message");
  if ((*byte)[0] == kGoOn) return OkStatus();
  return UnavailableError("the board interrupts a message that it is sent");
}

Status Stm32msgClient::SendPackets(std::string_view message) {
  std::string content;
  AppendVarint(message.size(), &content);
  content.append(message);
  for (std::string_view rest = content; !rest.empty();) {
    if (rest.size() != content.size()) PADDOCK_RETURN_IF_ERROR(WaitForGoOn());
    const std::string_view part = rest.substr(0, kPacketBytes);
    rest.remove_prefix(part.size());
    PADDOCK_RETURN_IF_ERROR(SendPacket(part));
  }
  return OkStatus();
}

Result<std::string> Stm32msgClient::ReceiveMessage(Deadline deadline) {
  std::string message;
  while (true) {
    PADDOCK_ASSIGN_OR_RETURN(const std::optional<std::string> packet,
                             Take(header_bytes_ + kPacketBytes, deadline));
    if (!packet) return DeadlineExceededError("no answer");
    const auto byte = [&](std::size_t index) { return static_cast<unsigned char>((*packet)[index]); };
    const std::size_t high = byte(0) & ~kLastPacket & 0xFFU;
    const std::size_t count = header_bytes_ == 2 ? high << 8 | byte(1) : high;
    const bool is_last = (byte(0) & kLastPacket) != 0;
    if (count > kPacketBytes || (!is_last && count != kPacketBytes))
      return UnavailableError("the board sends a packet of " + std::to_string(count) +
                              " bytes, which cannot be");
    message.append(*packet, header_bytes_, count);
    if (is_last) return message;
    if (message.size() > kMaxMessageBytes) return UnavailableError("the board does not end its message");
    deadline = After(kUsualAnswerBytes);
  }
}

template <typename Payload>
Result<Payload> Stm32msgClient::Receive(std::string_view what, Deadline deadline) {
  const std::string asked = "asked for " + std::string(what) + ", ";
  while (true) {
    auto message = ReceiveMessage(deadline);
    if (!message.ok()) return message.status().WithContext("asked for " + std::string(what));
    PADDOCK_ASSIGN_OR_RETURN(stm32msg::Response response, stm32msg::DecodeResponse(*message));
    if (std::holds_alternative<stm32msg::Log>(response.payload)) {
      PADDOCK_RETURN_IF_ERROR(SendPackets(stm32msg::EncodeAcknowledge()));
      continue;
    }
    if (response.request_id != request_id_) continue;  // a late answer
    const auto* const acknowledge = std::get_if<stm32msg::Acknowledge>(&response.payload);
    if (acknowledge != nullptr && (response.state == State::kError || acknowledge->error != 0)) {
      const std::string text = asked + "the board answers: " + stm32msg::ErrorName(acknowledge->error);
      return acknowledge->error == 1 || acknowledge->error == 5
                 ? InvalidArgumentError(text + "; is its firmware built from this model?")
                 : UnavailableError(text);
    }
    if (auto* const payload = std::get_if<Payload>(&response.payload)) return std::move(*payload);
    return UnavailableError(asked + "the board answers something else");
  }
}

Result<bool> Stm32msgClient::TrySync() {
  pending_.clear();
  std::string content;
  const std::string message = stm32msg::EncodeRequest(Next(Command::kSync));
  AppendVarint(message.size(), &content);
  PADDOCK_RETURN_IF_ERROR(SendPacket(content + message));
  PADDOCK_ASSIGN_OR_RETURN(const std::optional<std::string> first, Take(1, Soon(kSoon)));
  if (!first) return false;
  if ((*first)[0] == kGoOn) {
    if (is_header_known_) return false;  // it has waited for the rest of an older message, and does so still
    PADDOCK_RETURN_IF_ERROR(LearnHeaderBytes());
    return false;
  }
  const std::size_t before = header_bytes_;
  const auto head = static_cast<unsigned char>((*first)[0]);
  header_bytes_ = head == kLastPacket || head == 0 ? 2 : 1;
  pending_.insert(0, *first);
  const auto sync = Receive<stm32msg::Sync>("its version", After(kUsualAnswerBytes));
  if (!sync.ok()) {
    header_bytes_ = before;
    return false;
  }
  version_ = sync->version;
  if (is_version_2() || version_ >> 8 == 3) return true;
  return UnimplementedError("the board speaks " + protocol() + "; known are the versions 2.x and 3.x");
}

// The board has taken a packet with a header of two bytes and wants another. With headers of one byte it has found the first zero
// to be an empty packet and already has a byte of the next: 32 more end that. Otherwise 34 do.
Status Stm32msgClient::LearnHeaderBytes() {
  std::optional<std::string> answer;
  for (std::size_t header_bytes = 1; header_bytes <= 2 && !answer; ++header_bytes) {
    const std::string zeros(header_bytes == 1 ? kPacketBytes : 2, '\0');
    PADDOCK_RETURN_IF_ERROR(line_.Write(zeros, After(kUsualAnswerBytes)));
    PADDOCK_ASSIGN_OR_RETURN(answer, Take(1, Soon(kSoon)));
    is_header_known_ = answer && (*answer)[0] == kGoOn;
    if (is_header_known_) header_bytes_ = header_bytes;
  }
  return OkStatus();
}

Deadline Stm32msgClient::Soon(std::chrono::nanoseconds board) const {
  return Deadline::After(board + pace_.OnLine(2 * (2 + kPacketBytes)));
}

std::string Stm32msgClient::protocol() const {
  return "stm32msg " + std::to_string(version_ >> 8) + "." + std::to_string(version_ & 0xFF);
}

Result<BoardIdentity> Stm32msgClient::Greet() {
  constexpr int kSyncs = 200;  // a board within a message of some kilobytes takes a packet each
  const Deadline deadline = Deadline::After(3 * pace_.Limit(kUsualAnswerBytes));
  bool answers = false;
  for (int i = 0; i < kSyncs && !answers && !deadline.passed(); ++i) {
    // What it said before is no answer.
    do {
      pending_.clear();
      PADDOCK_RETURN_IF_ERROR(
          line_.Read(&pending_, Deadline::After((i == 0 ? kQuiet : kQuiet / 10) + pace_.OnLine(2))));
    } while (!pending_.empty() && !deadline.passed());
    PADDOCK_ASSIGN_OR_RETURN(answers, TrySync());
  }
  if (!answers) return DeadlineExceededError("the board is not ready: no answer to SYNC of stm32msg");

  PADDOCK_RETURN_IF_ERROR(SendPackets(stm32msg::EncodeRequest(Next(Command::kSystemInfo))));
  PADDOCK_ASSIGN_OR_RETURN(const auto system,
                           Receive<stm32msg::SystemInfo>("its system", After(kUsualAnswerBytes)));
  if (header_bytes_ == 2 && system.packet_bytes != 0 && system.packet_bytes != kPacketBytes) {
    return UnimplementedError("the board's firmware changes to packets of " +
                              std::to_string(system.packet_bytes) +
                              " bytes, as ST's does over USB; build it for a UART, and restart the board");
  }
  PADDOCK_RETURN_IF_ERROR(SendPackets(stm32msg::EncodeRequest(Next(Command::kNetworkInfo))));
  PADDOCK_ASSIGN_OR_RETURN(network_, Receive<stm32msg::NetworkInfo>("its network", After(kUsualAnswerBytes)));
  if (is_version_2() && network_.inputs != network_.input_shapes.size()) {
    return UnavailableError("the board tells the shapes of " + std::to_string(network_.input_shapes.size()) +
                            " of its network's " + std::to_string(network_.inputs) + " inputs");
  }
  char name[64];
  std::snprintf(name, sizeof name, "device 0x%x at %u Hz", system.device_id, system.core_hz);
  return BoardIdentity{name, network_.runtime, network_.name};
}

Result<Stm32msgClient::Run> Stm32msgClient::Infer(std::span<const std::string_view> inputs,
                                                  std::size_t outputs) {
  if (inputs.size() != network_.inputs || outputs != network_.outputs || outputs == 0) {
    return InvalidArgumentError("the model has " + std::to_string(inputs.size()) + " inputs and " +
                                std::to_string(outputs) + " outputs, but the firmware on the board " +
                                std::to_string(network_.inputs) + " and " + std::to_string(network_.outputs) +
                                "; is its firmware built from this model?");
  }
  stm32msg::Request request = Next(Command::kNetworkRun);
  request.parameter =
      is_version_2() ? stm32msg::kRunInputsAndOutputsOfVersion2 : stm32msg::kRunInputsAndOutputs;
  request.name = network_.name;
  PADDOCK_RETURN_IF_ERROR(SendPackets(stm32msg::EncodeRequest(request)));
  PADDOCK_RETURN_IF_ERROR(Receive<stm32msg::Acknowledge>("an inference", After(kUsualAnswerBytes)).status());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string message = is_version_2()
                                    ? stm32msg::EncodeShapedData(network_.input_shapes[i], inputs[i])
                                    : stm32msg::EncodeData(inputs[i]);
    PADDOCK_RETURN_IF_ERROR(SendPackets(message));
    PADDOCK_RETURN_IF_ERROR(
        Receive<stm32msg::Acknowledge>("taking an input", After(kUsualAnswerBytes)).status());
    PADDOCK_RETURN_IF_ERROR(SendPackets(stm32msg::EncodeAcknowledge()));
  }
  return is_version_2() ? ReceiveRunOfVersion2() : ReceiveRun();
}

Result<Stm32msgClient::Run> Stm32msgClient::ReceiveRun() {
  const MonotonicTime begin = SystemClock().Now();
  PADDOCK_ASSIGN_OR_RETURN(const auto network,
                           Receive<stm32msg::Operator>("an inference", After(kUsualAnswerBytes, 1)));
  pace_.Learn(1, SystemClock().Now() - begin);
  Run run;
  PADDOCK_ASSIGN_OR_RETURN(run.duration_ns, DurationNs(network.duration_ms));
  if (!network.cycles.empty()) run.cycles = network.cycles.front();
  for (std::uint32_t i = 0; i < network_.outputs; ++i) {
    PADDOCK_ASSIGN_OR_RETURN(auto output, Receive<stm32msg::Tensor>("an output", After(kUsualAnswerBytes)));
    run.outputs.push_back(std::move(output.data));
  }
  return run;
}

// The first output is the sign that the inference is over. The board waits for an answer to each but the last.
Result<Stm32msgClient::Run> Stm32msgClient::ReceiveRunOfVersion2() {
  const MonotonicTime begin = SystemClock().Now();
  Run run;
  for (std::uint32_t i = 0; i < network_.outputs; ++i) {
    if (i > 0) PADDOCK_RETURN_IF_ERROR(SendPackets(stm32msg::EncodeAcknowledge()));
    PADDOCK_ASSIGN_OR_RETURN(
        auto output, Receive<stm32msg::Tensor>("an output", After(kUsualAnswerBytes, i == 0 ? 1 : 0)));
    if (i == 0) {
      pace_.Learn(1, SystemClock().Now() - begin);
      PADDOCK_ASSIGN_OR_RETURN(run.duration_ns, DurationNs(output.duration_ms));
    }
    run.outputs.push_back(std::move(output.data));
  }
  return run;
}

std::unique_ptr<BoardClient> MakeStm32msgBoard(Stm32msgClient client, std::vector<TensorInfo> outputs) {
  return std::make_unique<Stm32msgBoard>(std::move(client), std::move(outputs));
}

}  // namespace paddock
