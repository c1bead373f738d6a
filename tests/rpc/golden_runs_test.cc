#include "base/file.h"
#include "tests/rpc/farm_fixture.h"

namespace paddock {

TEST_CASE_METHOD(FarmFixture,
                 "a device is told of with its golden policy, and one that makes no sense is refused",
                 "[rpc][golden]") {
  ScriptedAgent agent(*this, "board-1", "instance-a");
  agent.hello().mutable_description()->set_golden("every 3 runs");
  REQUIRE(agent.Greet());
  grpc::ClientContext context;
  v1::GetDeviceRequest request;
  request.set_id("board-1");
  v1::Device device;
  REQUIRE(devices->GetDevice(&context, request, &device).ok());
  CHECK(device.description().golden() == "every 3 runs");
  CHECK_FALSE(device.has_golden());

  ScriptedAgent wrong(*this, "board-2", "instance-b");
  wrong.hello().mutable_description()->set_golden("now and then");
  CHECK_FALSE(wrong.Greet());
  const grpc::Status ended = wrong.Finish();
  CHECK(ended.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK_THAT(ended.error_message(), Catch::Contains("board-2") && Catch::Contains("around each run"));
}

TEST_CASE_METHOD(FarmFixture, "the golden model is in the artifact store at every start", "[rpc][golden]") {
  const auto is_there = [&](const std::string& file) {
    const std::string path = std::string(PADDOCK_SOURCE_DIR) + "/deploy/golden/" + file;
    const std::string bytes = ReadFile(path).value();
    return ReadFile(state / ("coordinator/artifacts/blobs/" + Sha256::Of(bytes).hex())).value() == bytes;
  };
  CHECK(is_there("golden.onnx"));
  CHECK(is_there("golden.npz"));
  Restart();
  CHECK(is_there("golden.onnx"));
}

}  // namespace paddock
