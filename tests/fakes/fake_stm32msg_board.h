// A board with ST's firmware aiValidation at the other end of a pseudo terminal, played by a thread: packets as its aiPbIO.c reads
// and writes them, with headers of one byte or of two, and messages of version 2 or 3. Its network adds 1 to each byte of each of its
// inputs, which are its outputs.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "device_drivers/mcu/protobuf_wire.h"
#include "tests/fakes/pseudo_terminal.h"

namespace paddock {

class FakeStm32msgBoard {
 public:
  explicit FakeStm32msgBoard(std::size_t header_bytes, std::uint32_t version = 0x301,
                             std::uint32_t tensors = 1)
      : header_bytes_(header_bytes), version_(version), tensors_(tensors) {
    thread_ = std::thread([this] { Play(); });
  }
  ~FakeStm32msgBoard() {
    stop_ = true;
    thread_.join();
  }
  std::string link() const { return "pty:" + terminal_.path(); }
  const std::string& path() const { return terminal_.path(); }
  // Set before the first session.
  std::atomic<bool> silent{false};
  std::atomic<std::uint32_t> missing_shapes{0};
  std::atomic<std::uint32_t> more_outputs{0};  // that it tells of and does not have
  std::atomic<std::uint32_t> packet_bytes{0};  // that it says it changes to
  std::atomic<std::uint32_t> tensor_bytes{4};
  std::atomic<int> pause_ms{0};  // before it asks for a packet, and between its own

 private:
  struct Stop {};

  void Play() try {
    while (true) {
      packet_.clear();
      Answer(ReadMessage());
    }
  } catch (const Stop&) {
  }

  std::string Raw(std::size_t bytes) {
    std::string raw;
    while (raw.size() < bytes) {
      if (stop_) throw Stop();
      pollfd ready{terminal_.fd(), POLLIN, 0};
      ::poll(&ready, 1, 2);
      char buffer[256];
      const ssize_t size = ::read(terminal_.fd(), buffer, std::min(sizeof buffer, bytes - raw.size()));
      if (size > 0) raw.append(buffer, static_cast<std::size_t>(size));
    }
    return raw;
  }
  void Pause() const { ::usleep(static_cast<useconds_t>(pause_ms) * 1000); }
  void Write(const std::string& bytes) {
    static_cast<void>(!::write(terminal_.fd(), bytes.data(), bytes.size()));
  }

  // The next byte of a message; asks for another packet within one.
  unsigned char Byte(bool is_first) {
    while (packet_.empty()) {
      if (!is_first || asked_) {
        Pause();
        Write("\xAA");
      }
      asked_ = true;
      const std::string raw = Raw(header_bytes_ + 32);
      const auto count = static_cast<unsigned char>(raw[header_bytes_ - 1]);
      packet_ = raw.substr(header_bytes_, count);
    }
    const auto byte = static_cast<unsigned char>(packet_.front());
    packet_.erase(0, 1);
    return byte;
  }

  std::string ReadMessage() {
    asked_ = false;
    std::size_t length = 0;
    for (unsigned shift = 0, more = 1; more != 0 && shift < 35; shift += 7) {
      const unsigned char byte = Byte(shift == 0);
      length |= std::size_t{byte & 0x7FU} << shift;
      more = byte & 0x80;
    }
    std::string message;
    while (message.size() < length) message.push_back(static_cast<char>(Byte(false)));
    return message;
  }

  static std::map<std::uint32_t, WireField> Fields(const std::string& message) {
    std::map<std::uint32_t, WireField> fields;
    WireReader reader(message);
    while (const auto field = reader.Next()) fields[field->number] = *field;
    return fields;
  }

  void Respond(std::uint32_t state, std::uint32_t field, const std::string& payload) {
    std::string message;
    AppendNumberField(1, request_id_, &message);
    AppendNumberField(2, state, &message);
    AppendBytesField(field, payload, &message);
    bool is_last = false;
    for (std::size_t at = 0; !is_last; at += 32) {
      const std::string part = message.substr(at, 32);
      is_last = part.size() < 32;
      std::string packet;
      if (header_bytes_ == 2) packet.push_back(is_last ? '\x80' : '\0');
      packet.push_back(static_cast<char>(part.size() | (is_last && header_bytes_ == 1 ? 0x80 : 0)));
      packet += part + std::string(32 - part.size(), '\0');
      if (!silent) Write(packet);
      if (!is_last) Pause();
    }
  }
  static std::string Numbers(std::initializer_list<std::uint64_t> values) {
    std::string message;
    std::uint32_t field = 0;
    for (const std::uint64_t value : values) AppendNumberField(++field, value, &message);
    return message;
  }

  void Answer(const std::string& message) {
    auto fields = Fields(message);
    if (!fields.contains(2) || !fields.contains(5)) return;  // no request
    request_id_ = static_cast<std::uint32_t>(fields[1].value);
    switch (fields[2].value) {
      case 0:
        return Respond(0, 10, Numbers({version_}));
      case 1:
        return Respond(0, 11, Numbers({0x470, 120'000'000, 60'000'000, 0, packet_bytes}));
      case 10: {
        Log("s:config");
        if (is_old()) return Respond(0, 20, OldInfo());
        std::string info;
        AppendBytesField(1, "network", &info);
        AppendNumberField(10, tensors_, &info);
        AppendNumberField(12, tensors_ + more_outputs, &info);
        AppendBytesField(20, "GCC 12.3", &info);
        return Respond(0, 22, info);
      }
      case 11:
        if (fields[4].bytes == "network" && fields[3].value == (is_old() ? 0 : 1)) return Run();
        return Respond(4, 12, Numbers({0, 4}));
      default:
        return Respond(4, 12, Numbers({0, 6}));
    }
  }

  void Log(const std::string& text) {
    std::string log;
    AppendNumberField(1, 1, &log);
    AppendBytesField(2, text, &log);
    Respond(0, 13, log);
    packet_.clear();
    ReadMessage();  // its acknowledgement
  }

  bool is_old() const { return version_ >> 8 == 2; }

  // Batches, height, width, channels, scale, zero point and, in 2.2, the address.
  std::string OldShape(std::uint32_t channels = 4) const {
    std::string shape = Numbers({0x00840440, 1, 1, 1, channels});
    AppendVarint(6 << 3 | 5, &shape);
    shape += std::string("\0\0\0\x3f", 4);
    AppendNumberField(7, ~std::uint64_t{0}, &shape);
    if (version_ == 0x202) AppendNumberField(8, 0x20000000, &shape);
    return shape;
  }
  std::string OldInfo() const {
    std::string info;
    for (const std::uint32_t field : {1U, 2U, 3U, 4U}) AppendBytesField(field, "network", &info);
    AppendBytesField(5, "abcd", &info);
    AppendNumberField(6, 0x07030000, &info);
    AppendNumberField(13, tensors_, &info);
    AppendNumberField(14, tensors_ + more_outputs, &info);
    for (std::uint32_t i = 0; i < tensors_ - missing_shapes; ++i) AppendBytesField(16, OldShape(), &info);
    for (std::uint32_t i = 0; i < tensors_; ++i) AppendBytesField(17, OldShape(), &info);
    AppendBytesField(18, OldShape(100), &info);
    return info;
  }

  // The error of ST's firmware, or 0.
  std::uint32_t CheckInput(const std::string& message) const {
    const auto fields = Fields(message);
    if (is_old() && !(fields.contains(1) && fields.at(1).bytes == OldShape())) return 5;
    return DataOf(message).size() == tensor_bytes ? 0 : 1;
  }
  std::string DataOf(const std::string& message) const {
    return std::string(Fields(message)[is_old() ? 2 : 4].bytes);
  }

  void Run() {
    Respond(1, 12, Numbers({0, 0}));
    std::vector<std::string> outputs;
    while (outputs.size() < tensors_) {
      packet_.clear();
      const std::string message = ReadMessage();
      if (const std::uint32_t error = CheckInput(message)) return Respond(4, 12, Numbers({error, error}));
      outputs.push_back(DataOf(message));
      for (char& byte : outputs.back()) ++byte;
      Respond(outputs.size() < tensors_ ? 1 : 2, 12, Numbers({tensor_bytes, 0}));
      packet_.clear();
      ReadMessage();
    }
    if (!is_old()) TellOperator();
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const std::uint32_t state = i + 1 < outputs.size() ? 2 : 3;
      if (!is_old()) {
        Respond(state, 17, Within(1, "") + Within(2, Within(4, outputs[i])));
        continue;
      }
      std::string node = Numbers({0, 0});
      AppendVarint(3 << 3 | 5, &node);
      Respond(state, 14, node + k1750Us + Within(4, Within(1, OldShape()) + Within(2, outputs[i])));
      packet_.clear();
      if (state == 2) ReadMessage();
    }
  }
  void TellOperator() {
    std::string operation;
    AppendBytesField(1, "network", &operation);
    AppendNumberField(2, 0, &operation);
    AppendVarint(4 << 3 | 5, &operation);
    operation += k1750Us;
    AppendNumberField(5, 0, &operation);
    AppendNumberField(6, 210'000, &operation);
    AppendNumberField(6, 0, &operation);
    Respond(2, 16, operation);
  }
  static std::string Within(std::uint32_t field, const std::string& bytes) {
    std::string message;
    AppendBytesField(field, bytes, &message);
    return message;
  }

  const std::string k1750Us{"\0\0\xe0\x3f", 4};  // as a float of milliseconds
  const std::size_t header_bytes_;
  const std::uint32_t version_;
  const std::uint32_t tensors_;
  PseudoTerminal terminal_;
  std::string packet_;
  bool asked_ = false;
  std::uint32_t request_id_ = 0;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace paddock
