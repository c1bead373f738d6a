// One PNG or JPEG image as uint8 [1, height, width, 3] in the order red, green, blue. Told by content.
//
// Grey becomes three equal values, a palette its colours, 16 bits become 8 (rounded), transparency is dropped, an orientation
// noted in EXIF is not applied. JPEG is decoded with the exact integer transform, so the bytes are the same on every machine.
// Foreign bytes: the number of pixels is bounded before anything is allocated; what is cut off or damaged is an error, never a
// grey area. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "kpi/tensor.h"

namespace paddock {

// 75 MB as bytes; to decode a progressive JPEG takes up to twice as much besides.
inline constexpr std::uint64_t kMaxImagePixels = std::uint64_t{24} << 20;
inline constexpr std::uint32_t kMaxImageSide = 65'500;

Result<Tensor> DecodeImage(std::string_view bytes);

// Of DecodeImage(): what begins with their signatures.
Result<Tensor> DecodePng(std::string_view bytes);
Result<Tensor> DecodeJpeg(std::string_view bytes);
// INVALID_ARGUMENT for an image that is too large or empty; else the tensor, not filled.
Result<Tensor> NewImage(std::uint64_t height, std::uint64_t width);

}  // namespace paddock
