// Messages of ST's protocol "stm32msg": what host tools of X-CUBE-AI 4 to 8 (versions 2.1 and 2.2), and of X-CUBE-AI 9 and ST Edge AI
// (3.x) say to the firmware aiValidation. Answers of both are read into the same structures. Pure. Field numbers and meanings:
// stm32msg.proto of stm32ai-modelzoo-services (3.1) and stm32msg.pb.h of stm32ai-tvm (2.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"

namespace paddock::stm32msg {

enum class Command : std::uint32_t { kSync = 0, kSystemInfo = 1, kNetworkInfo = 10, kNetworkRun = 11 };
enum class State : std::uint32_t { kIdle = 0, kWaiting = 1, kProcessing = 2, kDone = 3, kError = 4 };
// Parameter of kNetworkRun.
inline constexpr std::uint32_t kRunInputsAndOutputs = 1;
inline constexpr std::uint32_t kRunInputsAndOutputsOfVersion2 = 0;

struct Request {
  std::uint32_t id = 0;
  Command command = Command::kSync;
  std::uint32_t parameter = 0;
  std::string name{};  // of the network
};
std::string EncodeRequest(const Request& request);
std::string EncodeData(std::string_view data);
// Of version 2: `shape` is a NetworkInfo::input_shapes.
std::string EncodeShapedData(std::string_view shape, std::string_view data);
std::string EncodeAcknowledge();

struct Sync {
  std::uint32_t version = 0;  // major << 8 | minor
};
struct SystemInfo {
  std::uint32_t device_id = 0;
  std::uint32_t core_hz = 0;
  std::uint32_t packet_bytes = 0;  // of each packet from now on, where headers have two bytes; 0: as before
};
struct Acknowledge {
  std::uint32_t parameter = 0;
  std::uint32_t error = 0;
};
struct Log {
  std::string text;
};
struct Operator {
  bool is_network = true;  // else one of its layers
  float duration_ms = 0;
  std::vector<std::uint64_t> cycles{};  // of the processor; empty: the counter is another's
};
struct Tensor {
  std::string data;
  float duration_ms = 0;  // of the inference: version 2, which has no Operator of the network
};
struct NetworkInfo {
  std::string name;
  std::string runtime;
  std::uint32_t inputs = 0;
  std::uint32_t outputs = 0;
  std::vector<std::string>
      input_shapes{};  // of version 2, as messages: the board wants them back with the data
};

struct Response {
  std::uint32_t request_id = 0;
  State state = State::kIdle;
  std::variant<std::monostate, Sync, SystemInfo, Acknowledge, Log, Operator, Tensor, NetworkInfo> payload{};
};
// UNAVAILABLE: no such message, or a field of another kind than it is. Payloads that are not known are std::monostate.
Result<Response> DecodeResponse(std::string_view message);

// "invalid size" for 1.
std::string ErrorName(std::uint32_t error);

}  // namespace paddock::stm32msg
