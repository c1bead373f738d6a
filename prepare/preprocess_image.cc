#include "prepare/preprocess_image.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

namespace paddock {
namespace {

constexpr std::int64_t kMaxSide = 16'384;

Status CheckImage(const TensorInfo& info) {
  if (info.shape.size() != 4 || *std::min_element(info.shape.begin() + 1, info.shape.end()) < 1) {
    return InvalidArgumentError("takes samples [height, width, channels] and the data are " +
                                TensorText(info) +
                                "; put it before a transpose, or reshape the samples first");
  }
  if (info.type != ElementType::kUint8 && info.type != ElementType::kFloat32) {
    return InvalidArgumentError("takes uint8 or float32 and the data are " +
                                std::string(ElementTypeName(info.type)) + "; cast them to float32 first");
  }
  return OkStatus();
}

Status CheckSides(std::int64_t height, std::int64_t width) {
  if (height >= 1 && width >= 1 && height <= kMaxSide && width <= kMaxSide) return OkStatus();
  return InvalidArgumentError("needs a height and a width from 1 to " + std::to_string(kMaxSide));
}

struct ImageSize {
  std::size_t samples, height, width, channels;
  std::size_t elements() const { return height * width * channels; }
};
ImageSize SizeOf(const TensorInfo& info) {
  const auto at = [&](std::size_t d) { return static_cast<std::size_t>(info.shape[d]); };
  return {at(0), at(1), at(2), at(3)};
}

// Where along one axis a value of the result lies in the source, pixels being squares around half numbers.
struct Place {
  std::size_t low;
  std::size_t high;
  double part;  // of `high`
};
std::vector<Place> Places(std::size_t from, std::size_t to, ResizeMethod method) {
  std::vector<Place> places(to);
  for (std::size_t i = 0; i < to; ++i) {
    const double centre =
        (static_cast<double>(i) + 0.5) * static_cast<double>(from) / static_cast<double>(to);
    if (method == ResizeMethod::kNearest) {
      const std::size_t nearest = std::min(static_cast<std::size_t>(centre), from - 1);
      places[i] = {nearest, nearest, 0};
    } else {
      const double position = std::clamp(centre - 0.5, 0.0, static_cast<double>(from - 1));
      const auto low = static_cast<std::size_t>(position);
      places[i] = {low, std::min(low + 1, from - 1), position - static_cast<double>(low)};
    }
  }
  return places;
}

template <typename T>
T Rounded(double value) {
  if constexpr (std::is_integral_v<T>) value = std::nearbyint(value);
  return static_cast<T>(value);
}

template <typename T>
void Resize(const ResizeStep& step, const T* in, const ImageSize& from, T* out, const ImageSize& to) {
  const std::vector<Place> rows = Places(from.height, to.height, step.method);
  const std::vector<Place> columns = Places(from.width, to.width, step.method);
  for (std::size_t n = 0; n < from.samples; ++n, in += from.elements()) {
    for (const Place& y : rows) {
      const T* upper = in + y.low * from.width * from.channels;
      const T* lower = in + y.high * from.width * from.channels;
      for (const Place& x : columns) {
        for (std::size_t c = 0; c < from.channels; ++c) {
          const std::size_t left = x.low * from.channels + c;
          const std::size_t right = x.high * from.channels + c;
          const double above = upper[left] + (static_cast<double>(upper[right]) - upper[left]) * x.part;
          const double below = lower[left] + (static_cast<double>(lower[right]) - lower[left]) * x.part;
          *out++ = Rounded<T>(above + (below - above) * y.part);
        }
      }
    }
  }
}

std::uint8_t Grey(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((19595 * rgb[0] + 38470 * rgb[1] + 7471 * rgb[2] + 32768) >> 16);
}
float Grey(const float* rgb) { return static_cast<float>(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]); }

template <typename T>
void Recolor(const ColorStep& step, const T* in, T* out, std::size_t pixels) {
  for (std::size_t i = 0; i < pixels; ++i, in += 3) {
    if (step.order == ColorOrder::kGray) {
      *out++ = Grey(in);
    } else {
      *out++ = in[2];
      *out++ = in[1];
      *out++ = in[0];
    }
  }
}

Tensor Allocated(TensorInfo info) {
  Tensor tensor{std::move(info), {}};
  tensor.bytes.resize(ElementCount(tensor.info.shape).value_or(0) * ElementSize(tensor.info.type));
  return tensor;
}

template <typename T>
const T* In(const Tensor& tensor) {
  return reinterpret_cast<const T*>(tensor.bytes.data());
}
template <typename T>
T* Out(Tensor& tensor) {
  return reinterpret_cast<T*>(tensor.bytes.data());
}

}  // namespace

Result<TensorInfo> ResizeInfo(const ResizeStep& step, TensorInfo info) {
  PADDOCK_RETURN_IF_ERROR(CheckImage(info));
  PADDOCK_RETURN_IF_ERROR(CheckSides(step.height, step.width));
  info.shape[1] = step.height;
  info.shape[2] = step.width;
  if (ElementCount(info.shape)) return info;
  return InvalidArgumentError("would make " + ShapeText(info.shape) + "; choose a smaller size");
}

Result<TensorInfo> CropInfo(const CropStep& step, TensorInfo info) {
  PADDOCK_RETURN_IF_ERROR(CheckImage(info));
  PADDOCK_RETURN_IF_ERROR(CheckSides(step.height, step.width));
  if (step.height > info.shape[1] || step.width > info.shape[2]) {
    return InvalidArgumentError("crops to " + std::to_string(step.height) + " rows of " +
                                std::to_string(step.width) + " and the image has " +
                                std::to_string(info.shape[1]) + " of " + std::to_string(info.shape[2]) +
                                "; put a resize before it");
  }
  info.shape[1] = step.height;
  info.shape[2] = step.width;
  return info;
}

Result<TensorInfo> ColorInfo(const ColorStep& step, TensorInfo info) {
  PADDOCK_RETURN_IF_ERROR(CheckImage(info));
  if (info.shape[3] != 3) {
    return InvalidArgumentError("takes 3 channels (red, green, blue) and the image has " +
                                std::to_string(info.shape[3]) + "; leave the step out");
  }
  if (step.order == ColorOrder::kGray) info.shape[3] = 1;
  return info;
}

Tensor ApplyResize(const ResizeStep& step, const Tensor& tensor, TensorInfo result) {
  Tensor resized = Allocated(std::move(result));
  const ImageSize from = SizeOf(tensor.info);
  const ImageSize to = SizeOf(resized.info);
  if (tensor.info.type == ElementType::kUint8) {
    Resize(step, In<std::uint8_t>(tensor), from, Out<std::uint8_t>(resized), to);
  } else {
    Resize(step, In<float>(tensor), from, Out<float>(resized), to);
  }
  return resized;
}

Tensor ApplyCrop(const Tensor& tensor, TensorInfo result) {
  Tensor cropped = Allocated(std::move(result));
  const ImageSize from = SizeOf(tensor.info);
  const ImageSize to = SizeOf(cropped.info);
  const std::size_t pixel = from.channels * ElementSize(tensor.info.type);
  const std::size_t top = (from.height - to.height) / 2;
  const std::size_t left = (from.width - to.width) / 2;
  std::byte* out = cropped.bytes.data();
  for (std::size_t n = 0; n < from.samples; ++n) {
    for (std::size_t y = 0; y < to.height; ++y, out += to.width * pixel) {
      const std::size_t first = (n * from.height + top + y) * from.width + left;
      std::memcpy(out, tensor.bytes.data() + first * pixel, to.width * pixel);
    }
  }
  return cropped;
}

Tensor ApplyColor(const ColorStep& step, const Tensor& tensor, TensorInfo result) {
  if (step.order == ColorOrder::kRgb) return {std::move(result), tensor.bytes};
  Tensor colored = Allocated(std::move(result));
  const ImageSize size = SizeOf(tensor.info);
  const std::size_t pixels = size.samples * size.height * size.width;
  if (tensor.info.type == ElementType::kUint8) {
    Recolor(step, In<std::uint8_t>(tensor), Out<std::uint8_t>(colored), pixels);
  } else {
    Recolor(step, In<float>(tensor), Out<float>(colored), pixels);
  }
  return colored;
}

}  // namespace paddock
