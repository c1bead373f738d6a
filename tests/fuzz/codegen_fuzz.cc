// Hostile models as networks: one with a place for each value, or an error. The reference computes small ones in their arena, so
// that sizes, weights and places must fit together.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "prepare/codegen/import_onnx.h"
#include "prepare/codegen/plan_arena.h"
#include "tests/unit/codegen/reference_network.h"

namespace {

bool IsSmall(const paddock::Network& network) {
  constexpr std::uint64_t kMost = 100'000;
  std::uint64_t work = 0;
  for (const paddock::NetworkValue& value : network.values) work += value.Elements();
  for (const paddock::NetworkLayer& layer : network.layers) {
    work += layer.multiply_accumulates;
    const auto window =
        static_cast<std::uint64_t>(layer.kernel[0]) * static_cast<std::uint64_t>(layer.kernel[1]);
    const bool is_pool =
        layer.kind == paddock::LayerKind::kMaxPool || layer.kind == paddock::LayerKind::kAveragePool;
    if (is_pool) work += network.values[layer.output].Elements() * window;
    if (work > kMost) return false;
  }
  return work <= kMost;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const int fd = ::memfd_create("model.onnx", MFD_CLOEXEC);
  PADDOCK_CHECK(fd >= 0 && ::write(fd, data, size) == static_cast<ssize_t>(size), "memory can be written");
  auto network = paddock::ImportOnnx("/proc/self/fd/" + std::to_string(fd), "fuzz");
  ::close(fd);
  if (!network.ok()) {
    PADDOCK_CHECK(!network.status().message().empty(), "an error says what is wrong");
    PADDOCK_CHECK(network.status().code() != paddock::StatusCode::kInternal, "an error blames the model");
    return 0;
  }
  if (!paddock::PlanArena(&*network).ok() || !IsSmall(*network)) return 0;
  std::vector<paddock::ValueBytes> inputs;
  for (const std::uint32_t input : network->inputs) inputs.emplace_back(network->values[input].Bytes());
  const auto values = paddock::RunReference(*network, inputs);
  const auto outputs = paddock::RunReferenceInArena(*network, inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i)
    PADDOCK_CHECK(outputs[i] == values[network->outputs[i]], "places do not change what is computed");
  return 0;
}
