// Messages of ST's protocol "stm32msg", versions 3.x: what host tools of X-CUBE-AI 9 and ST Edge AI say to the firmware aiValidation.
// Pure. Field numbers and meanings: stm32msg.proto of stm32ai-modelzoo-services (Apache-2.0).
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

struct Request {
  std::uint32_t id = 0;
  Command command = Command::kSync;
  std::uint32_t parameter = 0;
  std::string name{};  // of the network
};
std::string EncodeRequest(const Request& request);
std::string EncodeData(std::string_view data);
std::string EncodeAcknowledge();

struct Sync {
  std::uint32_t version = 0;  // major << 8 | minor
};
struct SystemInfo {
  std::uint32_t device_id = 0;
  std::uint32_t core_hz = 0;
  std::uint32_t packet_bytes = 0;  // of each packet from now on; 0: as before
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
};
struct NetworkInfo {
  std::string name;
  std::string runtime;
  std::uint32_t inputs = 0;
  std::uint32_t outputs = 0;
};

struct Response {
  std::uint32_t request_id = 0;
  State state = State::kIdle;
  std::variant<std::monostate, Sync, SystemInfo, Acknowledge, Log, Operator, Tensor, NetworkInfo> payload{};
};
// UNAVAILABLE: no such message. Payloads that are not known are std::monostate.
Result<Response> DecodeResponse(std::string_view message);

// "invalid size" for 1.
std::string ErrorName(std::uint32_t error);

}  // namespace paddock::stm32msg
