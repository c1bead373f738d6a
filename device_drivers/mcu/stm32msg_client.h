// Speaks stm32msg with a board: ST's firmware aiValidation, or another that answers as it does. Which of the versions 2.x and 3.x it
// is, the board says. One thread.
//
// Messages go in packets of a fixed size, filled up with zeros: a header with the number of bytes that count, then 32 bytes. The
// header is one byte in firmware until 2025 and two (the high one first) since; which it is, is found out. The board asks for each
// packet of a message after the first with 0xAA; its own come without, the last marked in the header's highest bit. A message of the
// host begins with its length. Time is limited for each packet, not for a message.
//
// Packets have no check sum and nothing is sent again: a damaged line ends the session.
//
// Errors: DEADLINE_EXCEEDED: no answer; UNAVAILABLE: the line is closed, or the board answers what makes no sense;
// INVALID_ARGUMENT: the firmware's inputs or outputs are others than the model's; UNIMPLEMENTED: another version, or firmware that
// changes to larger packets.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "device_drivers/mcu/board_client.h"
#include "device_drivers/mcu/board_pace.h"
#include "device_drivers/mcu/eembc_client.h"
#include "device_drivers/mcu/line.h"
#include "device_drivers/mcu/stm32msg.h"

namespace paddock {

class Stm32msgClient {
 public:
  // Line and pace must outlive the client.
  Stm32msgClient(Line& line, BoardPace& pace) : line_(line), pace_(pace) {}

  // Finds out the packets' form, brings a board that waits for the rest of a message out of it, and asks who it is.
  Result<BoardIdentity> Greet();
  // After Greet(): "stm32msg 2.2".
  std::string protocol() const;

  struct Run {
    std::uint64_t duration_ns = 0;
    std::optional<std::uint64_t> cycles{};
    std::vector<std::string> outputs{};
  };
  // `outputs`: how many the model has.
  Result<Run> Infer(std::span<const std::string_view> inputs, std::size_t outputs);

 private:
  bool is_version_2() const { return version_ >> 8 == 2; }
  Result<Run> ReceiveRun();
  Result<Run> ReceiveRunOfVersion2();
  // Sends SYNC once. True: it is answered.
  Result<bool> TrySync();
  Status LearnHeaderBytes();
  Status SendPackets(std::string_view message);
  Status SendPacket(std::string_view content);
  Status WaitForGoOn();
  // The deadline is for the first packet. Answers what the board logs. A payload of another kind is UNAVAILABLE, with the board's error.
  template <typename Payload>
  Result<Payload> Receive(std::string_view what, Deadline deadline);
  Result<std::string> ReceiveMessage(Deadline deadline);
  // Empty: the deadline has passed.
  Result<std::optional<std::string>> Take(std::size_t bytes, Deadline deadline);
  // For a packet each way, and so long for the board in between.
  Deadline Soon(std::chrono::nanoseconds board) const;
  Deadline After(std::size_t bytes, std::uint64_t inferences = 0) const {
    return Deadline::After(pace_.Limit(bytes, inferences));
  }
  stm32msg::Request Next(stm32msg::Command command) { return {.id = ++request_id_, .command = command}; }

  Line& line_;
  BoardPace& pace_;
  std::size_t header_bytes_ = 2;
  bool is_header_known_ = false;
  std::uint32_t request_id_ = 0;
  std::uint32_t version_ = 0;  // major << 8 | minor
  stm32msg::NetworkInfo network_;
  std::string pending_;
};

std::unique_ptr<BoardClient> MakeStm32msgBoard(Stm32msgClient client, std::vector<TensorInfo> outputs);

}  // namespace paddock
