#include "device_drivers/mcu/stm32msg.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "device_drivers/mcu/protobuf_wire.h"
#include "mcu_fixture.h"
#include "tests/fakes/fake_stm32msg_board.h"
#include "tests/fakes/growing_patience.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

TEST_CASE("fields are written and read as Protocol Buffers define them", "[mcu][stm32msg]") {
  std::string message;
  AppendNumberField(1, 150, &message);  // the first example of the encoding's documentation
  CHECK(message == "\x08\x96\x01");
  AppendBytesField(2, "testing", &message);
  AppendNumberField(1000, ~std::uint64_t{0}, &message);
  message += std::string("\x25\x00\x00\xc0\x3f", 5);  // field 4, float 1.5
  WireReader reader(message);
  CHECK(reader.Next()->value == 150);
  CHECK(reader.Next()->bytes == "testing");
  const auto large = reader.Next();
  CHECK(large->number == 1000);
  CHECK(large->value == ~std::uint64_t{0});
  CHECK(FloatOf(*reader.Next()) == 1.5F);
  CHECK_FALSE(reader.Next());
  CHECK_FALSE(reader.is_damaged());
}

TEST_CASE("damaged fields end the reading", "[mcu][stm32msg]") {
  for (const std::string& message :
       {std::string("\x08"), std::string("\x08\x96"), std::string("\x12\x07test"), std::string("\x25\0\0", 3),
        std::string("\0\0", 2), std::string("\x0b"), std::string("\x0f\x01"), std::string("\x09\x01"),
        std::string(1, '\x08') + std::string(11, '\xff')}) {
    WireReader reader(message);
    CHECK_FALSE(reader.Next());
    CHECK(reader.is_damaged());
    CHECK_FALSE(reader.Next());
  }
}

TEST_CASE("what the board answers is read, and what is damaged is refused", "[mcu][stm32msg]") {
  std::string operation;
  AppendNumberField(2, std::uint64_t{1} << 24, &operation);  // of a layer
  AppendNumberField(5, std::uint64_t{1} << 16, &operation);  // single words
  AppendNumberField(6, 7, &operation);
  AppendNumberField(6, 9, &operation);
  std::string message;
  AppendNumberField(1, 12, &message);
  AppendNumberField(2, 2, &message);
  AppendBytesField(16, operation, &message);
  const auto response = stm32msg::DecodeResponse(message);
  REQUIRE(response.ok());
  CHECK(response->request_id == 12);
  CHECK(response->state == stm32msg::State::kProcessing);
  const auto* const layer = std::get_if<stm32msg::Operator>(&response->payload);
  REQUIRE(layer != nullptr);
  CHECK_FALSE(layer->is_network);
  CHECK(layer->cycles == std::vector<std::uint64_t>{7, 9});
  CHECK(stm32msg::DecodeResponse(message.substr(0, message.size() - 1)).status().code() ==
        StatusCode::kUnavailable);
  CHECK(stm32msg::DecodeResponse("").status().code() == StatusCode::kUnavailable);
  CHECK(stm32msg::ErrorName(1) == "invalid size");
  CHECK(stm32msg::ErrorName(10) == "error 10");
}

TEST_CASE("a field of another kind than it should be damages the message", "[mcu][stm32msg]") {
  std::string sync;
  AppendNumberField(1, 0x301, &sync);
  std::string message;
  AppendBytesField(10, sync, &message);
  CHECK(stm32msg::DecodeResponse(message).ok());
  std::string number;
  AppendNumberField(10, 2, &number);  // the tag is damaged by one bit, and the length is taken for a number
  CHECK(stm32msg::DecodeResponse(number).status().code() == StatusCode::kUnavailable);
  for (const std::uint32_t field : {14U, 16U, 17U, 22U}) {
    std::string other;
    AppendNumberField(field, 2, &other);
    CHECK_FALSE(stm32msg::DecodeResponse(other).ok());
  }
  std::string text;
  AppendBytesField(1, "12", &text);  // a request's number
  CHECK_FALSE(stm32msg::DecodeResponse(text).ok());
  std::string within;
  AppendBytesField(10, text, &within);  // a version
  CHECK_FALSE(stm32msg::DecodeResponse(within).ok());
  std::string operation;
  AppendNumberField(4, 1, &operation);  // a duration
  within.clear();
  AppendBytesField(16, operation, &within);
  CHECK_FALSE(stm32msg::DecodeResponse(within).ok());
}

SessionRequest FourBytes(int bytes = 4, std::size_t tensors = 1) {
  SessionRequest request;
  request.artifact_kind = "tflite";
  request.inputs.assign(tensors, {"in", ElementType::kInt8, {1, bytes}});
  request.outputs.assign(tensors, {"out", ElementType::kInt8, {1, 4}});
  return request;
}

const DriverOptions kStOptions = {{"mode", "existing"}, {"protocol", "stm32msg"}};

Result<std::vector<int>> RunFour(const Opened& opened, int bytes = 4) {
  PADDOCK_RETURN_IF_ERROR(opened.status);
  std::vector<std::vector<std::byte>> inputs;
  std::vector<TensorView> views;
  for (std::size_t i = 0; i < opened.session->Inputs().size(); ++i)
    inputs.emplace_back(static_cast<std::size_t>(bytes), static_cast<std::byte>(41 + i));
  for (const auto& input : inputs) views.push_back({ElementType::kInt8, {1, bytes}, input});
  PADDOCK_ASSIGN_OR_RETURN(const std::uint32_t query, opened.session->Bind(views));
  PADDOCK_RETURN_IF_ERROR(opened.session->Invoke(query));
  return Numbers(opened.session->ReadOutputs());
}

TEST_CASE("ST's firmware is driven, whether its packets have headers of one byte or of two",
          "[mcu][stm32msg]") {
  for (const std::size_t header_bytes : {1U, 2U}) {
    const FakeStm32msgBoard board(header_bytes);
    for (int session = 0; session < 2; ++session) {
      const Opened opened = OpenOn(board.link(), kStOptions, FourBytes());
      REQUIRE(opened.status.ToString() == "OK");
      for (int run = 0; run < 3; ++run) CHECK(*RunFour(opened) == std::vector{42, 42, 42, 42});
      CHECK(opened.session->DeviceTimeNs() == 1'750'000);
      CHECK(opened.session->Cycles() == 630'000);
      const auto options = opened.session->EffectiveOptions();
      CHECK(options.at("protocol") == "stm32msg 3.1");
      CHECK(options.at("firmware_name") == "device 0x470 at 120000000 Hz");
      CHECK(options.at("firmware_model") == "network");
      CHECK(opened.session->InvokeBetweenEdges(0, 5).code() == StatusCode::kUnimplemented);
    }
  }
}

TEST_CASE("ST's firmware of version 2 is found out and driven", "[mcu][stm32msg]") {
  for (const std::uint32_t version : {0x201U, 0x202U}) {
    const FakeStm32msgBoard board(1, version);
    for (int session = 0; session < 2; ++session) {
      const Opened opened = OpenOn(board.link(), kStOptions, FourBytes());
      REQUIRE(opened.status.ToString() == "OK");
      CHECK_FALSE(opened.session->Cycles());
      for (int run = 0; run < 3; ++run) CHECK(*RunFour(opened) == std::vector{42, 42, 42, 42});
      CHECK(opened.session->DeviceTimeNs() == 1'750'000);
      CHECK_FALSE(opened.session->Cycles());
      const auto options = opened.session->EffectiveOptions();
      CHECK(options.at("protocol") == "stm32msg 2." + std::to_string(version & 0xFF));
      CHECK(options.at("firmware_profile") == "7.3.0 abcd");
      CHECK(options.at("firmware_model") == "network");
    }
  }
}

TEST_CASE("several inputs and outputs of a board of ST's are exchanged in their order", "[mcu][stm32msg]") {
  for (const std::uint32_t version : {0x202U, 0x301U}) {
    const FakeStm32msgBoard board(1, version, 3);
    {
      const Opened opened = OpenOn(board.link(), kStOptions, FourBytes(4, 3));
      for (int run = 0; run < 2; ++run)
        CHECK(*RunFour(opened) == std::vector{42, 42, 42, 42, 43, 43, 43, 43, 44, 44, 44, 44});
    }
    CHECK(RunFour(OpenOn(board.link(), kStOptions, FourBytes())).status().code() ==
          StatusCode::kInvalidArgument);
  }
}

TEST_CASE("a node of version 2 is an output or a layer, and what is damaged in it is refused",
          "[mcu][stm32msg]") {
  for (const std::uint64_t kind : {0U, 1U, 2U}) {
    std::string buffer;
    AppendBytesField(2, "data", &buffer);
    std::string node;
    AppendNumberField(1, kind << 16 | 7, &node);
    AppendBytesField(4, buffer, &node);
    std::string message;
    AppendNumberField(2, 3, &message);
    AppendBytesField(14, node, &message);
    const auto response = stm32msg::DecodeResponse(message);
    REQUIRE(response.ok());
    const auto* const output = std::get_if<stm32msg::Tensor>(&response->payload);
    CHECK((output != nullptr) == (kind == 0));
    if (output != nullptr) CHECK(output->data == "data");
    message[message.size() - 5] = '\x05';  // longer than the buffer
    CHECK_FALSE(stm32msg::DecodeResponse(message).ok());
  }
}

TEST_CASE("a board that a host left within a message of stm32msg is brought back", "[mcu][stm32msg]") {
  for (const std::size_t header_bytes : {1U, 2U}) {
    const FakeStm32msgBoard board(header_bytes);
    std::string packet(header_bytes - 1, '\0');
    packet += '\x20';
    packet += "\x78";  // a message of 120 bytes, of which these are the first
    packet.resize(header_bytes + 32, '\1');
    const int port = ::open(board.path().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(::write(port, packet.data(), packet.size()) == static_cast<ssize_t>(packet.size()));
    ::close(port);
    const auto outputs = RunFour(OpenOn(board.link(), kStOptions, FourBytes()));
    INFO(header_bytes << " " << outputs.status().ToString());
    CHECK(outputs.ok());
  }
}

TEST_CASE("a message may take longer than the board may be silent", "[mcu][stm32msg]") {
  for (const std::uint32_t version : {0x202U, 0x301U}) {
    std::string outcome;
    WithGrowingPatience([&](int patience) {
      FakeStm32msgBoard board(1, version);
      board.tensor_bytes = 320;
      board.pause_ms = 15 * patience;
      DriverOptions options = kStOptions;
      options["answer_timeout_s"] = std::to_string(0.1 * patience);
      SessionRequest request = FourBytes(320);
      request.outputs = request.inputs;
      const auto outputs = RunFour(OpenOn(board.link(), options, request), 320);
      outcome = outputs.status().ToString();
      if (outputs.ok()) CHECK(*outputs == std::vector<int>(320, 42));
      return outputs.ok();
    });
    CHECK(outcome == "OK");
  }
}

TEST_CASE("on a slow line the board's packets are found out as on a fast one", "[mcu][stm32msg]") {
  FakeStm32msgBoard board(1);
  board.pause_ms = 80;  // what packets take at 2400 baud is more
  DriverOptions options = kStOptions;
  options["baud"] = "2400";
  const auto outputs = RunFour(OpenOn("serial:" + board.path(), options, FourBytes()));
  INFO(outputs.status().ToString());
  CHECK(outputs.ok());
}

TEST_CASE("firmware with another number of outputs than the model's is not run", "[mcu][stm32msg]") {
  for (const std::uint32_t version : {0x202U, 0x301U}) {
    for (const std::uint32_t more : {1U, 0xFFFFFFFFU}) {  // the second makes none
      FakeStm32msgBoard board(1, version);
      board.more_outputs = more;
      const Status status = RunFour(OpenOn(board.link(), kStOptions, FourBytes())).status();
      CHECK(status.code() == StatusCode::kInvalidArgument);
      CHECK_THAT(status.message(),
                 Contains("running the inference: the model has 1 inputs and 1 outputs, but the firmware on "
                          "the board 1 and " +
                          std::to_string(1 + more) + "; is its firmware built from this model?"));
    }
  }
}

TEST_CASE("firmware that changes to larger packets is refused", "[mcu][stm32msg]") {
  FakeStm32msgBoard board(2);
  board.packet_bytes = 4094;
  const Status status = OpenOn(board.link(), kStOptions, FourBytes()).status;
  CHECK(status.code() == StatusCode::kUnimplemented);
  CHECK_THAT(status.message(), Contains("changes to packets of 4094 bytes"));
}

TEST_CASE("other versions, other models and silence are told apart", "[mcu][stm32msg]") {
  const FakeStm32msgBoard older(1, 0x100);
  Status status = OpenOn(older.link(), kStOptions, FourBytes()).status;
  CHECK(status.code() == StatusCode::kUnimplemented);
  CHECK_THAT(status.message(), Contains("speaks stm32msg 1.0; known are the versions 2.x and 3.x"));
  FakeStm32msgBoard vague(1, 0x202);
  vague.missing_shapes = 1;
  status = OpenOn(vague.link(), kStOptions, FourBytes()).status;
  CHECK(status.code() == StatusCode::kUnavailable);
  CHECK_THAT(status.message(), Contains("tells the shapes of 0 of its network's 1 inputs"));
  const FakeStm32msgBoard board(2);
  status = RunFour(OpenOn(board.link(), kStOptions, FourBytes(5)), 5).status();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK_THAT(status.message(),
             Contains("running the inference: asked for taking an input, the board answers: "
                      "invalid size; is its firmware built from this model?"));
  FakeStm32msgBoard silent(2);
  silent.silent = true;
  DriverOptions options = kStOptions;
  options["answer_timeout_s"] = "0.1";
  status = OpenOn(silent.link(), options, FourBytes()).status;
  CHECK(status.code() == StatusCode::kDeadlineExceeded);
  CHECK_THAT(status.message(), Contains("no answer to SYNC"));
}

}  // namespace
}  // namespace paddock
