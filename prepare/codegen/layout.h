// In which order the elements of a value lie. The elements are counted in the model's order (C order of the model's shape); that
// count is written in digits of mixed base, most significant first, and the bytes are in the order of the same digits permuted.
// NHWC of a [1, C, H, W] is the digits C, H, W in the order H, W, C. Digits of base 1 are left out, so that shapes that differ in
// ones have one layout, and a Reshape changes nothing. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kpi/tensor.h"

namespace paddock {

struct Layout {
  std::vector<std::int64_t> digits{};  // bases, most significant first
  std::vector<std::size_t> order{};    // digit order[i] is i-th in memory, slowest first
};

// Digits that stay together are one: two layouts of as many elements are equal when they put every element at the same place.
Layout Canonical(const Layout& layout);
bool IsSameLayout(const Layout& a, const Layout& b);

Layout PlainLayout(const Shape& shape);
// The dimensions of `shape` lie in this order.
Layout OrderedLayout(const Shape& shape, const std::vector<std::size_t>& order);
// [0, 2, ..., rank - 1, 1]
std::vector<std::size_t> ChannelsLast(std::size_t rank);

// With digits that end where dimensions of `shape` end; absent where the layout mixes dimensions. REQUIRES: as many elements.
std::optional<Layout> Refined(const Layout& layout, const Shape& shape);
// What the layout is of the same bytes when dimension i of the value is dimension permutation[i] of `shape`.
std::optional<Layout> TransposedLayout(const Layout& layout, const Shape& shape,
                                       const std::vector<std::int64_t>& permutation);
// The digits of dimension `axis` moved to the end; absent where the layout mixes dimensions.
std::optional<Layout> WithLast(const Layout& layout, const Shape& shape, std::size_t axis);

// What brings the bytes from one layout to the other: an array of `extents` to be transposed. Absent where one transposition is
// not enough; from and to a plain layout it always is.
struct Movement {
  std::vector<std::int32_t> extents;
  std::vector<std::int32_t> permutation;
};
std::optional<Movement> MovementBetween(const Layout& from, const Layout& to);

// For each place in memory, which element of the model's order lies there.
std::vector<std::size_t> ElementsInOrder(const Layout& layout);

}  // namespace paddock
