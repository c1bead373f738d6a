#include "device_drivers/mcu/stm32msg.h"

#include <functional>
#include <iterator>
#include <utility>

#include "device_drivers/mcu/protobuf_wire.h"

namespace paddock::stm32msg {
namespace {

constexpr std::size_t kMaxCounters = 1024;
constexpr std::size_t kMaxInputs = 1024;

// Each false when the field is of another kind.
bool ReadWord(const WireField& field, std::uint32_t* word) {
  *word = static_cast<std::uint32_t>(field.value);
  return field.kind == WireKind::kVarint;
}
bool ReadFloat(const WireField& field, float* number) {
  *number = FloatOf(field);
  return field.kind == WireKind::kFixed32;
}
template <typename Bytes>
bool ReadBytes(const WireField& field, Bytes* bytes) {
  *bytes = field.bytes;
  return field.kind == WireKind::kBytes;
}

// Calls `read` for each field until it says false; false then, and when the message is damaged.
bool ReadFields(std::string_view message, const std::function<bool(const WireField&)>& read) {
  WireReader reader(message);
  while (const auto field = reader.Next()) {
    if (!read(*field)) return false;
  }
  return !reader.is_damaged();
}

bool ReadSync(std::string_view message, Sync* sync) {
  return ReadFields(
      message, [&](const WireField& field) { return field.number != 1 || ReadWord(field, &sync->version); });
}

bool ReadSystemInfo(std::string_view message, SystemInfo* info) {
  return ReadFields(message, [&](const WireField& field) {
    if (field.number == 1) return ReadWord(field, &info->device_id);
    if (field.number == 2) return ReadWord(field, &info->core_hz);
    if (field.number == 5) return ReadWord(field, &info->packet_bytes);
    return true;
  });
}

bool ReadAcknowledge(std::string_view message, Acknowledge* acknowledge) {
  return ReadFields(message, [&](const WireField& field) {
    if (field.number == 1) return ReadWord(field, &acknowledge->parameter);
    if (field.number == 2) return ReadWord(field, &acknowledge->error);
    return true;
  });
}

bool ReadLog(std::string_view message, Log* log) {
  return ReadFields(
      message, [&](const WireField& field) { return field.number != 2 || ReadBytes(field, &log->text); });
}

// Counters are single words, or pairs of them, the low one first; those of type 0 count the processor's cycles.
bool ReadOperator(std::string_view message, Operator* found) {
  constexpr std::uint32_t kFlagsShift = 24;
  constexpr std::uint32_t kFormatShift = 16;
  constexpr std::uint32_t kSingleWords = 1;
  std::uint32_t type = 0;
  std::uint32_t counter_type = 0;
  std::vector<std::uint32_t> words;
  const bool is_whole = ReadFields(message, [&](const WireField& field) {
    if (field.number == 2) return ReadWord(field, &type);
    if (field.number == 4) return ReadFloat(field, &found->duration_ms);
    if (field.number == 5) return ReadWord(field, &counter_type);
    if (field.number == 6 && words.size() < kMaxCounters) return ReadWord(field, &words.emplace_back());
    return true;
  });
  found->is_network = type >> kFlagsShift == 0;
  if ((counter_type & 0xFFFF) != 0) return is_whole;
  const bool are_single = counter_type >> kFormatShift == kSingleWords;
  for (std::size_t i = 0; i < words.size(); i += are_single ? 1 : 2) {
    std::uint64_t cycles = words[i];
    if (!are_single && i + 1 < words.size()) cycles |= std::uint64_t{words[i + 1]} << 32;
    found->cycles.push_back(cycles);
  }
  return is_whole;
}

bool ReadTensor(std::string_view message, Tensor* tensor) {
  std::string_view data;
  return ReadFields(message,
                    [&](const WireField& field) { return field.number != 2 || ReadBytes(field, &data); }) &&
         ReadFields(data, [&](const WireField& field) {
           return field.number != 4 || ReadBytes(field, &tensor->data);
         });
}

// Of version 2: an output, or one of the layers, whose data are not read.
bool ReadNode(std::string_view message, Response* response) {
  constexpr std::uint32_t kKindShift = 16;
  constexpr std::uint32_t kOutput = 0;
  std::uint32_t type = 0;
  Tensor output;
  std::string_view buffer;
  const bool is_whole = ReadFields(message,
                                   [&](const WireField& field) {
                                     if (field.number == 1) return ReadWord(field, &type);
                                     if (field.number == 3) return ReadFloat(field, &output.duration_ms);
                                     if (field.number == 4) return ReadBytes(field, &buffer);
                                     return true;
                                   }) &&
                        ReadFields(buffer, [&](const WireField& field) {
                          return field.number != 2 || ReadBytes(field, &output.data);
                        });
  if (type >> kKindShift == kOutput) {
    response->payload = std::move(output);
  } else {
    response->payload = Operator{.is_network = false, .duration_ms = output.duration_ms};
  }
  return is_whole;
}

// Of version 2. Its number is of the form major << 24 | minor << 16 | micro << 8.
bool ReadOldNetworkInfo(std::string_view message, NetworkInfo* info) {
  std::uint32_t version = 0;
  std::string_view revision;
  const bool is_whole = ReadFields(message, [&](const WireField& field) {
    if (field.number == 1) return ReadBytes(field, &info->name);
    if (field.number == 5) return ReadBytes(field, &revision);
    if (field.number == 6) return ReadWord(field, &version);
    if (field.number == 13) return ReadWord(field, &info->inputs);
    if (field.number == 14) return ReadWord(field, &info->outputs);
    if (field.number == 16 && info->input_shapes.size() < kMaxInputs)
      return ReadBytes(field, &info->input_shapes.emplace_back());
    return true;
  });
  info->runtime = std::to_string(version >> 24) + "." + std::to_string(version >> 16 & 0xFF) + "." +
                  std::to_string(version >> 8 & 0xFF) + " " + std::string(revision);
  return is_whole;
}

bool ReadNetworkInfo(std::string_view message, NetworkInfo* info) {
  return ReadFields(message, [&](const WireField& field) {
    if (field.number == 1) return ReadBytes(field, &info->name);
    if (field.number == 10) return ReadWord(field, &info->inputs);
    if (field.number == 12) return ReadWord(field, &info->outputs);
    if (field.number == 20) return ReadBytes(field, &info->runtime);
    return true;
  });
}

template <typename Payload>
bool ReadPayload(bool (*read)(std::string_view, Payload*), const WireField& field, Response* response) {
  Payload payload;
  if (field.kind != WireKind::kBytes || !read(field.bytes, &payload)) return false;
  response->payload = std::move(payload);
  return true;
}

bool ReadState(const WireField& field, State* state) {
  std::uint32_t word = 0;
  const bool is_word = ReadWord(field, &word);
  *state = static_cast<State>(word);
  return is_word;
}

bool ReadResponseField(const WireField& field, Response* response) {
  switch (field.number) {
    case 1:
      return ReadWord(field, &response->request_id);
    case 2:
      return ReadState(field, &response->state);
    case 10:
      return ReadPayload(ReadSync, field, response);
    case 11:
      return ReadPayload(ReadSystemInfo, field, response);
    case 12:
      return ReadPayload(ReadAcknowledge, field, response);
    case 13:
      return ReadPayload(ReadLog, field, response);
    case 14:
      return field.kind == WireKind::kBytes && ReadNode(field.bytes, response);
    case 16:
      return ReadPayload(ReadOperator, field, response);
    case 17:
      return ReadPayload(ReadTensor, field, response);
    case 20:
      return ReadPayload(ReadOldNetworkInfo, field, response);
    case 22:
      return ReadPayload(ReadNetworkInfo, field, response);
    default:
      return true;
  }
}

}  // namespace

std::string EncodeRequest(const Request& request) {
  std::string message;
  AppendNumberField(1, request.id, &message);
  AppendNumberField(2, static_cast<std::uint32_t>(request.command), &message);
  AppendNumberField(3, request.parameter, &message);
  AppendBytesField(4, request.name, &message);
  AppendNumberField(5, 0, &message);
  return message;
}

std::string EncodeData(std::string_view data) {
  std::string message;
  AppendNumberField(1, 0, &message);
  AppendNumberField(2, data.size(), &message);
  AppendNumberField(3, 0, &message);
  AppendBytesField(4, data, &message);
  return message;
}

std::string EncodeShapedData(std::string_view shape, std::string_view data) {
  std::string message;
  AppendBytesField(1, shape, &message);
  AppendBytesField(2, data, &message);
  return message;
}

std::string EncodeAcknowledge() {
  std::string message;
  AppendNumberField(1, 0, &message);
  AppendNumberField(2, 0, &message);
  return message;
}

Result<Response> DecodeResponse(std::string_view message) {
  Response response;
  const bool is_whole =
      ReadFields(message, [&](const WireField& field) { return ReadResponseField(field, &response); });
  if (is_whole && !message.empty()) return response;
  return UnavailableError("the board's message of " + std::to_string(message.size()) +
                          " bytes is damaged, or none of stm32msg");
}

std::string ErrorName(std::uint32_t error) {
  constexpr std::string_view kNames[] = {
      "none",          "invalid size",    "invalid format",  "invalid state", "invalid parameter",
      "invalid shape", "invalid command", "not initialized", "no memory"};
  return error < std::size(kNames) ? std::string(kNames[error]) : "error " + std::to_string(error);
}

}  // namespace paddock::stm32msg
