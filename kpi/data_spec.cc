#include "kpi/data_spec.h"

#include <array>

namespace paddock {
namespace {

// The index of `name` in `names`, which is the value of the enumerator.
template <typename Enum, std::size_t n>
Result<Enum> ParseEnum(std::string_view name, const std::array<std::string_view, n>& names) {
  std::string known;
  for (std::size_t i = 0; i < n; ++i) {
    if (names[i] == name) return static_cast<Enum>(i);
    known += (i == 0 ? "" : ", ") + std::string(names[i]);
  }
  return InvalidArgumentError("'" + std::string(name) + "' is none of " + known);
}

constexpr std::array<std::string_view, 2> kResizeMethods = {"bilinear", "nearest"};
constexpr std::array<std::string_view, 3> kColorOrders = {"rgb", "bgr", "gray"};
constexpr std::array<std::string_view, 2> kMelKinds = {"log-mel", "mfcc"};

}  // namespace

std::string_view ResizeMethodName(ResizeMethod method) {
  return kResizeMethods[static_cast<std::size_t>(method)];
}
Result<ResizeMethod> ParseResizeMethod(std::string_view name) {
  return ParseEnum<ResizeMethod>(name, kResizeMethods);
}
std::string_view ColorOrderName(ColorOrder order) { return kColorOrders[static_cast<std::size_t>(order)]; }
Result<ColorOrder> ParseColorOrder(std::string_view name) {
  return ParseEnum<ColorOrder>(name, kColorOrders);
}
std::string_view MelKindName(MelKind kind) { return kMelKinds[static_cast<std::size_t>(kind)]; }
Result<MelKind> ParseMelKind(std::string_view name) { return ParseEnum<MelKind>(name, kMelKinds); }

}  // namespace paddock
