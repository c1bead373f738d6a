#include "device_drivers/mcu/mcu_driver.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "device_drivers/mcu/board_client.h"
#include "mcu_fixture.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

Status CreateStatus(const DriverOptions& options) { return CreateMcuDriver(options).status(); }

TEST_CASE("an emulated board is described as one, and takes what was compiled for it", "[mcu]") {
  const auto driver = CreateMcuDriver({{"link", "qemu:qemu-stm32f405"}});
  REQUIRE(driver.status().ToString() == "OK");
  const DeviceDescription& description = (*driver)->Describe();
  CHECK(description.driver == "mcu");
  CHECK(description.model == "emulated qemu-stm32f405");
  CHECK(description.serial.empty());
  CHECK(description.artifact_kinds == std::vector<std::string>{"elf+qemu-stm32f405"});
  CHECK(description.last_steps.at("tflite") ==
        std::vector<std::string>{"to-onnx", "firmware board=qemu-stm32f405"});
  CHECK(description.labels == std::map<std::string, std::string>{
                                  {"arch", "arm"}, {"class", "emulator"}, {"board", "qemu-stm32f405"}});
  CHECK(description.time_source == TimeSource::kInstructions);
  CHECK(description.limits.samples_per_query == 1);
}

TEST_CASE("a real board is named by its port, and its firmware takes any model", "[mcu]") {
  const std::string port = "/dev/serial/by-id/usb-STMicroelectronics_STLINK-V3_004A-if02";
  const auto own =
      CreateMcuDriver({{"link", "serial:" + port}, {"board", "nucleo-l4r5zi"}, {"probe", "0669FF"}});
  REQUIRE(own.status().ToString() == "OK");
  CHECK((*own)->Describe().model == "nucleo-l4r5zi");
  CHECK((*own)->Describe().serial == "usb-STMicroelectronics_STLINK-V3_004A-if02");
  CHECK((*own)->Describe().labels.at("class") == "mcu");
  CHECK((*own)->Describe().time_source == TimeSource::kDevice);
  const auto existing = CreateMcuDriver({{"link", "serial:" + port}, {"mode", "existing"}});
  REQUIRE(existing.status().ToString() == "OK");
  CHECK((*existing)->Describe().artifact_kinds == std::vector<std::string>{"onnx", "tflite"});
}

TEST_CASE("options that do not exist, do not go together or are out of bounds are refused by name", "[mcu]") {
  const auto refused = [](const DriverOptions& options, const std::string& with) {
    const Status status = CreateStatus(options);
    CHECK(status.code() == StatusCode::kInvalidArgument);
    CHECK_THAT(status.message(), Contains(with));
  };
  refused({}, "link is ''; it must be qemu:BOARD, serial:/PATH");
  refused({{"link", "serial:ttyACM0"}}, "link is 'serial:ttyACM0'");
  refused({{"link", "tcp:localhost"}}, "link is 'tcp:localhost'");
  refused({{"link", "qemu:nucleo"}}, "there is no emulated board 'nucleo'; there are: qemu-stm32f405");
  refused({{"link", "pty:/dev/pts/1"}}, "mode=own needs the option board");
  refused({{"link", "pty:/dev/pts/1"}, {"board", "nucleo-l4r5zi"}}, "openocd must know which probe");
  refused({{"link", "pty:/x"}, {"board", "mine"}, {"probe", "066"}},
          "nothing is known of the board 'mine', only of these: nucleo-l4r5zi");
  refused({{"link", "pty:/x"}, {"mode", "existing"}, {"probe", "066"}}, "probe");
  refused({{"link", "qemu:qemu-stm32f405"}, {"board", "nucleo"}}, "board is 'nucleo', but the link is");
  refused({{"link", "qemu:qemu-stm32f405"}, {"mode", "existing"}}, "needs the option image");
  refused({{"link", "qemu:qemu-stm32f405"}, {"image", "/x.elf"}}, "image has a meaning");
  refused({{"link", "qemu:qemu-stm32f405"}, {"mode", "existing"}, {"image", "x.elf"}}, "absolute path");
  refused({{"link", "qemu:qemu-stm32f405"}, {"baud", "9600"}}, "baud has a meaning with link=serial");
  refused({{"link", "pty:/x"}, {"mode", "other"}}, "mode");
  refused({{"link", "pty:/x"}, {"protocol", "morse"}}, "protocol");
  refused({{"link", "pty:/x"}, {"inferences", "0"}}, "inferences");
  refused({{"link", "pty:/x"}, {"answer_timeout_s", "0"}}, "answer_timeout_s");
  refused({{"link", "pty:/x"}, {"color", "red"}}, "color");
}

TEST_CASE("a model is uploaded, run and read back in frames, in any order of queries", "[mcu]") {
  const FakeBoard board;
  const AdderModel model;
  const Opened opened = OpenOn(board.link(), {}, model.Image());
  REQUIRE(opened.status.ToString() == "OK");
  Session& session = *opened.session;
  CHECK(session.Inputs() == AdderFacts().inputs);
  CHECK(session.Outputs() == AdderFacts().outputs);
  REQUIRE(session.Facts() != nullptr);
  CHECK(*session.Facts() == AdderFacts());
  CHECK(session.ReadOutputs().status().code() == StatusCode::kFailedPrecondition);

  const auto ten = AdderInput(10);
  const auto hundred = AdderInput(100);
  REQUIRE(session.Bind(std::vector{AdderView(ten)}).ok());
  REQUIRE(session.Bind(std::vector{AdderView(hundred)}).ok());
  REQUIRE(session.Invoke(1).ToString() == "OK");
  CHECK(session.DeviceTimeNs() == 2'000'000);
  CHECK(session.Cycles() == 200'000);
  CHECK_FALSE(session.Instructions());
  CHECK(Numbers(session.ReadOutputs()) == std::vector{101, 103, 105, 107});
  REQUIRE(session.Invoke(0).ToString() == "OK");
  CHECK(Numbers(session.ReadOutputs()) == std::vector{11, 13, 15, 17});
  REQUIRE(session.Invoke(0).ToString() == "OK");
  CHECK(session.Cycles() == 600'000);
  CHECK(board.inferences() == 3);

  const auto layers = session.CountLayers();
  REQUIRE(layers.status().ToString() == "OK");
  CHECK(layers->unit == "cycles");
  CHECK(layers->counts == std::vector<std::uint64_t>{1000, 2000, 3000});
  const auto options = session.EffectiveOptions();
  CHECK(options.at("protocol") == "frames");
  CHECK(options.at("counter") == "dwt");
  CHECK(options.at("counter_hz") == "100000000");
  CHECK(options.at("firmware_name") == "fake-board");
  CHECK_THAT(session.Transcript(), Contains("> x-paddock%") && Contains("< m-x-paddock-1-[counter=dwt"));
}

TEST_CASE("firmware without frames is spoken to in text, and its printed results become the outputs' type",
          "[mcu]") {
  for (const std::string glue : {"", "debug 17: "}) {
    const FakeBoard board({.knows_frames = false, .echoes = !glue.empty(), .glue = glue});
    const AdderModel model;
    const Opened opened = OpenOn(board.link(), {{"mode", "existing"}}, model.Request("tflite"));
    REQUIRE(opened.status.ToString() == "OK");
    Session& session = *opened.session;
    const auto ten = AdderInput(10);
    REQUIRE(session.Bind(std::vector{AdderView(ten)}).ok());
    REQUIRE(session.Invoke(0).ToString() == "OK");
    CHECK(session.DeviceTimeNs() == 2'000'000);
    CHECK_FALSE(session.Cycles());
    CHECK(session.Facts() == nullptr);
    CHECK(Numbers(session.ReadOutputs()) == std::vector{11, 13, 15, 17});
    CHECK(session.CountLayers()->counts.empty());
    CHECK(session.EffectiveOptions().at("protocol") == "eembc");
    // name, profile, x-paddock, db load, 600 bytes with 31 a command, infer.
    CHECK(board.commands().size() == 4 + 20 + 1);
  }
}

TEST_CASE("several inferences make one query, whose time is their mean", "[mcu]") {
  const FakeBoard board;
  const AdderModel model;
  for (const std::string protocol : {"auto", "eembc"}) {
    const int before = board.inferences();
    const Opened opened =
        OpenOn(board.link(), {{"protocol", protocol}, {"inferences", "50"}, {"warmup_inferences", "2"}},
               model.Image());
    REQUIRE(opened.status.ToString() == "OK");
    const auto ten = AdderInput(10);
    REQUIRE(opened.session->Bind(std::vector{AdderView(ten)}).ok());
    REQUIRE(opened.session->Invoke(0).ToString() == "OK");
    CHECK(opened.session->DeviceTimeNs() == 2'000'000);
    CHECK(board.inferences() - before == 50);
  }
}

TEST_CASE("for a meter inferences run between edges of the board's pin, and then it measures time again",
          "[mcu]") {
  const AdderModel model;
  const auto ten = AdderInput(10);
  FakeBoard board;
  for (const std::string protocol : {"auto", "eembc"}) {
    const Opened opened = OpenOn(board.link(), {{"protocol", protocol}}, model.Image());
    REQUIRE(opened.status.ToString() == "OK");
    REQUIRE(opened.session->Bind(std::vector{AdderView(ten)}).ok());
    REQUIRE(opened.session->Invoke(0).ToString() == "OK");
    const int before = board.inferences();
    CHECK(opened.session->InvokeBetweenEdges(0, 70).ToString() == "OK");
    CHECK(board.inferences() - before == 70);
    CHECK_FALSE(opened.session->ReadOutputs().ok());
    REQUIRE(opened.session->Invoke(0).ToString() == "OK");
    CHECK(opened.session->DeviceTimeNs() == 2'000'000);
    CHECK(opened.session->InvokeBetweenEdges(0, 0).code() == StatusCode::kInvalidArgument);
    CHECK_THAT(opened.session->Transcript(), Contains("> infer 70 0%"));
  }
  const FakeBoard other({.knows_frames = false});
  const Opened opened = OpenOn(other.link(), {{"mode", "existing"}}, model.Request("onnx"));
  REQUIRE(opened.session->Bind(std::vector{AdderView(ten)}).ok());
  CHECK(opened.session->InvokeBetweenEdges(0, 70).code() == StatusCode::kUnimplemented);
  CHECK(opened.session->Invoke(0).ToString() == "OK");
}

TEST_CASE("a board that a host left between edges measures time again", "[mcu]") {
  const FakeBoard board;
  const int port = ::open(board.path().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(::write(port, "x-mode energy%", 14) == 14);
  ::close(port);
  const AdderModel model;
  const Opened opened = OpenOn(board.link(), {{"protocol", "eembc"}}, model.Image());
  REQUIRE(opened.status.ToString() == "OK");
  const auto ten = AdderInput(10);
  REQUIRE(opened.session->Bind(std::vector{AdderView(ten)}).ok());
  CHECK(opened.session->Invoke(0).ToString() == "OK");
  CHECK(opened.session->DeviceTimeNs() == 2'000'000);
}

TEST_CASE("a board that restarts when its mode is changed has lost its input and is given it again",
          "[mcu]") {
  const AdderModel model;
  for (const std::string mode : {"x-mode energy", "x-mode performance"}) {
    const FakeBoard board({.answer = [mode](const std::string& command) -> std::optional<std::string> {
      if (command != mode) return std::nullopt;
      return "m-timestamp-mode-performance\r\nm-lap-us-7\r\nm-init-done\r\nm-ready\r\n";
    }});
    const Opened opened = OpenOn(board.link(), {{"protocol", "eembc"}}, model.Image());
    REQUIRE(opened.status.ToString() == "OK");
    const auto ten = AdderInput(10);
    REQUIRE(opened.session->Bind(std::vector{AdderView(ten)}).ok());
    const auto uploads = [&] {
      const auto commands = board.commands();
      return std::count(commands.begin(), commands.end(), "db load 600");
    };
    const Status status = opened.session->InvokeBetweenEdges(0, 5);
    CHECK(status.code() == StatusCode::kUnavailable);
    CHECK_THAT(status.message(), Contains("the board restarted before it had answered '" + mode + "%'"));
    CHECK(uploads() == 1);
    static_cast<void>(opened.session->Invoke(0));
    CHECK(uploads() == 2);
  }
}

TEST_CASE("a board that stays in its mode is not one without a pin", "[mcu]") {
  const AdderModel model;
  const FakeBoard board({.answer = [](const std::string& command) -> std::optional<std::string> {
    if (command != "x-mode energy") return std::nullopt;
    return "m-timestamp-mode-performance\r\nm-ready\r\n";
  }});
  const Opened opened = OpenOn(board.link(), {}, model.Image());
  REQUIRE(opened.status.ToString() == "OK");
  const auto ten = AdderInput(10);
  REQUIRE(opened.session->Bind(std::vector{AdderView(ten)}).ok());
  CHECK(opened.session->InvokeBetweenEdges(0, 5).code() == StatusCode::kUnavailable);
}

TEST_CASE("firmware that takes more input than the model has blames the job", "[mcu]") {
  const FakeBoard board({.answer = [](const std::string& command) -> std::optional<std::string> {
    if (!command.starts_with("infer ")) return std::nullopt;
    return "e-[The inputs take 1960 bytes; load all of them]\r\nm-ready\r\n";
  }});
  const AdderModel model;
  const Opened opened =
      OpenOn(board.link(), {{"mode", "existing"}, {"protocol", "eembc"}}, model.Request("tflite"));
  REQUIRE(opened.status.ToString() == "OK");
  const auto ten = AdderInput(10);
  REQUIRE(opened.session->Bind(std::vector{AdderView(ten)}).ok());
  const Status status = opened.session->Invoke(0);
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK_THAT(status.message(), Contains("the firmware on the board takes 1960 bytes of input, and the "
                                        "model's inputs are fewer"));
}

TEST_CASE("jobs that do not fit are refused before a word is said to the board", "[mcu]") {
  const FakeBoard board;
  const AdderModel model;
  const auto refused = [&](const SessionRequest& request, StatusCode code, const std::string& with) {
    const Opened opened = OpenOn(board.link(), {}, request);
    CHECK(opened.status.code() == code);
    CHECK_THAT(opened.status.message(), Contains(with));
  };
  refused(model.Request("onnx"), StatusCode::kInvalidArgument, "kind 'elf+fake-board', not 'onnx'");
  SessionRequest request = model.Image();
  request.options.threads = 2;
  refused(request, StatusCode::kUnimplemented, "no runtime option 'threads'");
  request = model.Image();
  request.inputs[0].shape = {1, 601};
  refused(request, StatusCode::kInvalidArgument,
          "prepared for the inputs uint8 in[1,601], but the image has");
  request = model.Image();
  request.artifact_path = model.folder() / "other.elf";
  NetworkFacts other = AdderFacts();
  other.target = "another-board";
  REQUIRE(WriteFileUnsynced(request.artifact_path, ElfWith(EncodeNetworkFacts(other), 32)).ok());
  refused(request, StatusCode::kInvalidArgument,
          "compiled for 'another-board', but the board is 'fake-board'");
  REQUIRE(WriteFileUnsynced(request.artifact_path, "no program").ok());
  refused(request, StatusCode::kInvalidArgument, "other.elf");
  CHECK(board.commands().empty());
}

TEST_CASE("inputs that do not fit are refused with their name", "[mcu]") {
  const FakeBoard board;
  const AdderModel model;
  SessionRequest request = model.Request("onnx");
  request.inputs[0].shape = {-1, 600};
  const Opened opened = OpenOn(board.link(), {{"mode", "existing"}}, request);
  REQUIRE(opened.status.ToString() == "OK");
  const std::vector<std::byte> two(1200);
  const Status status =
      opened.session->Bind(std::vector{TensorView{ElementType::kUint8, {2, 600}, two}}).status();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK_THAT(status.message(), Contains("input 'in' has 1200 bytes; a board takes one sample at a time"));
  CHECK(opened.session->Invoke(7).code() == StatusCode::kInvalidArgument);
}

TEST_CASE("a model whose input the firmware cannot hold, and one with other outputs, blame the job",
          "[mcu]") {
  const AdderModel model;
  for (const bool too_large : {true, false}) {
    const FakeBoard board({.input_bytes = too_large ? 500U : 600U, .knows_frames = false});
    SessionRequest request = model.Request("tflite");
    request.outputs[0].shape = {1, 5};
    const Opened opened = OpenOn(board.link(), {{"mode", "existing"}}, request);
    REQUIRE(opened.status.ToString() == "OK");
    const auto ten = AdderInput(10);
    REQUIRE(opened.session->Bind(std::vector{AdderView(ten)}).ok());
    Status status = opened.session->Invoke(0);
    if (!too_large) {
      CHECK(status.ToString() == "OK");
      status = opened.session->ReadOutputs().status();
    }
    CHECK(status.code() == StatusCode::kInvalidArgument);
    CHECK_THAT(
        status.message(),
        Contains(too_large ? "loading the input: the model's inputs are 600 bytes, but the firmware on the "
                             "board takes at most 500"
                           : "the board gives 4 results, but the model's outputs have 5 elements"));
  }
}

TEST_CASE("firmware that takes inputs of another size and infers all the same blames the job", "[mcu]") {
  // What MLPerf Tiny's reference firmware says when it is asked to infer; its results are of what it had before.
  const FakeBoard board(
      {.knows_frames = false, .answer = [](const std::string& command) {
         const std::string said =
             "Input db has 600 elemented, expected 1960\nm-warmup-start-0\r\nm-warmup-done\r\n"
             "m-infer-start-1\r\nm-lap-us-1\r\nm-lap-us-3\r\nm-infer-done\r\n"
             "m-results-[1,2,3,4]\r\nm-ready\r\n";
         return command.starts_with("infer ") ? std::optional(said) : std::nullopt;
       }});
  const AdderModel model;
  const Opened opened = OpenOn(board.link(), {{"mode", "existing"}}, model.Request("tflite"));
  REQUIRE(opened.status.ToString() == "OK");
  const auto ten = AdderInput(10);
  REQUIRE(opened.session->Bind(std::vector{AdderView(ten)}).ok());
  const Status status = opened.session->Invoke(0);
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK_THAT(status.message(), Contains("the firmware on the board expects 1960 elements of input, and the "
                                        "model's inputs are of another size"));
}

TEST_CASE("printed results become integers as they were quantised, in the range of their type", "[mcu]") {
  const auto bytes = [](ElementType type, std::vector<double> numbers) {
    const auto made = TensorFromNumbers({"out", type, {1, 3}, Quantization{0.00390625, -128}}, numbers);
    REQUIRE(made.ok());
    return *made;
  };
  const auto probabilities = bytes(ElementType::kInt8, {0.996, 0.0, 2.0});
  CHECK(static_cast<std::int8_t>(probabilities[0]) == 127);
  CHECK(static_cast<std::int8_t>(probabilities[1]) == -128);
  CHECK(static_cast<std::int8_t>(probabilities[2]) == 127);
  CHECK(bytes(ElementType::kFloat32, {1, 2, 3}).size() == 12);
  CHECK(TensorFromNumbers({"out", ElementType::kFloat64, {1}}, std::vector<double>{1}).status().code() ==
        StatusCode::kUnimplemented);
}

TEST_CASE("printed decimals are not rounded to integers of which no scale is known", "[mcu]") {
  const TensorInfo output{"out", ElementType::kInt8, {1, 3}, {}};
  CHECK(TensorFromNumbers(output, std::vector<double>{1, -3, 127}).ok());
  CHECK(*TensorFromNumbers(output, std::vector<double>{1, std::nan(""), 2}) ==
        std::vector{std::byte{1}, std::byte{0}, std::byte{2}});
  const Status status = TensorFromNumbers(output, std::vector<double>{0, 0.496, 0.25}).status();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK_THAT(status.message(), Contains("output 'out' of the model is int8 without scale and zero point, and "
                                        "the board prints 0.496"));
}

}  // namespace
}  // namespace paddock
