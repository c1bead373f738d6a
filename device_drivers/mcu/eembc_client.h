// Speaks the text protocol of the EEMBC / MLPerf Tiny runner with a board. One thread. What is lost or damaged on the line is
// asked again, three times in all; the text has no check sum, so a digit that was changed is not noticed.
//
// Errors: DEADLINE_EXCEEDED: no answer; UNAVAILABLE: the line is closed, the board has restarted or answers what makes no sense.
// Either says what was asked. INVALID_ARGUMENT: the board cannot hold that much input, or takes more.
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
#include "device_drivers/mcu/line.h"

namespace paddock {

struct BoardIdentity {
  std::string name;     // "m-name-dut-[...]"
  std::string profile;  // empty when the board does not say
  std::string model;    // likewise
};

struct EembcRun {
  std::uint64_t duration_us = 0;  // of all inferences, by the board's clock
  std::vector<double> results;    // as printed; empty when they cannot be read
};

class EembcClient {
 public:
  // Both must outlive the client.
  EembcClient(Line& line, BoardPace& pace) : line_(line), pace_(pace) {}

  // Until the board answers its name. One that `has_just_started` is given the time to say m-ready first: what is sent
  // before may be lost. Its restart is no error in here.
  // One that `knows_frames` may be stuck within a frame, of a host that has gone: it is brought out of it.
  Result<BoardIdentity> Greet(bool has_just_started, bool knows_frames);
  // Empty: this firmware does not know the frames of docs/mcu_protocol.md.
  Result<std::optional<FrameAbility>> ProbeFrames();
  Status Load(std::span<const std::byte> input);
  // Brings a board that a host left in energy mode back out of it. REQUIRES: inferences > 0.
  Result<EembcRun> Infer(std::uint32_t inferences, std::uint32_t warmups);
  // Once, between two edges of the board's pin instead of two times. UNIMPLEMENTED: the firmware answers `x-mode`
  // with an error.
  Status InferBetweenEdges(std::uint32_t inferences);

 private:
  struct Command {
    std::string text;                // with its '%'
    EembcToken::Kind wanted;         // without it an answer is taken for that of an earlier command
    std::size_t answer_bytes = 100;  // at most, for the time on the line
    std::uint64_t inferences = 0;
    int tries = 3;        // 1: it may not be said twice
    double patience = 1;  // part of the time that an answer may take, for each try
    bool expects_start = false;
  };
  using Tokens = std::vector<EembcToken>;

  Result<Tokens> Ask(const Command& command);
  Status ChangeMode(const std::string& mode);
  // Until m-ready behind a token of the kind wanted, or behind an error. Empty: the deadline has passed.
  Result<std::optional<Tokens>> ReadAnswer(const Command& command, Deadline deadline);
  Status LoadOnce(std::string_view input);
  // The next whole line, without its end. Empty: none until the deadline.
  Result<std::optional<std::string>> ReadLine(Deadline deadline);
  // Forgets what has come and was not asked for, until the line is quiet for `quiet`. UNAVAILABLE: it does not become quiet.
  Status Discard(std::chrono::nanoseconds quiet);

  Line& line_;
  BoardPace& pace_;
  std::string pending_;
};

}  // namespace paddock
