// The firmware's second personality as a host of ST's protocol sees it: messages by Google's library, packets as ST's host makes
// them.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "stm32msg.pb.h"
#include "tests/conformance/firmware_fixture.h"

namespace paddock {
namespace {

enum : std::uint32_t { kSync = 0, kSystemInfo = 1, kNetworkInfo = 10, kNetworkRun = 11 };
enum : std::uint32_t { kIdle = 0, kWaiting = 1, kProcessing = 2, kDone = 3, kFailed = 4 };

constexpr std::size_t kPacketBytes = 32;

class StHost {
 public:
  StHost() {
    const std::string image = folder_ / "st.elf";
    FirmwareOptions options;
    options.model_table = kSumTable;
    const auto facts =
        BuildFirmware(kSumNetwork, SumFacts(), *FindKnownBoard("qemu-stm32f405"), options, image);
    REQUIRE(facts.status().ToString() == "OK");
    board_.emplace("qemu-stm32f405", image);
    do {  // what comes before the board has started is lost
      Send(Request(kSync));
    } while (!board_->HearsSomething());
    Receive();
  }
  BoardOnLine& board() { return *board_; }

  template <typename Message>
  void Send(const Message& message) {
    const std::vector<std::string> packets = Packets(message);
    for (std::size_t i = 0; i < packets.size(); ++i) {
      if (i > 0) REQUIRE(board_->Take(1) == "\xAA");
      board_->Send(packets[i]);
    }
  }
  template <typename Message>
  static std::vector<std::string> Packets(const Message& message) {
    const std::string content = message.SerializeAsString();
    std::string bytes;
    std::size_t length = content.size();
    for (; length >= 128; length >>= 7) bytes += static_cast<char>(length | 128);
    bytes += static_cast<char>(length);
    bytes += content;
    std::vector<std::string> packets;
    for (std::size_t at = 0; at < bytes.size(); at += kPacketBytes) {
      std::string part = bytes.substr(at, kPacketBytes);
      const auto count = static_cast<char>(part.size());
      part.resize(kPacketBytes, '\0');
      packets.push_back(count + part);
    }
    return packets;
  }
  stm32msg::Response Receive() {
    std::string content;
    for (bool is_last = false; !is_last;) {
      const std::string packet = board_->Take(1 + kPacketBytes);
      const auto header = static_cast<unsigned char>(packet[0]);
      is_last = (header & 128U) != 0;
      REQUIRE((header & 127U) <= kPacketBytes);
      content += packet.substr(1, header & 127U);
    }
    stm32msg::Response response;
    REQUIRE(response.ParseFromString(content));
    CHECK(response.request_id() == request_id_);
    return response;
  }
  stm32msg::Request Request(std::uint32_t command, std::uint32_t parameter = 0,
                            const std::string& name = "") {
    stm32msg::Request request;
    request.set_request_id(++request_id_);
    request.set_command(command);
    request.set_parameter(parameter);
    request.set_name(name);
    request.set_option(0);
    return request;
  }
  stm32msg::Response Ask(std::uint32_t command, std::uint32_t parameter = 0, const std::string& name = "") {
    Send(Request(command, parameter, name));
    return Receive();
  }
  // The state of the answer.
  std::uint32_t SendInput(const std::string& bytes) {
    stm32msg::Data data;
    data.set_type(0);
    data.set_size(static_cast<std::uint32_t>(bytes.size()));
    data.set_address(0);
    data.set_bytes(bytes);
    Send(data);
    const stm32msg::Response answer = Receive();
    REQUIRE(answer.has_acknowledge());
    if (answer.state() == kFailed) return kFailed;
    stm32msg::Acknowledge acknowledge;
    acknowledge.set_parameter(0);
    acknowledge.set_error(0);
    Send(acknowledge);
    return answer.state();
  }
  // Everything up to the last output.
  std::vector<stm32msg::Response> Run(std::uint32_t mode, const std::string& first,
                                      const std::string& second) {
    CHECK(Ask(kNetworkRun, mode, "sum").state() == kWaiting);
    CHECK(SendInput(first) == kWaiting);
    CHECK(SendInput(second) == kProcessing);
    std::vector<stm32msg::Response> responses;
    do {
      responses.push_back(Receive());
    } while (responses.back().state() == kProcessing);
    return responses;
  }

 private:
  const TempDir folder_;
  std::optional<BoardOnLine> board_;
  std::uint32_t request_id_ = 0;
};

bool CannotRunStHost() {
  return SkipWithout(CheckToolchain(ArmToolchain())) || SkipWithout(CheckEmulator(BoardOnLine::Limit()));
}

TEST_CASE("ST's host learns who the firmware is and what its network looks like", "[conformance]") {
  if (CannotRunStHost()) return;
  StHost host;
  const stm32msg::Response sync = host.Ask(kSync);
  CHECK(sync.state() == kIdle);
  CHECK(sync.sync().version() == 0x301);
  const stm32msg::Response system = host.Ask(kSystemInfo);
  CHECK(system.system().core_hz() == 168'000'000);
  CHECK(system.system().device_id() == 0x413);
  CHECK(system.system().cache() == 1U << 16);  // with an FPU

  const stm32msg::Response info = host.Ask(kNetworkInfo);
  CHECK(info.state() == kIdle);
  const stm32msg::ModelInfo& model = info.model();
  CHECK(model.name() == "sum");
  CHECK(model.multiply_accumulates() == 5'000'000'000);
  CHECK(model.signature().empty());
  CHECK(model.nodes() == 3);
  REQUIRE(model.inputs_size() == 2);
  CHECK(model.inputs(1).name() == "second");
  CHECK(model.inputs(1).elements() == 8);
  CHECK(model.inputs(1).dimensions() ==
        (5U << 24 | 3));  // with the one sample that the model's shape has not
  CHECK(std::vector<std::uint32_t>(model.inputs(1).shape().begin(), model.inputs(1).shape().end()) ==
        std::vector<std::uint32_t>{1, 2, 4});
  CHECK(model.inputs(0).scale() == 0.5F);
  REQUIRE(model.outputs_size() == 2);
  CHECK(model.outputs(0).zero_point() == -1);
  CHECK(model.activations(0).elements() == 20);
  CHECK(model.parameters(0).elements() == 7);
  CHECK(host.Ask(kNetworkInfo, 1).state() == kFailed);  // there is no second network
  CHECK(host.Ask(200).acknowledge().error() == 4);
}

TEST_CASE("ST's host runs the network, with and without its layers and their data", "[conformance]") {
  if (CannotRunStHost()) return;
  StHost host;
  const std::string first("\1\2\3\4");
  const std::string second("\1\1\1\1\1\1\1\2");
  const auto plain = host.Run(1, first, second);
  REQUIRE(plain.size() == 3);
  CHECK(plain[0].layer().name() == "sum");
  CHECK(plain[0].layer().counters(0) > 0);
  CHECK(plain[0].layer().counter_type() == 1);  // the timer's, not the core's cycles
  CHECK(plain[0].layer().duration_ms() == Approx(plain[0].layer().counters(0) / 1e6));
  CHECK(plain[1].tensor().data().bytes() == "\x13");
  CHECK(plain[2].state() == kDone);
  CHECK(plain[2].tensor().data().bytes().size() == 4);
  CHECK(host.Run(1, first, second)[0].layer().counters(0) == plain[0].layer().counters(0));

  const auto layers = host.Run(1 | 2, first, second);
  REQUIRE(layers.size() == 6);
  CHECK(layers[0].layer().name() == "a");
  CHECK(layers[0].layer().type() >> 24 == 5);  // internal, without tensor
  CHECK(layers[2].layer().type() >> 24 == 7);  // and the last
  CHECK(layers[3].layer().counters(0) ==
        layers[0].layer().counters(0) + layers[1].layer().counters(0) + layers[2].layer().counters(0));

  const auto data = host.Run(1 | 2 | 4, first, second);
  REQUIRE(data.size() == 9);
  CHECK(data[5].tensor().description().name() == "c");
  CHECK(data[5].tensor().data().bytes() == "\x13");

  const auto constant = host.Run(8 | 512, "\2", "\1");
  CHECK(constant[1].tensor().data().bytes().empty());
  CHECK(host.Run(512, "\2", "\1")[1].tensor().data().bytes() == "\x10");
}

TEST_CASE("a host of ST's that does or says something wrong does not stop the firmware", "[conformance]") {
  if (CannotRunStHost()) return;
  StHost host;
  CHECK(host.Ask(kNetworkRun, 1, "another").state() == kFailed);
  CHECK(host.Ask(kNetworkRun, 1, "sum").state() == kWaiting);
  CHECK(host.SendInput("12345") == kFailed);  // too long
  CHECK(host.Ask(kSync).state() == kIdle);
  CHECK(host.Ask(kNetworkRun, 1, "sum").state() == kWaiting);
  CHECK(host.Ask(kSync).state() == kIdle);  // instead of an input
  CHECK(host.Ask(kNetworkRun, 1, "sum").state() == kWaiting);
  CHECK(host.SendInput("1234") == kWaiting);

  host.board().Send(StHost::Packets(host.Request(kSync))[0].substr(0, 20));  // half of a packet, and silence
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  CHECK(host.Ask(kSync).state() == kIdle);
  host.board().Send(std::string(33, '\x55'));
  std::this_thread::sleep_for(std::chrono::milliseconds(700));
  CHECK(host.Ask(kSync).state() == kIdle);
  CHECK(host.Run(1, "\1\1\1\1", std::string(8, '\1')).size() == 3);
}

TEST_CASE("a host of ST's may be slow within a message, and another may come when it has gone",
          "[conformance]") {
  if (CannotRunStHost()) return;
  StHost host;
  const auto request = StHost::Packets(host.Request(kNetworkRun, 1, std::string(50, 'n')));
  REQUIRE(request.size() == 2);
  host.board().Send(request[0]);
  REQUIRE(host.board().Take(1) == "\xAA");
  std::this_thread::sleep_for(std::chrono::milliseconds(1000));
  host.board().Send(request[1]);
  CHECK(host.Receive().state() == kFailed);  // no such network

  host.board().Send(request[0]);
  REQUIRE(host.board().Take(1) == "\xAA");
  CHECK(host.Ask(kSync).state() == kIdle);
}

}  // namespace
}  // namespace paddock
