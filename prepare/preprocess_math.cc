#include "prepare/preprocess_math.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "prepare/preprocess_image.h"
#include "prepare/preprocess_mel.h"

namespace paddock {
namespace {

// A binary floating format of 16 bits: 1 sign bit, exponent, kMantissaBits.
template <int kMantissaBits>
struct Narrow {
  static constexpr int kMaxExponent = (1 << (15 - kMantissaBits)) - 1;  // of infinities and NaN
  static constexpr int kBias = kMaxExponent / 2;
  static constexpr int kMinExponent = 1 - kBias;
  static constexpr std::uint32_t kInfinity = static_cast<std::uint32_t>(kMaxExponent) << kMantissaBits;

  std::uint16_t bits;

  double AsDouble() const {
    const int exponent = (bits >> kMantissaBits) & kMaxExponent;
    const int mantissa = bits & ((1 << kMantissaBits) - 1);
    double magnitude = 0;
    if (exponent == kMaxExponent) {
      magnitude =
          mantissa != 0 ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
    } else if (exponent == 0) {
      magnitude = std::ldexp(mantissa, kMinExponent - kMantissaBits);
    } else {
      magnitude = std::ldexp((1 << kMantissaBits) + mantissa, exponent - kBias - kMantissaBits);
    }
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
  }

  // Round to nearest, ties to even; what is beyond the largest value becomes infinity.
  static Narrow FromDouble(double value) {
    const std::uint32_t sign = std::signbit(value) ? 0x8000 : 0;
    const double magnitude = std::fabs(value);
    std::uint32_t rounded = kInfinity;
    if (std::isnan(value)) {
      rounded = kInfinity | 1u << (kMantissaBits - 1);
    } else if (magnitude < std::ldexp(1.0, kMinExponent)) {
      rounded =
          static_cast<std::uint32_t>(std::nearbyint(std::ldexp(magnitude, kMantissaBits - kMinExponent)));
    } else if (!std::isinf(value)) {
      int exponent = 0;  // magnitude = f * 2^exponent, f in [0.5, 1)
      std::frexp(magnitude, &exponent);
      if (exponent - 1 <= kBias) {
        const auto scaled =
            static_cast<std::uint32_t>(std::nearbyint(std::ldexp(magnitude, kMantissaBits + 1 - exponent)));
        // A mantissa that rounds up to the next power of two carries into the exponent, the largest one into infinity.
        rounded = (static_cast<std::uint32_t>(exponent - 1 + kBias) << kMantissaBits) + scaled -
                  (1u << kMantissaBits);
      }
    }
    return {static_cast<std::uint16_t>(sign | rounded)};
  }
};
using Float16 = Narrow<10>;
using Bfloat16 = Narrow<7>;
struct Bool {
  std::uint8_t value;
};

template <typename T>
struct Tag {
  using Type = T;
};

// Calls function(Tag<T>{}) with the C++ type of a numeric element type.
template <typename Function>
void WithType(ElementType type, Function function) {
  switch (type) {
    case ElementType::kFloat16:
      return function(Tag<Float16>{});
    case ElementType::kFloat32:
      return function(Tag<float>{});
    case ElementType::kFloat64:
      return function(Tag<double>{});
    case ElementType::kInt8:
      return function(Tag<std::int8_t>{});
    case ElementType::kInt16:
      return function(Tag<std::int16_t>{});
    case ElementType::kInt32:
      return function(Tag<std::int32_t>{});
    case ElementType::kInt64:
      return function(Tag<std::int64_t>{});
    case ElementType::kUint8:
      return function(Tag<std::uint8_t>{});
    case ElementType::kUint16:
      return function(Tag<std::uint16_t>{});
    case ElementType::kUint32:
      return function(Tag<std::uint32_t>{});
    case ElementType::kUint64:
      return function(Tag<std::uint64_t>{});
    case ElementType::kBool:
      return function(Tag<Bool>{});
    case ElementType::kBfloat16:
      return function(Tag<Bfloat16>{});
    case ElementType::kString:
      break;
  }
  PADDOCK_CHECK(false, "text has no arithmetic");
}

// The arithmetic type that holds every value of T.
template <typename T>
auto Widen(T value) {
  if constexpr (std::is_same_v<T, Float16> || std::is_same_v<T, Bfloat16>) {
    return value.AsDouble();
  } else if constexpr (std::is_same_v<T, Bool>) {
    return std::uint8_t{value.value != 0};
  } else {
    return value;
  }
}

template <typename To, typename Wide>
To Convert(Wide value) {
  if constexpr (std::is_same_v<To, Float16> || std::is_same_v<To, Bfloat16>) {
    return To::FromDouble(static_cast<double>(value));
  } else if constexpr (std::is_same_v<To, Bool>) {
    return Bool{static_cast<std::uint8_t>(value != Wide{0})};
  } else if constexpr (std::is_floating_point_v<To>) {
    return static_cast<To>(value);
  } else if constexpr (std::is_floating_point_v<Wide>) {
    using Limits = std::numeric_limits<To>;
    if (std::isnan(value)) return 0;
    // Both bounds as doubles are powers of two or exact, so what passes is in range after truncation.
    if (static_cast<double>(value) <= static_cast<double>(Limits::min())) return Limits::min();
    if (static_cast<double>(value) >= static_cast<double>(Limits::max())) return Limits::max();
    return static_cast<To>(value);
  } else {
    using Limits = std::numeric_limits<To>;
    if (std::cmp_less(value, Limits::min())) return Limits::min();
    if (std::cmp_greater(value, Limits::max())) return Limits::max();
    return static_cast<To>(value);
  }
}

// out[i] = function(in[i], i) for every element; `function` takes the widened value and gives what Convert<To> takes.
template <typename From, typename To, typename Function>
Tensor Map(const Tensor& tensor, TensorInfo result, Function function) {
  const std::size_t count = tensor.bytes.size() / sizeof(From);
  Tensor mapped{std::move(result), std::vector<std::byte>(count * sizeof(To))};
  const std::byte* in = tensor.bytes.data();
  std::byte* out = mapped.bytes.data();
  for (std::size_t i = 0; i < count; ++i, in += sizeof(From), out += sizeof(To)) {
    From value;
    std::memcpy(&value, in, sizeof(From));
    const To converted = Convert<To>(function(Widen(value), i));
    std::memcpy(out, &converted, sizeof(To));
  }
  return mapped;
}

template <typename Function>
Tensor MapAny(const Tensor& tensor, const TensorInfo& result, Function function) {
  Tensor mapped;
  WithType(tensor.info.type, [&]<typename From>(Tag<From>) {
    WithType(result.type, [&]<typename To>(Tag<To>) { mapped = Map<From, To>(tensor, result, function); });
  });
  return mapped;
}

// For steps whose arithmetic is in double and whose result is floating.
template <typename Function>
Tensor MapDoubles(const Tensor& tensor, const TensorInfo& result, Function function) {
  Tensor mapped;
  const auto of_double = [&](auto value, std::size_t i) { return function(static_cast<double>(value), i); };
  WithType(tensor.info.type, [&]<typename From>(Tag<From>) {
    if (result.type == ElementType::kFloat16) {
      mapped = Map<From, Float16>(tensor, result, of_double);
    } else if (result.type == ElementType::kBfloat16) {
      mapped = Map<From, Bfloat16>(tensor, result, of_double);
    } else if (result.type == ElementType::kFloat64) {
      mapped = Map<From, double>(tensor, result, of_double);
    } else {
      mapped = Map<From, float>(tensor, result, of_double);
    }
  });
  return mapped;
}

Tensor Apply(const CastStep&, Tensor tensor, TensorInfo result) {
  return MapAny(tensor, result, [](auto value, std::size_t) { return value; });
}

Tensor Apply(const ScaleStep& step, Tensor tensor, TensorInfo result) {
  return MapDoubles(tensor, result,
                    [&](double value, std::size_t) { return value * step.factor + step.offset; });
}

Tensor Apply(const NormalizeStep& step, Tensor tensor, TensorInfo result) {
  std::size_t size = 1;
  std::size_t stride = 1;
  if (step.mean.size() > 1 || step.std.size() > 1) {
    const auto axis = static_cast<std::size_t>(step.axis);
    size = static_cast<std::size_t>(result.shape[axis]);
    for (std::size_t d = axis + 1; d < result.shape.size(); ++d)
      stride *= static_cast<std::size_t>(result.shape[d]);
  }
  return MapDoubles(tensor, result, [&](double value, std::size_t i) {
    const std::size_t index = i / stride % size;
    return (value - step.mean[step.mean.size() > 1 ? index : 0]) / step.std[step.std.size() > 1 ? index : 0];
  });
}

Tensor Apply(const DequantizeStep& step, Tensor tensor, TensorInfo result) {
  const auto scale = static_cast<float>(step.scale);
  const auto zero_point = static_cast<double>(step.zero_point);
  Tensor mapped;
  WithType(tensor.info.type, [&]<typename From>(Tag<From>) {
    mapped = Map<From, float>(tensor, result, [&](auto value, std::size_t) {
      return static_cast<float>(static_cast<double>(value) - zero_point) * scale;
    });
  });
  return mapped;
}

Tensor Apply(const QuantizeStep& step, Tensor tensor, TensorInfo result) {
  const auto zero_point = static_cast<double>(step.zero_point);
  return MapAny(tensor, result, [&](auto value, std::size_t) {
    double quotient = 0;
    if constexpr (std::is_same_v<decltype(value), double>) {
      quotient = value / step.scale;
    } else {
      quotient = static_cast<float>(value) / static_cast<float>(step.scale);
    }
    return std::isnan(quotient) ? zero_point : std::nearbyint(quotient) + zero_point;
  });
}

Tensor Apply(const TransposeStep& step, Tensor tensor, TensorInfo result) {
  const std::size_t element = ElementSize(result.type);
  const std::size_t rank = step.axes.size();
  // In the order of the result's dimensions: size, and distance in the source between neighbours along it.
  std::vector<std::size_t> sizes(rank);
  std::vector<std::size_t> strides(rank);
  for (std::size_t d = 0; d < rank; ++d) {
    sizes[d] = static_cast<std::size_t>(result.shape[d + 1]);
    strides[d] = element;
    for (std::size_t s = static_cast<std::size_t>(step.axes[d]) + 2; s < tensor.info.shape.size(); ++s) {
      strides[d] *= static_cast<std::size_t>(tensor.info.shape[s]);
    }
  }
  Tensor moved{std::move(result), std::vector<std::byte>(tensor.bytes.size())};
  const auto samples = static_cast<std::size_t>(moved.info.shape[0]);
  const std::size_t sample_bytes = samples == 0 ? 0 : tensor.bytes.size() / samples;
  std::byte* out = moved.bytes.data();
  std::vector<std::size_t> position(rank);
  for (const std::byte* sample = tensor.bytes.data(); out != moved.bytes.data() + moved.bytes.size();
       sample += sample_bytes) {
    std::size_t offset = 0;
    for (std::size_t done = 0; done < sample_bytes; done += element, out += element) {
      std::memcpy(out, sample + offset, element);
      for (std::size_t d = rank; d-- > 0;) {
        offset += strides[d];
        if (++position[d] < sizes[d]) break;
        offset -= strides[d] * sizes[d];
        position[d] = 0;
      }
    }
  }
  return moved;
}

Tensor Apply(const ReshapeStep&, Tensor tensor, TensorInfo result) {
  tensor.info = std::move(result);
  return tensor;
}

Tensor Apply(const ResizeStep& step, const Tensor& tensor, TensorInfo result) {
  return ApplyResize(step, tensor, std::move(result));
}
Tensor Apply(const CropStep&, const Tensor& tensor, TensorInfo result) {
  return ApplyCrop(tensor, std::move(result));
}
Tensor Apply(const ColorStep& step, const Tensor& tensor, TensorInfo result) {
  return ApplyColor(step, tensor, std::move(result));
}
Tensor Apply(const MelStep& step, const Tensor& tensor, TensorInfo result) {
  return ApplyMel(step, tensor, std::move(result));
}

}  // namespace

Tensor ApplyStep(const PreprocessStep& step, Tensor tensor, TensorInfo result) {
  return std::visit([&](const auto& action) { return Apply(action, std::move(tensor), std::move(result)); },
                    step.action);
}

}  // namespace paddock
