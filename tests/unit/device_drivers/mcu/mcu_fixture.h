// A driver, a model and a fake board to try them on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "base/file.h"
#include "device_drivers/mcu/mcu_driver.h"
#include "kpi/network_facts.h"
#include "tests/fakes/facts_elf.h"
#include "tests/fakes/fake_board.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {

// What FakeBoard computes.
inline NetworkFacts AdderFacts() {
  NetworkFacts facts;
  facts.target = "fake-board";
  facts.name = "adder";
  facts.inputs = {{"in", ElementType::kUint8, {1, 600}}};
  facts.outputs = {{"sums", ElementType::kUint8, {1, 4}, Quantization{0.5, 0}}};
  facts.layers = {{"first", "Conv", 10, 1}, {"second", "Add", 20, 2}, {"third", "Softmax", 30, 3}};
  return facts;
}

// A model for it, in a file.
class AdderModel {
 public:
  AdderModel() {
    REQUIRE(WriteFileUnsynced(folder_ / "adder.elf", ElfWith(EncodeNetworkFacts(AdderFacts()), 32)).ok());
  }
  SessionRequest Image() const { return Request("elf+fake-board"); }
  SessionRequest Request(const std::string& kind) const {
    SessionRequest request;
    request.artifact_path = folder_ / "adder.elf";
    request.artifact_kind = kind;
    request.inputs = AdderFacts().inputs;
    request.outputs = AdderFacts().outputs;
    return request;
  }
  const TempDir& folder() const { return folder_; }

 private:
  TempDir folder_;
};

// 600 bytes that begin with `first` and go on counting.
inline std::vector<std::byte> AdderInput(int first) {
  std::vector<std::byte> bytes(600);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(first + static_cast<int>(i));
  return bytes;
}
inline TensorView AdderView(const std::vector<std::byte>& bytes) {
  return {ElementType::kUint8, {1, 600}, bytes};
}

inline std::vector<int> Numbers(const Result<std::vector<TensorView>>& outputs) {
  REQUIRE(outputs.status().ToString() == "OK");
  std::vector<int> numbers;
  for (const TensorView& output : *outputs) {
    for (const std::byte byte : output.bytes) numbers.push_back(static_cast<int>(byte));
  }
  return numbers;
}

// A driver with an opened session. `options` beside the link.
struct Opened {
  std::unique_ptr<DeviceDriver> driver;
  std::unique_ptr<Session> session;  // null when `status` says why
  Status status;
};
inline Opened OpenOn(const std::string& link, DriverOptions options, const SessionRequest& request) {
  options["link"] = link;
  if (!options.contains("mode")) options.insert({{"board", "fake-board"}, {"probe", "none"}});
  Opened opened;
  auto driver = CreateMcuDriver(options);
  REQUIRE(driver.status().ToString() == "OK");
  opened.driver = *std::move(driver);
  auto session = opened.driver->Open(request, Deadline::Never());
  opened.status = session.status();
  if (session.ok()) opened.session = *std::move(session);
  return opened;
}

}  // namespace paddock
