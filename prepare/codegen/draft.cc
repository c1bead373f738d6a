#include "prepare/codegen/draft.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace paddock {

double Apply(const UnaryFunction& function, double x) {
  switch (function.kind) {
    case UnaryFunction::Kind::kClip:
      return std::min(std::max(x, function.a), function.b);
    case UnaryFunction::Kind::kLeakyRelu:
      return x < 0 ? function.a * x : x;
    case UnaryFunction::Kind::kSigmoid:
      return 1 / (1 + std::exp(-x));
    case UnaryFunction::Kind::kTanh:
      return std::tanh(x);
    case UnaryFunction::Kind::kAffine:
      return function.a * x + function.b;
  }
  return x;
}

void SortNodes(Draft* draft) {
  std::vector<std::optional<std::size_t>> maker(draft->values.size());
  for (std::size_t n = 0; n < draft->nodes.size(); ++n) maker[draft->nodes[n].output] = n;
  enum class State { kUnneeded, kNeeded, kPlaced };
  std::vector<State> states(draft->nodes.size(), State::kUnneeded);
  std::vector<std::size_t> open;
  const auto need = [&](std::size_t value) {
    const auto node = maker[value];
    if (!node || states[*node] != State::kUnneeded) return;
    states[*node] = State::kNeeded;
    open.push_back(*node);
  };
  for (const std::size_t output : draft->outputs) need(output);
  while (!open.empty()) {
    const std::size_t node = open.back();
    open.pop_back();
    for (const std::size_t input : draft->nodes[node].inputs) need(input);
  }
  std::vector<std::size_t> order;
  for (std::size_t first = 0; first < draft->nodes.size(); ++first) {
    if (states[first] != State::kNeeded) continue;
    open.push_back(first);
    while (!open.empty()) {
      const std::size_t node = open.back();
      const std::size_t waiting = open.size();
      for (const std::size_t input : draft->nodes[node].inputs) {
        const auto before = maker[input];
        if (before && states[*before] == State::kNeeded) open.push_back(*before);
      }
      if (open.size() > waiting) continue;
      open.pop_back();
      if (states[node] == State::kNeeded) order.push_back(node);
      states[node] = State::kPlaced;
    }
  }
  std::vector<DraftNode> sorted;
  sorted.reserve(order.size());
  for (const std::size_t node : order) sorted.push_back(std::move(draft->nodes[node]));
  draft->nodes = std::move(sorted);
}

}  // namespace paddock
