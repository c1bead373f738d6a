#include "kpi/network_facts.h"

#include <cstdint>
#include <string>

#include <catch2/catch.hpp>

#include "tests/fakes/facts_elf.h"

namespace paddock {
namespace {

NetworkFacts SomeFacts() {
  NetworkFacts facts;
  facts.target = "qemu-stm32f405";
  facts.name = "kws";
  facts.inputs = {{"input", ElementType::kInt8, {1, 49, 10, 1}, Quantization{0.58, 83}}};
  facts.outputs = {{"output", ElementType::kFloat32, {1, 12}}};
  facts.layers = {{"conv \"1\"", "Conv+Relu", 320'000, 2'624}, {"dense", "Gemm", 768, 816}};
  facts.arena_bytes = 16'000;
  facts.flash_bytes = 60'000;
  facts.ram_bytes = 18'000;
  facts.text_bytes = 59'000;
  return facts;
}

TEST_CASE("facts of a compiled model survive being written and read", "[kpi][network_facts]") {
  NetworkFacts facts = SomeFacts();
  auto read = DecodeNetworkFacts(EncodeNetworkFacts(facts));
  REQUIRE(read.status().ToString() == "OK");
  CHECK(*read == facts);

  facts.flash_bytes = facts.ram_bytes = facts.text_bytes = std::nullopt;
  facts.layers.clear();
  read = DecodeNetworkFacts(EncodeNetworkFacts(facts));
  REQUIRE(read.status().ToString() == "OK");
  CHECK(*read == facts);
}

TEST_CASE("facts are found in ELF files of 32 and of 64 bits", "[kpi][network_facts]") {
  const NetworkFacts facts = SomeFacts();
  for (const int bits : {32, 64}) {
    const auto read = ReadNetworkFacts(ElfWith(EncodeNetworkFacts(facts), bits));
    REQUIRE(read.status().ToString() == "OK");
    CHECK(*read == facts);
  }
}

TEST_CASE("an ELF file that is cut anywhere is refused", "[kpi][network_facts]") {
  for (const int bits : {32, 64}) {
    const std::string elf = ElfWith(EncodeNetworkFacts(SomeFacts()), bits);
    for (std::size_t size = 0; size < elf.size(); ++size) {
      const auto read = ReadNetworkFacts(std::string_view(elf).substr(0, size));
      REQUIRE_FALSE(read.ok());
      CHECK(read.status().code() == StatusCode::kInvalidArgument);
    }
  }
}

TEST_CASE("what is wrong in facts is named by its path", "[kpi][network_facts]") {
  const auto error = [](const std::string& from, const std::string& to) {
    std::string json = EncodeNetworkFacts(SomeFacts());
    const auto at = json.find(from);
    REQUIRE(at != json.npos);
    json.replace(at, from.size(), to);
    const auto facts = DecodeNetworkFacts(json);
    REQUIRE_FALSE(facts.ok());
    CHECK(facts.status().code() == StatusCode::kInvalidArgument);
    return facts.status().message();
  };
  CHECK(error("\"arena_bytes\":16000", "\"arena_bytes\":-1").find("arena_bytes") != std::string::npos);
  CHECK(error("\"multiply_accumulates\":768", "\"multiply_accumulates\":\"\"")
            .find("layers[1].multiply_accumulates") != std::string::npos);
  CHECK(error("[1,49,10,1]", "[1,-1,10,1]").find("inputs[0].shape") != std::string::npos);
  CHECK(error("\"float32\"", "\"string\"").find("outputs[0].type") != std::string::npos);
  CHECK(error("\"target\"", "\"targets\"").find("target") != std::string::npos);
}

TEST_CASE("an ELF file without facts is refused with what makes one", "[kpi][network_facts]") {
  std::string elf = ElfWith("{}", 32);
  CHECK(ReadNetworkFacts(elf).status().message().find(".paddock.network") != std::string::npos);
  elf.replace(elf.find(kNetworkFactsSection), 2, ".x");
  const auto read = ReadNetworkFacts(elf);
  REQUIRE_FALSE(read.ok());
  CHECK(read.status().message().find("without section .paddock.network") != std::string::npos);
  CHECK(read.status().message().find("`firmware`") != std::string::npos);
}

}  // namespace
}  // namespace paddock
