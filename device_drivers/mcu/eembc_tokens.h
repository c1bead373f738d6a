// What a board says in the text protocol of the EEMBC / MLPerf Tiny runner. Pure. Boards echo commands
// ("timestamp%m-lap-us-12"), print debug text in front of messages or between them and use other number formats, so messages
// are found by their marks wherever they stand in a line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paddock {

struct EembcToken {
  enum class Kind {
    kReady,          // the answer to a command is complete
    kName,           // text: vendor and board
    kProfile,        // text
    kModel,          // text
    kTimestampMode,  // text: "performance" or "energy"
    kInitDone,       // the board has started
    kExpecting,      // number: bytes of input that it waits for
    kTooLarge,       // number: bytes of input that it takes at most
    kOtherSize,      // number: elements of input that it expects; it has others, and infers all the same
    kPartialInput,   // number: bytes of input that it takes; it was given fewer, and does not infer
    kLoadDone,
    kWarmupStart,  // number: inferences
    kWarmupDone,
    kInferStart,  // number: inferences
    kInferDone,
    kLap,      // number: microseconds by the board's clock, modulo 2^32 on most
    kResults,  // text: between the brackets
    kPaddock,  // text: what follows "m-x-paddock-"
    kError,    // text: between the brackets
  };
  Kind kind = Kind::kReady;
  std::uint64_t number = 0;
  std::string text;
  bool operator==(const EembcToken&) const = default;
};

// Those of one line, in their order. One that is damaged (no number where one belongs, no closing bracket) is left out.
std::vector<EembcToken> FindEembcTokens(std::string_view line);

// "0.000,-3,12." as numbers; empty when one of them is none or there is none. A comma behind the last is seen.
std::optional<std::vector<double>> ParseEembcResults(std::string_view text);

// The answer to "x-paddock%": "1-[counter=tim2,hz=1000000000,data=1024]".
struct FrameAbility {
  std::string counter;
  std::uint64_t counter_hz = 0;
  std::uint32_t data_bytes = 0;  // of one frame
};
// Empty for another version and for what is out of reason.
std::optional<FrameAbility> ParseFrameAbility(std::string_view text);

}  // namespace paddock
