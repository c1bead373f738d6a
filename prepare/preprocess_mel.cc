#include "prepare/preprocess_mel.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstring>
#include <numbers>
#include <utility>
#include <vector>

namespace paddock {
namespace {

using std::numbers::pi;

constexpr double kSmallest = 1e-12;  // what is added up to less counts as this before the logarithm
constexpr std::int64_t kMaxFft = 1 << 16;
constexpr std::int64_t kMaxBands = 1024;
constexpr double kMaxRateHz = 1e6;
constexpr std::int64_t kMaxLength = std::int64_t{1} << 26;

struct Frames {
  std::int64_t window = 0;  // in samples
  std::int64_t stride = 0;
  std::int64_t fft = 0;
  std::int64_t length = 0;  // of what frames are taken from
  std::int64_t count = 0;
};

std::int64_t SamplesIn(double seconds, double rate_hz) {
  const double samples = seconds * rate_hz;
  return samples > 0 && samples <= static_cast<double>(kMaxLength) ? std::llround(samples) : -1;
}

Result<Frames> FramesOf(const MelStep& step, std::int64_t length) {
  Frames frames;
  frames.window = SamplesIn(step.window_s, step.sample_rate_hz);
  frames.stride = SamplesIn(step.stride_s, step.sample_rate_hz);
  if (frames.window < 2 || frames.window > kMaxFft || frames.stride < 1) {
    return InvalidArgumentError("needs a window_s of 2 to " + std::to_string(kMaxFft) +
                                " samples and a stride_s of at least one");
  }
  frames.fft = step.fft_size.value_or(
      static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(frames.window))));
  if (frames.fft < frames.window || frames.fft > kMaxFft ||
      !std::has_single_bit(static_cast<std::uint64_t>(frames.fft))) {
    return InvalidArgumentError("needs as fft_size a power of two from the window's " +
                                std::to_string(frames.window) + " samples to " + std::to_string(kMaxFft));
  }
  frames.length = step.duration_s ? SamplesIn(*step.duration_s, step.sample_rate_hz) : length;
  if (frames.length < frames.window) {
    return InvalidArgumentError("takes windows of " + std::to_string(frames.window) +
                                " samples and a recording has " +
                                std::to_string(std::max<std::int64_t>(frames.length, 0)) +
                                "; give duration_s, to which recordings are cut or padded with silence");
  }
  frames.count = 1 + (frames.length - frames.window) / frames.stride;
  return frames;
}

double MelOf(double hz) { return 1127 * std::log1p(hz / 700); }

// Which triangle a bin is on the falling side of, and its weight there; the next one gets the rest.
struct MelBin {
  std::int64_t band = 0;  // -1: only the first one's rising side
  double weight = 0;
};

class MelBank {
 public:
  MelBank(const MelStep& step, std::int64_t fft) : bands_(step.bands) {
    const double low = MelOf(step.low_hz);
    const double spacing = (MelOf(step.high_hz) - low) / static_cast<double>(bands_ + 1);
    const double hz_per_bin = step.sample_rate_hz / static_cast<double>(fft);
    first_ = static_cast<std::int64_t>(1.5 + step.low_hz / hz_per_bin);
    const std::int64_t last = std::min(static_cast<std::int64_t>(step.high_hz / hz_per_bin), fft / 2);
    std::int64_t band = 0;
    for (std::int64_t bin = first_; bin <= last; ++bin) {
      const double mel = MelOf(static_cast<double>(bin) * hz_per_bin);
      const auto centre = [&](std::int64_t i) { return low + spacing * static_cast<double>(i + 1); };
      while (band < bands_ && centre(band) < mel) ++band;
      bins_.push_back({band - 1, (centre(band) - mel) / spacing});
    }
  }

  std::vector<double> Logarithms(const std::vector<std::complex<double>>& spectrum) const {
    std::vector<double> sums(static_cast<std::size_t>(bands_));
    const auto add = [&](std::int64_t band, double value) {
      if (band >= 0 && band < bands_) sums[static_cast<std::size_t>(band)] += value;
    };
    for (std::size_t i = 0; i < bins_.size(); ++i) {
      const double magnitude = std::sqrt(std::norm(spectrum[static_cast<std::size_t>(first_) + i]));
      const double falling = magnitude * bins_[i].weight;
      add(bins_[i].band, falling);
      add(bins_[i].band + 1, magnitude - falling);
    }
    for (double& sum : sums) sum = std::log(std::max(sum, kSmallest));
    return sums;
  }

 private:
  std::int64_t bands_;
  std::int64_t first_ = 0;  // bin
  std::vector<MelBin> bins_;
};

// In place, radix 2, forwards. REQUIRES: the size is a power of two.
class Fft {
 public:
  explicit Fft(std::size_t size) : turns_(size / 2) {
    for (std::size_t i = 0; i < turns_.size(); ++i)
      turns_[i] = std::polar(1.0, -2 * pi * static_cast<double>(i) / static_cast<double>(size));
  }
  void Transform(std::vector<std::complex<double>>& values) const {
    const std::size_t size = values.size();
    for (std::size_t i = 1, j = 0; i < size; ++i) {  // j: i with its bits in reverse
      std::size_t bit = size >> 1;
      for (; (j & bit) != 0; bit >>= 1) j ^= bit;
      j |= bit;
      if (i < j) std::swap(values[i], values[j]);
    }
    for (std::size_t half = 1; half < size; half *= 2) {
      const std::size_t step = size / 2 / half;
      for (std::size_t begin = 0; begin < size; begin += 2 * half) {
        for (std::size_t k = 0; k < half; ++k) {
          const std::complex<double> odd = values[begin + half + k] * turns_[k * step];
          values[begin + half + k] = values[begin + k] - odd;
          values[begin + k] += odd;
        }
      }
    }
  }

 private:
  std::vector<std::complex<double>> turns_;
};

double SoundAt(const Tensor& tensor, std::size_t index) {
  if (tensor.info.type == ElementType::kInt16) {
    std::int16_t value = 0;
    std::memcpy(&value, tensor.bytes.data() + index * sizeof(value), sizeof(value));
    return value / 32768.0;
  }
  float value = 0;
  std::memcpy(&value, tensor.bytes.data() + index * sizeof(value), sizeof(value));
  return static_cast<double>(value);
}

std::vector<double> Cosines(const std::vector<double>& logarithms, std::int64_t coefficients) {
  const auto bands = static_cast<double>(logarithms.size());
  std::vector<double> result(static_cast<std::size_t>(coefficients));
  for (std::size_t i = 0; i < result.size(); ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < logarithms.size(); ++j)
      sum += logarithms[j] * std::cos(pi / bands * static_cast<double>(i) * (static_cast<double>(j) + 0.5));
    result[i] = std::sqrt(2 / bands) * sum;
  }
  return result;
}

}  // namespace

Result<TensorInfo> MelInfo(const MelStep& step, TensorInfo info) {
  if (info.shape.size() != 2 || (info.type != ElementType::kFloat32 && info.type != ElementType::kInt16)) {
    return InvalidArgumentError("takes samples [length] of float32 or int16 and the data are " +
                                TensorText(info) + "; put it before other steps");
  }
  if (!(step.sample_rate_hz > 0 && step.sample_rate_hz <= kMaxRateHz))
    return InvalidArgumentError("needs a sample_rate_hz above 0, at most 1000000");
  if (!(step.low_hz >= 0 && step.high_hz > step.low_hz && step.high_hz <= step.sample_rate_hz / 2))
    return InvalidArgumentError(
        "needs low_hz of 0 or more, and high_hz above it, at most half of sample_rate_hz");
  if (step.bands < 1 || step.bands > kMaxBands)
    return InvalidArgumentError("needs 1 to " + std::to_string(kMaxBands) + " bands");
  if (step.kind == MelKind::kMfcc && (step.coefficients < 1 || step.coefficients > step.bands))
    return InvalidArgumentError("needs 1 coefficient at least, and at most as many as bands");
  PADDOCK_ASSIGN_OR_RETURN(const Frames frames, FramesOf(step, info.shape[1]));
  info.type = ElementType::kFloat32;
  info.shape = {info.shape[0], frames.count, step.kind == MelKind::kMfcc ? step.coefficients : step.bands};
  if (ElementCount(info.shape)) return info;
  return InvalidArgumentError("would make " + ShapeText(info.shape) +
                              "; take fewer bands or a longer stride");
}

Tensor ApplyMel(const MelStep& step, const Tensor& tensor, TensorInfo result) {
  const auto samples = static_cast<std::size_t>(tensor.info.shape[0]);
  const auto length = static_cast<std::size_t>(tensor.info.shape[1]);
  const Frames frames = *FramesOf(step, tensor.info.shape[1]);
  const auto window = static_cast<std::size_t>(frames.window);
  const MelBank bank(step, frames.fft);
  const Fft fft(static_cast<std::size_t>(frames.fft));
  std::vector<double> weights(window);
  for (std::size_t i = 0; i < window; ++i)
    weights[i] = 0.5 - 0.5 * std::cos(2 * pi * static_cast<double>(i) / static_cast<double>(window));

  Tensor features{std::move(result), {}};
  features.bytes.reserve(ElementCount(features.info.shape).value_or(0) * sizeof(float));
  std::vector<std::complex<double>> values(static_cast<std::size_t>(frames.fft));
  for (std::size_t n = 0; n < samples; ++n) {
    for (std::int64_t frame = 0; frame < frames.count; ++frame) {
      const auto begin = static_cast<std::size_t>(frame * frames.stride);
      std::fill(values.begin(), values.end(), 0.0);
      for (std::size_t i = 0; i < window && begin + i < length; ++i)
        values[i] = weights[i] * SoundAt(tensor, n * length + begin + i);
      fft.Transform(values);
      std::vector<double> row = bank.Logarithms(values);
      if (step.kind == MelKind::kMfcc) row = Cosines(row, step.coefficients);
      for (const double value : row) {
        const auto narrow = static_cast<float>(value);
        const auto* bytes = reinterpret_cast<const std::byte*>(&narrow);
        features.bytes.insert(features.bytes.end(), bytes, bytes + sizeof(narrow));
      }
    }
  }
  return features;
}

}  // namespace paddock
