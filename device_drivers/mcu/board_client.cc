#include "device_drivers/mcu/board_client.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

namespace paddock {
namespace {

constexpr std::uint64_t kLongestNs = 9'000'000'000'000'000'000;

// NaN becomes 0, as on the board.
template <typename Integer>
Integer ToInteger(double number, const TensorInfo& info) {
  const double scale = info.quantization ? info.quantization->scale : 1;
  const double zero_point = info.quantization ? static_cast<double>(info.quantization->zero_point) : 0;
  const double rounded = std::nearbyint(number / scale + zero_point);
  if (std::isnan(rounded)) return 0;
  return static_cast<Integer>(std::clamp(rounded, static_cast<double>(std::numeric_limits<Integer>::min()),
                                         static_cast<double>(std::numeric_limits<Integer>::max())));
}

template <typename Element, typename Convert>
std::vector<std::byte> Elements(std::span<const double> numbers, Convert convert) {
  std::vector<std::byte> bytes(numbers.size() * sizeof(Element));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const Element element = convert(numbers[i]);
    std::memcpy(bytes.data() + i * sizeof element, &element, sizeof element);
  }
  return bytes;
}

template <typename Integer>
Result<std::vector<std::byte>> Integers(std::span<const double> numbers, const TensorInfo& info) {
  const auto decimal = std::find_if(numbers.begin(), numbers.end(), [](double number) {
    return !std::isnan(number) && number != std::nearbyint(number);
  });
  if (!info.quantization && decimal != numbers.end()) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", *decimal);
    return InvalidArgumentError("output '" + info.name + "' of the model is " +
                                std::string(ElementTypeName(info.type)) +
                                " without scale and zero point, and the board prints " + text +
                                "; give the TFLite model, or one with float32 outputs");
  }
  return Elements<Integer>(numbers, [&](double number) { return ToInteger<Integer>(number, info); });
}

class TextBoard final : public BoardClient {
 public:
  TextBoard(EembcClient client, std::vector<TensorInfo> outputs)
      : client_(std::move(client)), outputs_(std::move(outputs)) {}

  // The protocol knows one buffer: it takes the inputs one behind the other.
  Status LoadInputs(std::span<const TensorView> inputs) override {
    std::vector<std::byte> bytes;
    for (const TensorView& input : inputs) bytes.insert(bytes.end(), input.bytes.begin(), input.bytes.end());
    return client_.Load(bytes);
  }

  Result<BoardRun> Infer(std::uint32_t inferences, std::uint32_t warmups) override {
    constexpr std::uint64_t kNsPerUs = 1000;
    PADDOCK_ASSIGN_OR_RETURN(EembcRun run, client_.Infer(inferences, warmups));
    results_ = std::move(run.results);
    if (run.duration_us == 0) {
      return UnavailableError("the board's clock does not advance during " + std::to_string(inferences) +
                              " inferences; set the option inferences higher");
    }
    return BoardRun{run.duration_us * kNsPerUs};
  }

  Result<std::vector<std::vector<std::byte>>> ReadOutputs() override {
    std::size_t wanted = 0;
    for (const TensorInfo& output : outputs_) wanted += Count(output);
    if (results_.size() != wanted) {
      return InvalidArgumentError("the board gives " + std::to_string(results_.size()) +
                                  " results, but the model's outputs have " + std::to_string(wanted) +
                                  " elements; is its firmware built from this model?");
    }
    std::vector<std::vector<std::byte>> outputs;
    std::span<const double> rest = results_;
    for (const TensorInfo& output : outputs_) {
      PADDOCK_ASSIGN_OR_RETURN(auto bytes, TensorFromNumbers(output, rest.first(Count(output))));
      outputs.push_back(std::move(bytes));
      rest = rest.subspan(Count(output));
    }
    return outputs;
  }

  Result<std::vector<std::uint64_t>> Profile(std::size_t) override {
    return UnimplementedError("the text protocol knows no layers");
  }

 private:
  static std::size_t Count(const TensorInfo& info) {
    return TensorBytes(info).value_or(0) / std::max<std::size_t>(ElementSize(info.type), 1);
  }

  EembcClient client_;
  const std::vector<TensorInfo> outputs_;
  std::vector<double> results_;
};

class FrameBoard final : public BoardClient {
 public:
  FrameBoard(FrameClient client, const FrameAbility& ability, std::vector<TensorInfo> outputs)
      : client_(std::move(client)),
        counter_hz_(ability.counter_hz),
        counts_cycles_(CountsCycles(ability)),
        outputs_(std::move(outputs)) {}

  Status LoadInputs(std::span<const TensorView> inputs) override {
    for (std::size_t i = 0; i < inputs.size(); ++i)
      PADDOCK_RETURN_IF_ERROR(client_.WriteInput(static_cast<std::uint8_t>(i), inputs[i].bytes));
    return OkStatus();
  }

  Result<BoardRun> Infer(std::uint32_t inferences, std::uint32_t warmups) override {
    PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t counts, client_.Infer(inferences, warmups));
    const std::uint64_t ns = CountsToNs(counts, counter_hz_);
    if (ns == 0 || ns == kLongestNs) {
      return UnavailableError("the board counted " + std::to_string(counts) + " during " +
                              std::to_string(inferences) + " inferences, which cannot be");
    }
    return BoardRun{ns, counts_cycles_ ? std::optional(counts) : std::nullopt};
  }

  Result<std::vector<std::vector<std::byte>>> ReadOutputs() override {
    std::vector<std::vector<std::byte>> outputs;
    for (const TensorInfo& info : outputs_) {
      std::vector<std::byte> bytes(TensorBytes(info).value_or(0));
      PADDOCK_RETURN_IF_ERROR(client_.ReadOutput(static_cast<std::uint8_t>(outputs.size()), bytes));
      outputs.push_back(std::move(bytes));
    }
    return outputs;
  }

  Result<std::vector<std::uint64_t>> Profile(std::size_t layers) override { return client_.Profile(layers); }

 private:
  FrameClient client_;
  const std::uint64_t counter_hz_;
  const bool counts_cycles_;
  const std::vector<TensorInfo> outputs_;
};

}  // namespace

std::uint64_t CountsToNs(std::uint64_t counts, std::uint64_t counter_hz) {
  const long double ns = static_cast<long double>(counts) * 1e9L / static_cast<long double>(counter_hz);
  if (ns >= static_cast<long double>(kLongestNs)) return kLongestNs;
  return static_cast<std::uint64_t>(ns + 0.5L);
}

std::optional<std::size_t> TensorBytes(const TensorInfo& info) {
  Shape shape = info.shape;
  for (std::int64_t& dimension : shape) dimension = dimension < 0 ? 1 : dimension;
  const auto count = ElementCount(shape);
  if (!count || ElementSize(info.type) == 0) return std::nullopt;
  return static_cast<std::size_t>(*count * ElementSize(info.type));
}

Result<std::vector<std::byte>> TensorFromNumbers(const TensorInfo& info, std::span<const double> numbers) {
  switch (info.type) {
    case ElementType::kFloat32:
      return Elements<float>(numbers, [](double number) { return static_cast<float>(number); });
    case ElementType::kInt8:
      return Integers<std::int8_t>(numbers, info);
    case ElementType::kUint8:
      return Integers<std::uint8_t>(numbers, info);
    case ElementType::kInt16:
      return Integers<std::int16_t>(numbers, info);
    case ElementType::kInt32:
      return Integers<std::int32_t>(numbers, info);
    default:
      return UnimplementedError("output '" + info.name + "' is of type " +
                                std::string(ElementTypeName(info.type)) +
                                ", which cannot be made from printed results");
  }
}

std::unique_ptr<BoardClient> MakeTextBoard(EembcClient client, std::vector<TensorInfo> outputs) {
  return std::make_unique<TextBoard>(std::move(client), std::move(outputs));
}

bool CountsCycles(const FrameAbility& ability) {
  return ability.counter == "dwt" || ability.counter == "systick";
}

std::unique_ptr<BoardClient> MakeFrameBoard(FrameClient client, const FrameAbility& ability,
                                            std::vector<TensorInfo> outputs) {
  return std::make_unique<FrameBoard>(std::move(client), ability, std::move(outputs));
}

}  // namespace paddock
