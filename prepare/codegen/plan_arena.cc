#include "prepare/codegen/plan_arena.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>

#include "prepare/codegen/kernel_scratch.h"

namespace paddock {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30;
constexpr std::size_t kMostRounds = 2000;
constexpr std::size_t kMostWork = 40'000'000;  // comparisons of blocks, about

// Bytes that keep one place from layer `first` to layer `last`.
struct Block {
  std::uint64_t bytes = 0;
  std::size_t first = 0;
  std::size_t last = 0;
  std::uint64_t offset = 0;
};

struct Blocks {
  std::vector<Block> blocks;
  std::vector<std::size_t> of_value;
  std::vector<std::optional<std::size_t>> of_scratch;  // by layer
};

std::uint64_t Aligned(std::uint64_t bytes) { return (bytes + 3) / 4 * 4; }

Blocks BlocksOf(const Network& network) {
  const std::size_t end = network.layers.size();
  Blocks result;
  result.of_value.resize(network.values.size());
  result.of_scratch.resize(end);
  std::vector<std::size_t> last_read(network.values.size(), 0);
  for (std::size_t l = 0; l < end; ++l) {
    for (const std::uint32_t input : network.layers[l].inputs) last_read[input] = l;
    last_read[network.layers[l].output] = l;
  }
  for (const auto* const kept : {&network.inputs, &network.outputs}) {
    for (const std::uint32_t value : *kept) last_read[value] = end;
  }
  const auto add = [&](std::uint64_t bytes, std::size_t first, std::size_t last) {
    result.blocks.push_back({Aligned(bytes), first, last, 0});
    return result.blocks.size() - 1;
  };
  for (const std::uint32_t input : network.inputs)
    result.of_value[input] = add(network.values[input].Bytes(), 0, end);
  for (std::size_t l = 0; l < end; ++l) {
    const NetworkLayer& layer = network.layers[l];
    std::optional<std::size_t> shared;
    for (std::size_t i = 0; i < layer.inputs.size() && !shared; ++i) {
      if (last_read[layer.inputs[i]] == l && KernelMayOverwrite(layer, network, i))
        shared = result.of_value[layer.inputs[i]];
    }
    const std::size_t last = last_read[layer.output];
    const std::uint64_t bytes = network.values[layer.output].Bytes();
    if (shared) {
      Block& block = result.blocks[*shared];
      block.last = last;
      block.bytes = std::max(block.bytes, Aligned(bytes));
    }
    result.of_value[layer.output] = shared ? *shared : add(bytes, l, last);
    if (const std::uint64_t scratch = KernelScratchBytes(layer, network); scratch > 0)
      result.of_scratch[l] = add(scratch, l, l);
  }
  return result;
}

bool MeetInTime(const Block& a, const Block& b) { return a.first <= b.last && b.first <= a.last; }

// Places the blocks in this order, each at the lowest offset where it meets none that is placed. Answers the arena's size.
std::uint64_t Place(const std::vector<std::size_t>& order, std::vector<Block>* blocks) {
  std::vector<const Block*> placed;  // by offset
  std::uint64_t size = 0;
  for (const std::size_t index : order) {
    Block& block = (*blocks)[index];
    block.offset = 0;
    for (const Block* const other : placed) {
      if (!MeetInTime(block, *other)) continue;
      if (block.offset + block.bytes <= other->offset) break;
      block.offset = std::max(block.offset, other->offset + other->bytes);
    }
    size = std::max(size, block.offset + block.bytes);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), &block,
                                   [](const Block* a, const Block* b) { return a->offset < b->offset; }),
                  &block);
  }
  return size;
}

std::uint64_t LeastBytes(const std::vector<Block>& blocks, std::size_t layers, std::size_t* layer) {
  std::vector<std::uint64_t> used(layers + 1, 0);
  for (const Block& block : blocks) {
    for (std::size_t l = block.first; l <= block.last; ++l) used[l] += block.bytes;
  }
  const auto most = std::max_element(used.begin(), used.end());
  *layer = static_cast<std::size_t>(most - used.begin());
  return *most;
}

}  // namespace

std::uint64_t LeastArenaBytes(const Network& network, std::size_t* layer) {
  return LeastBytes(BlocksOf(network).blocks, network.layers.size(), layer);
}

Status PlanArena(Network* network) {
  Blocks result = BlocksOf(*network);
  std::vector<Block>& blocks = result.blocks;
  std::size_t layer = 0;
  const std::uint64_t least = LeastBytes(blocks, network->layers.size(), &layer);
  std::vector<std::size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return blocks[a].bytes > blocks[b].bytes; });
  // Large blocks first; then two blocks change their turns, again and again, and what is no better is taken back.
  network->arena_bytes = Place(order, &blocks);
  std::vector<Block> tried = blocks;
  std::minstd_rand random(1);
  const std::size_t rounds =
      std::min<std::size_t>(kMostRounds, kMostWork / (blocks.size() * blocks.size() + 1));
  for (std::size_t round = 0; round < rounds && network->arena_bytes > least; ++round) {
    std::size_t& one = order[random() % order.size()];
    std::size_t& other = order[random() % order.size()];
    std::swap(one, other);
    const std::uint64_t bytes = Place(order, &tried);
    if (bytes > network->arena_bytes) {
      std::swap(one, other);
      continue;
    }
    blocks = tried;
    network->arena_bytes = bytes;
  }
  if (network->arena_bytes > kMostBytes) {
    return ResourceExhaustedError("network '" + network->name + "' needs " +
                                  std::to_string(network->arena_bytes >> 20) +
                                  " MiB for its values, over 1 GiB; take a smaller model or input");
  }
  for (std::size_t v = 0; v < network->values.size(); ++v)
    network->values[v].arena_offset = static_cast<std::uint32_t>(blocks[result.of_value[v]].offset);
  for (std::size_t l = 0; l < network->layers.size(); ++l) {
    network->layers[l].scratch_bytes = KernelScratchBytes(network->layers[l], *network);
    if (const auto scratch = result.of_scratch[l])
      network->layers[l].scratch_offset = static_cast<std::uint32_t>(blocks[*scratch].offset);
  }
  return OkStatus();
}

}  // namespace paddock
