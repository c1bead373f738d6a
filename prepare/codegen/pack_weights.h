// Weights in the order in which the kernels read them. Pure functions; internal to prepare/codegen/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace paddock {

// For kernels/dot_products.h: [groups][output channels / groups][inputs of one output] as int8, by two channels of a group.
std::vector<std::uint32_t> PackPairs(std::span<const std::int8_t> weights, std::size_t groups,
                                     std::size_t channels_per_group);
// One integer per output channel, 0 beside the last channel of a group that has no second.
std::vector<std::int32_t> PackPairIntegers(std::span<const std::int32_t> integers, std::size_t groups);

// For kernels/depthwise_s8.h: [channel][row][column].
std::vector<std::uint32_t> PackDepthwise(std::span<const std::int8_t> weights, std::size_t rows,
                                         std::size_t columns);
// For kernels/depthwise_3x3_s8.h: [channel][3][3].
std::vector<std::uint32_t> PackDepthwise3x3(std::span<const std::int8_t> weights);

// For kernels/conv_f32.h: [groups][output channels / groups][inputs of one output], by four channels of a group.
std::vector<float> PackFours(std::span<const float> weights, std::size_t groups,
                             std::size_t channels_per_group);
// For kernels/depthwise_f32.h: from [channel][position] to [position][channel].
std::vector<float> PackChannelsLast(std::span<const float> weights, std::size_t channels);

}  // namespace paddock
