#include "device_drivers/api/input_check.h"

#include <cstdint>
#include <optional>
#include <string>

namespace paddock {
namespace {

Status CheckInput(const TensorInfo& wanted, const TensorView& tensor) {
  const TensorInfo given = {wanted.name, tensor.type, tensor.shape};
  bool fits = tensor.type == wanted.type && tensor.shape.size() == wanted.shape.size();
  for (std::size_t i = 0; fits && i < wanted.shape.size(); ++i) {
    fits = tensor.shape[i] >= 0 && (wanted.shape[i] < 0 || wanted.shape[i] == tensor.shape[i]);
  }
  if (!fits) {
    return InvalidArgumentError("the model wants " + TensorText(wanted) + ", but is given " +
                                TensorText(given));
  }
  const std::optional<std::uint64_t> count = ElementCount(tensor.shape);
  if (!count || *count * ElementSize(tensor.type) != tensor.bytes.size()) {
    return InvalidArgumentError(TensorText(given) + " comes with " + std::to_string(tensor.bytes.size()) +
                                " bytes, which is not its size");
  }
  return OkStatus();
}

}  // namespace

Status CheckInputs(const std::vector<TensorInfo>& wanted, std::span<const TensorView> given) {
  if (given.size() != wanted.size()) {
    return InvalidArgumentError("the model has " + std::to_string(wanted.size()) + " inputs, but is given " +
                                std::to_string(given.size()));
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) PADDOCK_RETURN_IF_ERROR(CheckInput(wanted[i], given[i]));
  return OkStatus();
}

}  // namespace paddock
