// What a session wants of a board, whatever protocol they speak. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"
#include "device_drivers/mcu/eembc_client.h"
#include "device_drivers/mcu/frame_client.h"
#include "kpi/tensor.h"

namespace paddock {

// Of all inferences of an Infer(), without those of the warm-up.
struct BoardRun {
  std::uint64_t duration_ns = 0;
  std::optional<std::uint64_t> cycles{};  // of its processor; absent where only a time is told
};

// Errors are those of the protocol's client.
class BoardClient {
 public:
  virtual ~BoardClient() = default;
  // In the order of the model's inputs; the bytes must outlive the next Infer() calls until other inputs are loaded.
  virtual Status LoadInputs(std::span<const TensorView> inputs) = 0;
  virtual Result<BoardRun> Infer(std::uint32_t inferences, std::uint32_t warmups) = 0;
  // Of the last Infer(), the bytes of each.
  virtual Result<std::vector<std::vector<std::byte>>> ReadOutputs() = 0;
  // Runs the network once: the counter over each layer. UNIMPLEMENTED where the protocol cannot.
  virtual Result<std::vector<std::uint64_t>> Profile(std::size_t layers) = 0;
};

// Counters of the core; others count at a rate of their own.
bool CountsCycles(const FrameAbility& ability);
// Rounded to the nearest. REQUIRES: counter_hz > 0.
std::uint64_t CountsToNs(std::uint64_t counts, std::uint64_t counter_hz);

std::unique_ptr<BoardClient> MakeTextBoard(EembcClient client, std::vector<TensorInfo> outputs);
std::unique_ptr<BoardClient> MakeFrameBoard(FrameClient client, const FrameAbility& ability,
                                            std::vector<TensorInfo> outputs);

// Bytes of a tensor; open dimensions count as 1. Empty for strings and overflow.
std::optional<std::size_t> TensorBytes(const TensorInfo& info);

// The tensor whose elements, dequantised and printed, read `numbers`: real = scale * (integer - zero_point), rounded to the
// nearest integer and into the type's range; integers without quantisation are themselves.
// INVALID_ARGUMENT: decimals for integers without quantisation. UNIMPLEMENTED: a type that no microcontroller prints.
Result<std::vector<std::byte>> TensorFromNumbers(const TensorInfo& info, std::span<const double> numbers);

}  // namespace paddock
