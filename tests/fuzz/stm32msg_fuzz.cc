// Hostile bytes as a message of a board that speaks stm32msg, of version 2 or 3: a response, or refused with words.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/status.h"
#include "device_drivers/mcu/stm32msg.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto response = paddock::stm32msg::DecodeResponse({reinterpret_cast<const char*>(data), size});
  if (!response.ok()) {
    PADDOCK_CHECK(!response.status().message().empty(), "an error says what is wrong");
    return 0;
  }
  if (const auto* const tensor = std::get_if<paddock::stm32msg::Tensor>(&response->payload))
    PADDOCK_CHECK(tensor->data.size() < size, "data are part of the message");
  if (const auto* const network = std::get_if<paddock::stm32msg::NetworkInfo>(&response->payload)) {
    std::size_t bytes = network->name.size();
    for (const std::string& shape : network->input_shapes) bytes += shape.size();
    PADDOCK_CHECK(bytes <= size, "names and shapes are part of the message");
  }
  return 0;
}
