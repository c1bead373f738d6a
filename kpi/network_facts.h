// What is known of a model that was compiled to a program: written into the program by what compiled it, read by what runs and
// judges it. Pure data and its JSON form.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "kpi/tensor.h"

namespace paddock {

struct LayerFacts {
  std::string name;
  std::string operators;  // "Conv+Relu"
  std::uint64_t multiply_accumulates = 0;
  std::uint64_t bytes = 0;  // of weights and other constants
  bool operator==(const LayerFacts&) const = default;
};

struct NetworkFacts {
  std::string target;              // "qemu-stm32f405", "x86_64"
  std::string name;                // of the network
  std::vector<TensorInfo> inputs;  // with the batch dimension, which is 1
  std::vector<TensorInfo> outputs;
  std::vector<LayerFacts> layers;
  std::uint64_t arena_bytes = 0;
  // Of the whole image; absent where there is none (a shared object for the host).
  std::optional<std::uint64_t> flash_bytes{};
  std::optional<std::uint64_t> ram_bytes{};   // static data, without stack
  std::optional<std::uint64_t> text_bytes{};  // code and constants
  bool operator==(const NetworkFacts&) const = default;
};

Json NetworkFactsToJson(const NetworkFacts& facts);
Result<NetworkFacts> NetworkFactsFromJson(const Json& json, const std::string& path);
std::string EncodeNetworkFacts(const NetworkFacts& facts);
// Strict and bounded: INVALID_ARGUMENT names the path of what is wrong.
Result<NetworkFacts> DecodeNetworkFacts(std::string_view json);

// The section of an ELF file that holds the JSON; it is in no segment, so that it takes no place on the device.
inline constexpr std::string_view kNetworkFactsSection = ".paddock.network";

// INVALID_ARGUMENT when `elf` is no ELF file or has no such section.
Result<NetworkFacts> ReadNetworkFacts(std::string_view elf);

}  // namespace paddock
