// Speaks the frames of docs/mcu_protocol.md with a board that knows them. One thread. A frame or an answer that is lost or
// damaged is sent again with the same sequence number, so that nothing is computed twice.
//
// Errors: DEADLINE_EXCEEDED: no answer; UNAVAILABLE: the line is closed, the board has restarted, is busy or answers what makes
// no sense; INVALID_ARGUMENT: the firmware has no such tensor or not so many bytes of it; UNIMPLEMENTED: it does not know the
// type. Each says what was asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "device_drivers/mcu/board_pace.h"
#include "device_drivers/mcu/eembc_tokens.h"
#include "device_drivers/mcu/frame_codec.h"
#include "device_drivers/mcu/line.h"

namespace paddock {

class FrameClient {
 public:
  // Line and pace must outlive the client.
  FrameClient(Line& line, BoardPace& pace, std::uint32_t data_bytes)
      : line_(line), pace_(pace), data_bytes_(data_bytes) {}

  Status WriteInput(std::uint8_t input, std::span<const std::byte> bytes);
  // Counts of all inferences without the warm-up. REQUIRES: inferences > 0.
  Result<std::uint64_t> Infer(std::uint32_t inferences, std::uint32_t warmups);
  // Fills `bytes`.
  Status ReadOutput(std::uint8_t output, std::span<std::byte> bytes);
  // Runs the network once: counts of each layer.
  Result<std::vector<std::uint64_t>> Profile(std::size_t layers);

 private:
  // The payload of the answer without its status.
  Result<std::string> Exchange(std::uint8_t type, std::string_view payload, std::size_t answer_bytes,
                               std::uint64_t inferences);
  // Empty: the deadline has passed.
  Result<std::optional<Frame>> ReadFrame(std::uint8_t type, std::uint8_t sequence, Deadline deadline);

  Line& line_;
  BoardPace& pace_;
  const std::uint32_t data_bytes_;
  std::uint8_t sequence_ = 0;
  std::string pending_;
};

}  // namespace paddock
