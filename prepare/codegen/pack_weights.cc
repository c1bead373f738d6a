#include "prepare/codegen/pack_weights.h"

namespace paddock {
namespace {

std::uint32_t Word(std::int8_t byte0, std::int8_t byte1, std::int8_t byte2, std::int8_t byte3) {
  const auto bits = [](std::int8_t byte) { return std::uint32_t{static_cast<std::uint8_t>(byte)}; };
  return bits(byte0) | bits(byte1) << 8 | bits(byte2) << 16 | bits(byte3) << 24;
}

// The weights of one output channel; 0 behind their end, and everywhere for a channel that is missing.
class ChannelWeights {
 public:
  ChannelWeights(std::span<const std::int8_t> weights, std::size_t inputs, std::size_t channel, bool missing)
      : weights_(missing ? std::span<const std::int8_t>() : weights.subspan(channel * inputs, inputs)) {}
  std::int8_t operator[](std::size_t index) const {
    return index < weights_.size() ? weights_[index] : std::int8_t{0};
  }

 private:
  std::span<const std::int8_t> weights_;
};

}  // namespace

std::vector<std::uint32_t> PackPairs(std::span<const std::int8_t> weights, std::size_t groups,
                                     std::size_t channels_per_group) {
  const std::size_t inputs = weights.size() / (groups * channels_per_group);
  std::vector<std::uint32_t> words;
  for (std::size_t group = 0; group < groups; ++group) {
    for (std::size_t channel = 0; channel < channels_per_group; channel += 2) {
      const std::size_t first = group * channels_per_group + channel;
      const ChannelWeights a(weights, inputs, first, false);
      const ChannelWeights b(weights, inputs, first + 1, channel + 1 == channels_per_group);
      for (std::size_t k = 0; k < inputs; k += 4) {
        words.push_back(Word(a[k], b[k], a[k + 2], b[k + 2]));
        words.push_back(Word(a[k + 1], b[k + 1], a[k + 3], b[k + 3]));
      }
    }
  }
  return words;
}

std::vector<std::int32_t> PackPairIntegers(std::span<const std::int32_t> integers, std::size_t groups) {
  const std::size_t channels_per_group = integers.size() / groups;
  std::vector<std::int32_t> packed;
  for (std::size_t i = 0; i < integers.size(); ++i) {
    packed.push_back(integers[i]);
    if (channels_per_group % 2 == 1 && (i + 1) % channels_per_group == 0) packed.push_back(0);
  }
  return packed;
}

std::vector<std::uint32_t> PackDepthwise(std::span<const std::int8_t> weights, std::size_t rows,
                                         std::size_t columns) {
  std::vector<std::uint32_t> words;
  for (std::size_t begin = 0; begin < weights.size(); begin += rows * columns) {
    const auto at = [&](std::size_t row, std::size_t column) {
      return row < rows ? weights[begin + row * columns + column] : std::int8_t{0};
    };
    for (std::size_t row = 0; row < rows; row += 4) {
      for (std::size_t column = 0; column < columns; ++column)
        words.push_back(Word(at(row, column), at(row + 2, column), at(row + 1, column), at(row + 3, column)));
    }
  }
  return words;
}

std::vector<std::uint32_t> PackDepthwise3x3(std::span<const std::int8_t> weights) {
  std::vector<std::uint32_t> words;
  for (std::size_t begin = 0; begin < weights.size(); begin += 9) {
    for (std::size_t column = begin; column < begin + 3; ++column)
      words.push_back(Word(weights[column], weights[column + 3], weights[column + 3], weights[column + 6]));
  }
  return words;
}

std::vector<float> PackFours(std::span<const float> weights, std::size_t groups,
                             std::size_t channels_per_group) {
  const std::size_t inputs = weights.size() / (groups * channels_per_group);
  std::vector<float> packed;
  for (std::size_t group = 0; group < groups; ++group) {
    for (std::size_t channel = 0; channel < channels_per_group; channel += 4) {
      for (std::size_t k = 0; k < inputs; ++k) {
        for (std::size_t i = channel; i < channel + 4; ++i)
          packed.push_back(i < channels_per_group ? weights[(group * channels_per_group + i) * inputs + k]
                                                  : 0.0F);
      }
    }
  }
  return packed;
}

std::vector<float> PackChannelsLast(std::span<const float> weights, std::size_t channels) {
  const std::size_t positions = weights.size() / channels;
  std::vector<float> packed;
  packed.reserve(weights.size());
  for (std::size_t position = 0; position < positions; ++position) {
    for (std::size_t channel = 0; channel < channels; ++channel)
      packed.push_back(weights[channel * positions + position]);
  }
  return packed;
}

}  // namespace paddock
