#include "prepare/codegen/layout.h"

#include <algorithm>

namespace paddock {
namespace {

// Bases that both lists are products of runs of; absent when there are none.
std::optional<std::vector<std::int64_t>> CommonDigits(std::vector<std::int64_t> a,
                                                      std::vector<std::int64_t> b) {
  std::vector<std::int64_t> digits;
  while (!a.empty() && !b.empty()) {
    const std::int64_t small = std::min(a.back(), b.back());
    if (a.back() % small != 0 || b.back() % small != 0) return std::nullopt;
    digits.push_back(small);
    for (auto* const list : {&a, &b}) {
      list->back() /= small;
      if (list->back() == 1) list->pop_back();
    }
  }
  std::reverse(digits.begin(), digits.end());
  return digits;
}

// The same layout with these digits, each of which is part of one of the layout's.
Layout Split(const Layout& layout, const std::vector<std::int64_t>& digits) {
  std::vector<std::vector<std::size_t>> parts(layout.digits.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < layout.digits.size(); ++i) {
    for (std::int64_t rest = layout.digits[i]; rest > 1; rest /= digits[next++]) parts[i].push_back(next);
  }
  Layout result{.digits = digits, .order = {}};
  for (const std::size_t digit : layout.order)
    result.order.insert(result.order.end(), parts[digit].begin(), parts[digit].end());
  return result;
}

std::vector<std::int64_t> WithoutOnes(const Shape& shape) {
  std::vector<std::int64_t> result;
  for (const std::int64_t size : shape) {
    if (size != 1) result.push_back(size);
  }
  return result;
}

// The digits of each dimension of `shape` in a layout that was refined by it.
std::vector<std::vector<std::size_t>> DigitsByDimension(const Layout& layout, const Shape& shape) {
  std::vector<std::vector<std::size_t>> result(shape.size());
  std::size_t next = 0;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    for (std::int64_t rest = shape[i]; rest > 1; rest /= layout.digits[next++]) result[i].push_back(next);
  }
  return result;
}

}  // namespace

Layout Canonical(const Layout& layout) {
  // A digit joins the one before it when it follows it in memory too.
  const std::size_t count = layout.digits.size();
  std::vector<std::size_t> place(count);
  for (std::size_t i = 0; i < count; ++i) place[layout.order[i]] = i;
  Layout result;
  std::vector<std::size_t> first_place;  // of each joined digit
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0 && place[i] == place[i - 1] + 1) {
      result.digits.back() *= layout.digits[i];
    } else {
      result.digits.push_back(layout.digits[i]);
      first_place.push_back(place[i]);
    }
  }
  for (std::size_t i = 0; i < result.digits.size(); ++i) result.order.push_back(i);
  std::sort(result.order.begin(), result.order.end(),
            [&](std::size_t a, std::size_t b) { return first_place[a] < first_place[b]; });
  return result;
}

bool IsSameLayout(const Layout& a, const Layout& b) {
  const Layout one = Canonical(a);
  const Layout other = Canonical(b);
  return one.digits == other.digits && one.order == other.order;
}

Layout PlainLayout(const Shape& shape) {
  Layout result{.digits = WithoutOnes(shape), .order = {}};
  for (std::size_t i = 0; i < result.digits.size(); ++i) result.order.push_back(i);
  return result;
}

Layout OrderedLayout(const Shape& shape, const std::vector<std::size_t>& order) {
  Layout result = PlainLayout(shape);
  result.order.clear();
  const auto digits = DigitsByDimension(result, shape);
  for (const std::size_t dimension : order)
    result.order.insert(result.order.end(), digits[dimension].begin(), digits[dimension].end());
  return result;
}

std::vector<std::size_t> ChannelsLast(std::size_t rank) {
  std::vector<std::size_t> order = {0};
  for (std::size_t i = 2; i < rank; ++i) order.push_back(i);
  order.push_back(1);
  return order;
}

std::optional<Layout> Refined(const Layout& layout, const Shape& shape) {
  const auto digits = CommonDigits(layout.digits, WithoutOnes(shape));
  if (!digits) return std::nullopt;
  return Split(layout, *digits);
}

std::optional<Layout> TransposedLayout(const Layout& layout, const Shape& shape,
                                       const std::vector<std::int64_t>& permutation) {
  const auto refined = Refined(layout, shape);
  if (!refined) return std::nullopt;
  const auto dimensions = DigitsByDimension(*refined, shape);
  Layout result;
  std::vector<std::size_t> renamed(refined->digits.size());
  for (const std::int64_t dimension : permutation) {
    for (const std::size_t digit : dimensions[static_cast<std::size_t>(dimension)]) {
      renamed[digit] = result.digits.size();
      result.digits.push_back(refined->digits[digit]);
    }
  }
  for (const std::size_t digit : refined->order) result.order.push_back(renamed[digit]);
  return result;
}

std::optional<Layout> WithLast(const Layout& layout, const Shape& shape, std::size_t axis) {
  const auto refined = Refined(layout, shape);
  if (!refined) return std::nullopt;
  const std::vector<std::size_t> last = DigitsByDimension(*refined, shape)[axis];
  Layout result{.digits = refined->digits, .order = {}};
  for (const std::size_t digit : refined->order) {
    if (std::find(last.begin(), last.end(), digit) == last.end()) result.order.push_back(digit);
  }
  result.order.insert(result.order.end(), last.begin(), last.end());
  return result;
}

std::optional<Movement> MovementBetween(const Layout& from, const Layout& to) {
  const Layout here = Canonical(from);
  const Layout there = Canonical(to);
  const auto digits = CommonDigits(here.digits, there.digits);
  if (!digits) return std::nullopt;
  const Layout source = Split(here, *digits);
  const Layout target = Split(there, *digits);
  // The source's memory order is the order of an array's dimensions; the target is a permutation of them.
  Layout moved;
  std::vector<std::size_t> place(digits->size());
  for (std::size_t i = 0; i < source.order.size(); ++i) {
    place[source.order[i]] = i;
    moved.digits.push_back((*digits)[source.order[i]]);
  }
  for (const std::size_t digit : target.order) moved.order.push_back(place[digit]);
  const Layout joined = Canonical(moved);
  Movement movement;
  for (const std::int64_t digit : joined.digits) movement.extents.push_back(static_cast<std::int32_t>(digit));
  for (const std::size_t digit : joined.order)
    movement.permutation.push_back(static_cast<std::int32_t>(digit));
  return movement;
}

std::vector<std::size_t> ElementsInOrder(const Layout& layout) {
  std::vector<std::size_t> strides(layout.digits.size(), 1);
  std::size_t count = 1;
  for (std::size_t i = layout.digits.size(); i-- > 0;) {
    strides[i] = count;
    count *= static_cast<std::size_t>(layout.digits[i]);
  }
  std::vector<std::size_t> result = {0};
  result.reserve(count);
  for (const std::size_t digit : layout.order) {
    std::vector<std::size_t> longer;
    longer.reserve(result.size() * static_cast<std::size_t>(layout.digits[digit]));
    for (const std::size_t element : result) {
      for (std::int64_t i = 0; i < layout.digits[digit]; ++i)
        longer.push_back(element + static_cast<std::size_t>(i) * strides[digit]);
    }
    result = std::move(longer);
  }
  return result;
}

}  // namespace paddock
