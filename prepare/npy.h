// NumPy's .npy format, versions 1.0 to 3.0: magic, version, length of the header, a Python dict literal with `descr`,
// `fortran_order` and `shape`, then the elements (numpy/lib/format.py describes it).
//
// Read are C order and the numeric types f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1, little-endian or without byte order. Everything
// else is INVALID_ARGUMENT that names what was found and how to save the array instead. Foreign bytes: every length is checked
// before it is used. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/status.h"
#include "kpi/tensor.h"

namespace paddock {

// No header of a numeric array comes near this; a reader that has this many bytes of a file can parse any header we accept.
inline constexpr std::size_t kMaxNpyHeaderBytes = 1 << 16;

struct NpyHeader {
  ElementType type = ElementType::kFloat32;
  Shape shape;                     // empty for a scalar
  std::uint64_t header_bytes = 0;  // offset of the first element
  std::uint64_t data_bytes = 0;    // elements times size
};

struct NpyArray {
  ElementType type = ElementType::kFloat32;
  Shape shape;
  std::span<const std::byte> bytes;  // of the argument of ParseNpy
};

// `prefix` is the beginning of the file: all of it, or at least kMaxNpyHeaderBytes.
Result<NpyHeader> ParseNpyHeader(std::string_view prefix);

// A whole file. Bytes missing at the end, or more than the shape asks for, are errors.
Result<NpyArray> ParseNpy(std::string_view file);

}  // namespace paddock
