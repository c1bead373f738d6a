// Firmware around a network written by hand, on a board that QEMU emulates. Skips without compiler or emulator.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "boards/known_boards.h"
#include "device_drivers/mcu/emulator.h"
#include "device_drivers/mcu/frame_codec.h"
#include "prepare/firmware/build_firmware.h"
#include "prepare/firmware/toolchain.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {

// Two inputs of 4 and 8 bytes. Outputs: the sum of both as int8, and how often it ran, as float32. The first byte of the input
// can make it misbehave.
inline constexpr const char* kSumNetwork = R"(
#include "network.h"
static struct { int8_t first[4]; uint8_t second[8]; int8_t sum; float runs; } arena;
static float runs;
const char network_name[] = "sum";
const uint32_t network_input_count = 2;
const network_tensor network_inputs[] = {{"first", NETWORK_INT8, 4, arena.first, 0.5f, 3},
                                         {"second", NETWORK_UINT8, 8, arena.second, 0.5f, 0}};
const uint32_t network_output_count = 2;
const network_tensor network_outputs[] = {{"sum", NETWORK_INT8, 1, &arena.sum, 0.25f, -1},
                                          {"runs", NETWORK_FLOAT32, 4, &arena.runs, 0, 0}};
const uint32_t network_layer_count = 3;
static int deeper(const volatile int *above, int depth) {
  volatile int here[64];
  here[0] = depth + above[0];
  return depth == 0 ? here[0] : deeper(here, depth - 1) + here[0];
}
static void misbehave(int how) {
  const int zero = 0;
  if (how == 101) ((void (*)(void))0x90000000)();
  if (how == 102) arena.sum = (int8_t)deeper(&zero, 1000);
  if (how == 103) *(volatile uint32_t *)0xE000ED08 = 0x90000000, misbehave(101);
  if (how == 104) for (volatile int i = 0; i < 1000000; ++i) {}
}
void network_run_with_hook(network_layer_hook hook) {
  int sum = 0;
  misbehave(arena.first[0]);
  if (hook) hook(0);
  for (int i = 0; i < 4; ++i) sum += arena.first[i];
  if (hook) hook(1);
  for (int i = 0; i < 8; ++i) sum += arena.second[i];
  if (hook) hook(2);
  arena.sum = (int8_t)sum;
  arena.runs = runs += 1;
  if (hook) hook(3);
}
void network_run(void) { network_run_with_hook(0); }
)";

// What ST's protocol tells of it.
inline constexpr const char* kSumTable = R"(
#include "model.h"
static const uint32_t four[] = {1, 4}, eight[] = {2, 4}, one[] = {1};
const model_tensor model_inputs[] = {{"first", 0x00840440, 2, four, 0.5f, 3, 4, 0}, {"second", 0x00040440, 2, eight, 0.5f, 0, 8, 4}};
const model_tensor model_outputs[] = {{"sum", 0x00840440, 1, one, 0.25f, -1, 1, 12}, {"runs", 0x00821040, 1, one, 0, 0, 4, 16}};
const model_tensor model_layers[] = {{"a", 0x00840440, 1, one, 0.25f, -1, 1, 12}, {"b", 0x00840440, 1, one, 0.25f, -1, 1, 12},
                                     {"c", 0x00840440, 1, one, 0.25f, -1, 1, 12}};
const uint64_t model_multiply_accumulates = 5000000000;
const uint32_t model_arena_bytes = 20, model_constant_bytes = 7;
)";

inline NetworkFacts SumFacts() {
  NetworkFacts facts;
  facts.name = "sum";
  facts.inputs = {{"first", ElementType::kInt8, {1, 4}, Quantization{0.5, 3}},
                  {"second", ElementType::kUint8, {1, 8}, Quantization{0.5, 0}}};
  facts.outputs = {{"sum", ElementType::kInt8, {1, 1}, Quantization{0.25, -1}},
                   {"runs", ElementType::kFloat32, {1, 1}}};
  facts.layers = {{"a", "Add", 4, 0}, {"b", "Add", 8, 0}, {"c", "Cast", 0, 0}};
  return facts;
}

inline bool SkipWithout(const Status& status) {
  if (!status.ok()) WARN("skipped: " << status.message());
  return !status.ok();
}

// Of the network above; built once for each board of a test program.
inline std::string ImageFor(const std::string& board) {
  static const TempDir folder;
  static std::map<std::string, std::string> images;
  std::string& path = images[board];
  if (path.empty()) {
    path = folder / (board + ".elf");
    const auto facts = BuildFirmware(kSumNetwork, SumFacts(), *FindKnownBoard(board), {}, path);
    REQUIRE(facts.status().ToString() == "OK");
  }
  return path;
}

// A board from power-on to the end of the object.
class BoardOnLine {
 public:
  explicit BoardOnLine(const std::string& board) : BoardOnLine(board, ImageFor(board)) {}
  BoardOnLine(const std::string& board, const std::string& image) {
    const auto known = FindEmulatedBoard(board);
    REQUIRE(known.ok());
    auto emulator = StartEmulator(**known, image, LineBytes::kAhead, Limit());
    REQUIRE(emulator.status().ToString() == "OK");
    emulator_ = std::move(*emulator);
    line_ = emulator_->TakeLine();
  }

  // What the board says up to and with `end`.
  std::string Until(std::string_view end) {
    const Deadline deadline = Limit();
    while (pending_.find(end) == std::string::npos) {
      REQUIRE_FALSE(deadline.passed());
      REQUIRE(line_->Read(&pending_, deadline).ToString() == "OK");
    }
    const std::size_t size = pending_.find(end) + end.size();
    const std::string said = pending_.substr(0, size);
    pending_.erase(0, size);
    return said;
  }
  // Whether something comes soon.
  bool HearsSomething() {
    REQUIRE(line_->Read(&pending_, Deadline::After(std::chrono::seconds(2))).ToString() == "OK");
    return !pending_.empty();
  }
  // The next `count` bytes.
  std::string Take(std::size_t count) {
    const Deadline deadline = Limit();
    while (pending_.size() < count) {
      REQUIRE_FALSE(deadline.passed());
      REQUIRE(line_->Read(&pending_, deadline).ToString() == "OK");
    }
    const std::string said = pending_.substr(0, count);
    pending_.erase(0, count);
    return said;
  }
  void Send(const std::string& bytes) { REQUIRE(line_->Write(bytes, Limit()).ToString() == "OK"); }
  // To a command without its '%': what comes before m-ready.
  std::string Ask(const std::string& command) {
    Send(command + "%");
    const std::string said = Until("m-ready\r\n");
    return said.substr(0, said.size() - std::string_view("m-ready\r\n").size());
  }
  Frame Answer() {
    Until(std::string_view("\0", 1));
    const std::string content = Until(std::string_view("\0", 1));
    const auto frame = DecodeFrame(std::string_view(content).substr(0, content.size() - 1));
    REQUIRE(frame);
    return *frame;
  }
  Frame Exchange(std::uint8_t type, std::uint8_t sequence, const std::string& payload) {
    Send(EncodeFrame({type, sequence, payload}));
    Frame answer = Answer();
    CHECK(answer.type == (type | kFrameAnswer));
    CHECK(answer.sequence == sequence);
    REQUIRE_FALSE(answer.payload.empty());
    return answer;
  }
  Emulator& emulator() { return *emulator_; }
  Line& line() { return *line_; }

  static Deadline Limit() { return Deadline::After(std::chrono::seconds(60)); }

 private:
  std::unique_ptr<Emulator> emulator_;
  std::unique_ptr<Line> line_;
  std::string pending_;
};

}  // namespace paddock
