// Changes a Draft while keeping track of who makes and who reads each value. One thread; the draft outlives it. Nodes are dead
// after Kill() until Finish() drops them.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "prepare/codegen/draft.h"

namespace paddock {

class DraftEditor {
 public:
  explicit DraftEditor(Draft* draft);

  Draft& draft() { return draft_; }
  DraftNode& node(std::size_t index) { return draft_.nodes[index]; }
  DraftValue& value(std::size_t index) { return draft_.values[index]; }
  bool IsDead(std::size_t node) const { return dead_[node]; }
  bool IsOutput(std::size_t value) const { return is_output_[value]; }
  // Null for what no node makes.
  DraftNode* Maker(std::size_t value);
  std::optional<std::size_t> MakerIndex(std::size_t value) const { return maker_[value]; }
  const std::vector<std::size_t>& Readers(std::size_t value) const { return readers_[value]; }
  // The only reader of what is no output.
  std::optional<std::size_t> OnlyReader(std::size_t value) const;
  // The maker of a value that nobody else reads and that is no output.
  DraftNode* OnlyMakerFor(std::size_t value);

  std::size_t AddValue(DraftValue value);
  std::size_t AddNode(DraftNode node);  // makes a value that nothing makes
  void SetInput(std::size_t node, std::size_t position, std::size_t value);
  // `node` makes `value` from now on, which nothing else makes, or what is dead.
  void SetOutput(std::size_t node, std::size_t value);
  void Kill(std::size_t node);
  // Readers and outputs of `old` have `value` instead.
  void Replace(std::size_t old, std::size_t value);
  // Drops dead nodes and those that reach no output, and orders the others.
  void Finish();

 private:
  Draft& draft_;
  std::vector<bool> dead_;
  std::vector<bool> is_output_;
  std::vector<std::optional<std::size_t>> maker_;
  std::vector<std::vector<std::size_t>> readers_;
};

}  // namespace paddock
