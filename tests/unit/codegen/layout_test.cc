#include "prepare/codegen/layout.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <random>

namespace paddock {
namespace {

using Elements = std::vector<std::size_t>;

// An array whose dimension i is dimension permutation[i] of `from`, which has these sizes.
template <typename Sizes, typename Permutation>
Elements TransposedArray(const Elements& from, const Sizes& sizes, const Permutation& permutation) {
  Elements result;
  std::vector<std::size_t> at(sizes.size(), 0);
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t place = 0;
    for (std::size_t d = 0; d < sizes.size(); ++d) {
      const auto found = std::find(permutation.begin(), permutation.end(), static_cast<int>(d));
      place = place * static_cast<std::size_t>(sizes[d]) +
              at[static_cast<std::size_t>(found - permutation.begin())];
    }
    result.push_back(from[place]);
    for (std::size_t d = sizes.size(); d-- > 0;) {
      if (++at[d] < static_cast<std::size_t>(sizes[static_cast<std::size_t>(permutation[d])])) break;
      at[d] = 0;
    }
  }
  return result;
}

Elements Chosen(const Elements& from, const Elements& places) {
  Elements result;
  for (const std::size_t place : places) result.push_back(from[place]);
  return result;
}

TEST_CASE("NHWC is a layout of an NCHW value, and transposing it back is no work", "[codegen]") {
  const Shape shape = {1, 3, 4, 5};
  const Layout nhwc = OrderedLayout(shape, ChannelsLast(4));
  CHECK_FALSE(IsSameLayout(nhwc, PlainLayout(shape)));
  const auto turned = TransposedLayout(nhwc, shape, {0, 2, 3, 1});
  REQUIRE(turned);
  CHECK(IsSameLayout(*turned, PlainLayout({1, 4, 5, 3})));
  CHECK(IsSameLayout(OrderedLayout({1, 7, 1, 1}, ChannelsLast(4)), PlainLayout({7})));
  CHECK(IsSameLayout(OrderedLayout({1, 1, 6, 5}, ChannelsLast(4)), PlainLayout({30})));
  const auto movement = MovementBetween(PlainLayout(shape), nhwc);
  REQUIRE(movement);
  CHECK(movement->extents == std::vector<std::int32_t>{3, 20});
  CHECK(movement->permutation == std::vector<std::int32_t>{1, 0});
}

TEST_CASE("any chain of transpositions and reshapes keeps track of every element", "[codegen]") {
  std::mt19937 random(7);
  const std::vector<Shape> shapes = {{1, 4, 6, 10}, {24, 10}, {2, 2, 1, 60},
                                     {8, 3, 5, 2},  {240},    {1, 16, 15, 1}};
  for (int chain = 0; chain < 200; ++chain) {
    Shape shape = shapes[random() % shapes.size()];
    Layout layout = PlainLayout(shape);
    Elements model(240);  // in the model's order
    std::iota(model.begin(), model.end(), std::size_t{0});
    Elements bytes = model;
    for (int step = 0; step < 6; ++step) {
      std::vector<std::int64_t> permutation(shape.size());
      std::iota(permutation.begin(), permutation.end(), 0);
      std::shuffle(permutation.begin(), permutation.end(), random);
      const auto turned = TransposedLayout(layout, shape, permutation);
      if (turned) {
        model = TransposedArray(model, shape, permutation);
        layout = *turned;
        Shape result;
        for (const std::int64_t dimension : permutation)
          result.push_back(shape[static_cast<std::size_t>(dimension)]);
        shape = result;
      } else {
        const auto plain = MovementBetween(layout, PlainLayout(shape));
        REQUIRE(plain);
        bytes = TransposedArray(bytes, plain->extents, plain->permutation);
        layout = PlainLayout(shape);
        CHECK(bytes == model);
      }
      REQUIRE(bytes == Chosen(model, ElementsInOrder(layout)));
      CHECK(IsSameLayout(layout, Canonical(layout)));
      shape = shapes[random() % shapes.size()];
    }
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const auto last = WithLast(layout, shape, axis);
      const auto movement = last ? MovementBetween(layout, *last) : std::nullopt;
      if (!movement) continue;
      const Elements moved = TransposedArray(bytes, movement->extents, movement->permutation);
      REQUIRE(moved == Chosen(model, ElementsInOrder(*last)));
    }
  }
}

}  // namespace
}  // namespace paddock
