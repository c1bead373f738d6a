// A microcontroller board at the other end of a pseudo terminal, played by a thread: speaks the EEMBC text and the frames of
// docs/mcu_protocol.md, and misbehaves as it is told. Its network adds 1, 2, 3 and 4 to each of its input's first four bytes.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "device_drivers/mcu/frame_codec.h"
#include "tests/fakes/pseudo_terminal.h"

namespace paddock {

struct FakeBoardScript {
  std::string name = "fake-board";
  std::string model = "adder";
  std::size_t input_bytes = 600;
  bool knows_frames = true;
  bool echoes = false;
  // In front of each message and without a newline, as debug text of vendors is.
  std::string glue{};
  // Instead of the board's own answer to a text command (without '%'); nothing: the board's own.
  std::function<std::optional<std::string>(const std::string& command)> answer{};
  // What becomes of bytes on the line; both directions.
  std::function<std::string(const std::string& bytes)> noise{};
  // "infer": when it is asked to compute, by text or by frame.
  enum class Fault { kNone, kSilent, kRestartsOnInfer, kHangsOnInfer, kFloodsOnInfer, kUnpluggedOnInfer };
  Fault fault = Fault::kNone;
};

class FakeBoard {
 public:
  explicit FakeBoard(FakeBoardScript script = {}) : script_(std::move(script)) {
    input_.resize(script_.input_bytes);
    thread_ = std::thread([this] { Play(); });
  }
  FakeBoard(const FakeBoard&) = delete;
  FakeBoard& operator=(const FakeBoard&) = delete;
  ~FakeBoard() {
    stop_ = true;
    thread_.join();
  }

  std::string link() const { return "pty:" + terminal_.path(); }
  const std::string& path() const { return terminal_.path(); }
  void Mend() { fault_is_mended_ = true; }
  int inferences() const { return inferences_; }
  std::vector<std::string> commands() const {
    const std::lock_guard lock(mutex_);
    return commands_;
  }

 private:
  using Fault = FakeBoardScript::Fault;
  Fault fault() const { return fault_is_mended_ ? Fault::kNone : script_.fault; }

  void Play() {
    while (!stop_ && terminal_.fd() >= 0) {
      pollfd ready{terminal_.fd(), POLLIN, 0};
      if (::poll(&ready, 1, 2) <= 0 || fault() == Fault::kSilent) continue;
      char buffer[4096];
      const ssize_t size = ::read(terminal_.fd(), buffer, sizeof buffer);
      if (size <= 0) continue;
      std::string bytes(buffer, static_cast<std::size_t>(size));
      if (script_.noise) bytes = script_.noise(bytes);
      for (const char byte : bytes) Take(byte);
    }
  }

  void Say(std::string bytes) {
    if (script_.noise) bytes = script_.noise(bytes);
    std::size_t said = 0;
    while (!stop_ && terminal_.fd() >= 0 && said < bytes.size()) {
      const ssize_t written = ::write(terminal_.fd(), bytes.data() + said, bytes.size() - said);
      if (written > 0) {
        said += static_cast<std::size_t>(written);
      } else {
        pollfd ready{terminal_.fd(), POLLOUT, 0};
        ::poll(&ready, 1, 2);
      }
    }
  }
  void SayLine(const std::string& line) { Say(script_.glue + line + "\r\n"); }

  // As the firmware does it: a zero begins a frame, and ends one that is not empty.
  void Take(char byte) {
    if (byte == 0 && script_.knows_frames) {
      if (is_in_frame_ && !frame_.empty()) {
        is_in_frame_ = false;
        if (const auto request = DecodeFrame(frame_)) Answer(*request);
        command_.clear();
      } else {
        is_in_frame_ = true;
      }
      frame_.clear();
    } else if (is_in_frame_) {
      frame_.push_back(byte);
    } else {
      if (script_.echoes) Say(std::string(1, byte));
      if (byte != '%') {
        command_.push_back(byte);
        return;
      }
      {
        const std::lock_guard lock(mutex_);
        commands_.push_back(command_);
      }
      Answer(std::exchange(command_, {}));
    }
  }

  void Answer(const std::string& command) {
    if (const auto own = script_.answer ? script_.answer(command) : std::nullopt) return Say(*own);
    if (command == "name") {
      SayLine("m-name-dut-[" + script_.name + "]");
    } else if (command == "profile") {
      SayLine("m-profile-[a fake]");
      SayLine("m-model-[" + script_.model + "]");
    } else if (command == "x-paddock" && script_.knows_frames) {
      SayLine("m-x-paddock-1-[counter=dwt,hz=100000000,data=256]");
    } else if (command.starts_with("x-mode ") && script_.knows_frames) {
      is_energy_mode_ = command == "x-mode energy";
      SayLine("m-timestamp-mode-" + command.substr(7));
    } else if (command.starts_with("db load ")) {
      expected_ = static_cast<std::size_t>(std::atoi(command.c_str() + 8));
      loaded_ = 0;
      if (expected_ <= input_.size())
        SayLine("m-[Expecting " + std::to_string(expected_) + " bytes]");
      else
        Say("Supplied buffer size exceeds maximum of " + std::to_string(input_.size()) + "\n");
    } else if (command.starts_with("db ")) {
      LoadHex(command.substr(3));
    } else if (command.starts_with("infer ")) {
      if (InferText(std::atoi(command.c_str() + 6))) return;
    } else if (command == "results") {
      SayResults();
    } else {
      SayLine("e-[Unknown command: " + command + "]");
    }
    SayLine("m-ready");
  }

  void LoadHex(const std::string& digits) {
    for (std::size_t i = 0; i + 1 < digits.size() && loaded_ < expected_; i += 2) {
      char* end = nullptr;
      const std::string pair = digits.substr(i, 2);
      const long value = std::strtol(pair.c_str(), &end, 16);
      if (*end != '\0') return SayLine("e-[Invalid hex digit '" + pair + "']");
      input_[loaded_++] = static_cast<char>(value);
      if (loaded_ == expected_) SayLine("m-load-done");
    }
  }

  // Whether it does not come to an answer. The first inference of all is well.
  bool Misbehave() {
    if (inferences_ == 0) return false;
    switch (fault()) {
      case Fault::kRestartsOnInfer:
        Say("m-timestamp-mode-performance\r\nm-lap-us-7\r\nm-init-done\r\nm-ready\r\n");
        return true;
      case Fault::kHangsOnInfer:
        while (!stop_ && !fault_is_mended_) ::usleep(1000);
        return true;
      case Fault::kFloodsOnInfer:
        while (!stop_ && !fault_is_mended_)
          Say("debug: 0123456789 \x01\x02 and no end of it, with or without a line");
        return true;
      case Fault::kUnpluggedOnInfer:
        terminal_.Unplug();
        return true;
      default:
        return false;
    }
  }

  bool InferText(int count) {
    SayLine("m-warmup-start-0");
    SayLine("m-warmup-done");
    SayLine("m-infer-start-" + std::to_string(count));
    if (!is_energy_mode_) SayLine("m-lap-us-4294967000");  // the clock wraps
    if (Misbehave()) return true;
    inferences_ += count;
    if (!is_energy_mode_) SayLine("m-lap-us-" + std::to_string(2000 * count - 296));
    SayLine("m-infer-done");
    SayResults();
    return false;
  }

  void SayResults() {
    std::string list;
    for (const std::uint8_t byte : Output()) list += (list.empty() ? "" : ",") + std::to_string(byte * 0.5);
    SayLine("m-results-[" + list + "]");
  }

  std::vector<std::uint8_t> Output() const {
    std::vector<std::uint8_t> output;
    for (std::size_t i = 0; i < 4; ++i)
      output.push_back(static_cast<std::uint8_t>(static_cast<std::uint8_t>(input_[i]) + i + 1));
    return output;
  }

  void Answer(const Frame& request) {
    const bool is_repeated = request.sequence != 0 && request.sequence == last_sequence_;
    last_sequence_ = request.sequence;
    std::string data(1, '\0');
    const std::string_view payload = request.payload;
    if (request.type == 1 && payload.size() >= 5) {
      const std::size_t offset = ReadLittleEndian(payload.substr(1, 4));
      if (payload[0] != 0 || offset + payload.size() - 5 > input_.size())
        data[0] = 3;
      else
        input_.replace(offset, payload.size() - 5, payload.substr(5));
    } else if (request.type == 2 && payload.size() == 8) {
      const auto count = ReadLittleEndian(payload.substr(0, 4));
      if (Misbehave()) return;
      if (!is_repeated) inferences_ += static_cast<int>(count);
      AppendLittleEndian(200'000 * count, 8, &data);  // 2 ms each
    } else if (request.type == 3 && payload.size() == 7) {
      const std::vector<std::uint8_t> output = Output();
      const std::size_t offset = ReadLittleEndian(payload.substr(1, 4));
      const std::size_t length = ReadLittleEndian(payload.substr(5, 2));
      if (offset + length > output.size())
        data[0] = 3;
      else
        data.append(reinterpret_cast<const char*>(output.data()) + offset, length);
    } else if (request.type == 4) {  // three layers, two in a frame
      const std::uint64_t first = ReadLittleEndian(payload);
      const std::uint64_t layers = first == 0 ? 2 : 1;
      AppendLittleEndian(layers, 2, &data);
      for (std::uint64_t i = 0; i < layers; ++i) AppendLittleEndian(1000 * (first + i + 1), 8, &data);
    } else {
      data[0] = 1;
    }
    Say(EncodeFrame({static_cast<std::uint8_t>(request.type | kFrameAnswer), request.sequence, data}));
  }

  const FakeBoardScript script_;
  PseudoTerminal terminal_;
  std::string command_;
  std::string frame_;
  bool is_in_frame_ = false;
  bool is_energy_mode_ = false;
  std::uint8_t last_sequence_ = 0;
  std::string input_;
  std::size_t expected_ = 0;
  std::size_t loaded_ = 0;
  std::atomic<int> inferences_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> commands_;
  std::atomic<bool> fault_is_mended_{false};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace paddock
