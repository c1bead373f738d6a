#include "prepare/codegen/draft_editor.h"

#include <algorithm>
#include <utility>

namespace paddock {

DraftEditor::DraftEditor(Draft* draft)
    : draft_(*draft),
      dead_(draft->nodes.size()),
      is_output_(draft->values.size()),
      maker_(draft->values.size()),
      readers_(draft->values.size()) {
  for (std::size_t n = 0; n < draft_.nodes.size(); ++n) {
    maker_[draft_.nodes[n].output] = n;
    for (const std::size_t input : draft_.nodes[n].inputs) readers_[input].push_back(n);
  }
  for (const std::size_t output : draft_.outputs) is_output_[output] = true;
}

DraftNode* DraftEditor::Maker(std::size_t value) {
  return maker_[value] ? &draft_.nodes[*maker_[value]] : nullptr;
}

std::optional<std::size_t> DraftEditor::OnlyReader(std::size_t value) const {
  if (is_output_[value] || readers_[value].size() != 1) return std::nullopt;
  return readers_[value][0];
}

DraftNode* DraftEditor::OnlyMakerFor(std::size_t value) { return OnlyReader(value) ? Maker(value) : nullptr; }

std::size_t DraftEditor::AddValue(DraftValue value) {
  draft_.values.push_back(std::move(value));
  is_output_.push_back(false);
  maker_.emplace_back();
  readers_.emplace_back();
  return draft_.values.size() - 1;
}

std::size_t DraftEditor::AddNode(DraftNode node) {
  const std::size_t index = draft_.nodes.size();
  maker_[node.output] = index;
  for (const std::size_t input : node.inputs) readers_[input].push_back(index);
  draft_.nodes.push_back(std::move(node));
  dead_.push_back(false);
  return index;
}

void DraftEditor::SetInput(std::size_t node, std::size_t position, std::size_t value) {
  std::size_t& input = draft_.nodes[node].inputs[position];
  readers_[input].erase(std::find(readers_[input].begin(), readers_[input].end(), node));
  input = value;
  readers_[value].push_back(node);
}

void DraftEditor::SetOutput(std::size_t node, std::size_t value) {
  maker_[draft_.nodes[node].output].reset();
  draft_.nodes[node].output = value;
  maker_[value] = node;
}

void DraftEditor::Kill(std::size_t node) {
  if (dead_[node]) return;
  dead_[node] = true;
  for (const std::size_t input : draft_.nodes[node].inputs) {
    auto& readers = readers_[input];
    readers.erase(std::find(readers.begin(), readers.end(), node));
  }
  if (maker_[draft_.nodes[node].output] == node) maker_[draft_.nodes[node].output].reset();
}

void DraftEditor::Replace(std::size_t old, std::size_t value) {
  for (const std::size_t reader : readers_[old]) {
    for (std::size_t& input : draft_.nodes[reader].inputs) {
      if (input == old) input = value;
    }
    readers_[value].push_back(reader);
  }
  readers_[old].clear();
  for (std::size_t& output : draft_.outputs) {
    if (output == old) output = value;
  }
  is_output_[value] = is_output_[value] || is_output_[old];
  is_output_[old] = false;
}

void DraftEditor::Finish() {
  std::vector<DraftNode> kept;
  for (std::size_t n = 0; n < draft_.nodes.size(); ++n) {
    if (!dead_[n]) kept.push_back(std::move(draft_.nodes[n]));
  }
  draft_.nodes = std::move(kept);
  SortNodes(&draft_);
}

}  // namespace paddock
