#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "prepare/codegen/draft_editor.h"
#include "prepare/codegen/simplify.h"

namespace paddock {
namespace {

// Moves or chooses elements: quantising before it and after it is the same.
bool MovesElements(DraftKind kind) {
  return kind == DraftKind::kReshape || kind == DraftKind::kTranspose || kind == DraftKind::kMaxPool ||
         kind == DraftKind::kPad || kind == DraftKind::kConcat;
}

bool IsClip(const DraftNode& node) {
  return node.kind == DraftKind::kUnary &&
         std::all_of(node.functions.begin(), node.functions.end(), [](const UnaryFunction& function) {
           return function.kind == UnaryFunction::Kind::kClip;
         });
}

// What computes on integers when its inputs and its output are quantised.
bool ComputesOnIntegers(const DraftNode& node) {
  switch (node.kind) {
    case DraftKind::kConvolution:
    case DraftKind::kDense:
      return !node.weights.integers.empty();
    case DraftKind::kAdd:
    case DraftKind::kMul:
      return node.constant.empty();
    case DraftKind::kAffine:
    case DraftKind::kUnary:
    case DraftKind::kAveragePool:
    case DraftKind::kMean:
      return true;
    default:
      return false;
  }
}

class Fuser {
 public:
  explicit Fuser(Draft* draft) : draft_(*draft), editor_(draft) {}

  void Fuse() {
    const std::size_t count = draft_.nodes.size();
    Merge();
    for (std::size_t n = 0; n < count; ++n) PassOnDequantization(n);
    Cancel();
    for (std::size_t n = draft_.nodes.size(); n-- > 0;) PassOnQuantization(n);
    Cancel();
    for (std::size_t n = 0; n < draft_.nodes.size(); ++n) Compute(n);
    DropAtBorders();
    editor_.Finish();
  }

 private:
  bool IsQuantize(std::size_t n) {
    const DraftNode& node = editor_.node(n);
    return !editor_.IsDead(n) && node.kind == DraftKind::kQuantize &&
           editor_.value(node.inputs[0]).type == ElementType::kFloat32;
  }
  // The integers behind a float value.
  std::optional<std::size_t> IntegersOf(std::size_t value) {
    const DraftNode* const maker = editor_.Maker(value);
    if (maker == nullptr || maker->kind != DraftKind::kDequantize) return std::nullopt;
    return maker->inputs[0];
  }
  const Quantization& QuantizationOf(std::size_t value) { return *editor_.value(value).quantization; }

  // Quantising a value twice alike is doing it once; likewise back.
  void Merge() {
    std::map<std::tuple<DraftKind, std::size_t, double, std::int64_t>, std::size_t> known;
    for (std::size_t n = 0; n < draft_.nodes.size(); ++n) {
      const DraftNode& node = editor_.node(n);
      if (!IsQuantize(n) && node.kind != DraftKind::kDequantize) continue;
      const std::size_t integers = node.kind == DraftKind::kDequantize ? node.inputs[0] : node.output;
      const Quantization& by = QuantizationOf(integers);
      const auto [entry, is_new] =
          known.emplace(std::tuple(node.kind, node.inputs[0], by.scale, by.zero_point), node.output);
      if (is_new) continue;
      const std::size_t output = node.output;
      editor_.Kill(n);
      editor_.Replace(output, entry->second);
    }
  }

  // Of dequantised inputs, to behind the node.
  void PassOnDequantization(std::size_t n) {
    const DraftNode& node = editor_.node(n);
    if (editor_.IsDead(n) || (!MovesElements(node.kind) && !IsClip(node))) return;
    if (IsClip(node) && QuantizedReader(node.output)) return;
    std::vector<std::size_t> integers;
    for (const std::size_t input : node.inputs) {
      const auto behind = IntegersOf(input);
      if (!behind || QuantizationOf(*behind) != QuantizationOf(integers.empty() ? *behind : integers[0]))
        return;
      integers.push_back(*behind);
    }
    for (std::size_t i = 0; i < integers.size(); ++i) editor_.SetInput(n, i, integers[i]);
    const std::size_t real = editor_.node(n).output;
    DraftValue made = editor_.value(integers[0]);
    made.name = editor_.value(real).name;
    made.shape = editor_.value(real).shape;
    const std::size_t output = editor_.AddValue(std::move(made));
    editor_.SetOutput(n, output);
    DraftNode back{
        .kind = DraftKind::kDequantize, .name = editor_.node(n).name, .operators = "DequantizeLinear"};
    back.inputs = {output};
    back.output = real;
    editor_.AddNode(std::move(back));
  }

  // The QuantizeLinear that alone reads a value.
  std::optional<std::size_t> QuantizedReader(std::size_t value) {
    const auto reader = editor_.OnlyReader(value);
    if (!reader || !IsQuantize(*reader)) return std::nullopt;
    return reader;
  }

  // What was dequantised is quantised again.
  void Cancel() {
    for (std::size_t n = 0; n < draft_.nodes.size(); ++n) {
      if (!IsQuantize(n)) continue;
      const DraftNode& node = editor_.node(n);
      const auto integers = IntegersOf(node.inputs[0]);
      if (!integers) continue;
      if (QuantizationOf(*integers) != QuantizationOf(node.output)) {
        editor_.SetInput(n, 0, *integers);
        continue;
      }
      const std::size_t output = node.output;
      editor_.Kill(n);
      editor_.Replace(output, *integers);
    }
  }

  // To before what moves elements, over and over.
  void PassOnQuantization(std::size_t first) {
    std::vector<std::size_t> open = {first};
    while (!open.empty()) {
      const std::size_t n = open.back();
      open.pop_back();
      if (!IsQuantize(n)) continue;
      const std::size_t real = editor_.node(n).inputs[0];
      const auto mover = editor_.MakerIndex(real);
      if (!mover || !MovesElements(editor_.node(*mover).kind) || editor_.OnlyReader(real) != n) continue;
      const std::size_t output = editor_.node(n).output;
      const std::string name = editor_.node(n).name;
      editor_.Kill(n);
      for (std::size_t i = 0; i < editor_.node(*mover).inputs.size(); ++i) {
        const std::size_t input = editor_.node(*mover).inputs[i];
        bool is_new = false;
        // A Concat brings what has another quantisation to that of its output.
        const auto integers = IntegersOf(input);
        if (integers && editor_.node(*mover).kind == DraftKind::kConcat) {
          editor_.SetInput(*mover, i, *integers);
          continue;
        }
        const std::size_t quantised = Quantized(input, QuantizationOf(output), name, &is_new);
        if (is_new) open.push_back(*editor_.MakerIndex(quantised));
        editor_.SetInput(*mover, i, quantised);
      }
      editor_.SetOutput(*mover, output);
    }
  }

  // `real` with this quantisation, if need be by a new node.
  std::size_t Quantized(std::size_t real, const Quantization& quantization, const std::string& name,
                        bool* is_new) {
    if (const auto integers = IntegersOf(real); integers && QuantizationOf(*integers) == quantization)
      return *integers;
    for (const std::size_t reader : editor_.Readers(real)) {
      if (IsQuantize(reader) && QuantizationOf(editor_.node(reader).output) == quantization)
        return editor_.node(reader).output;
    }
    DraftValue made = editor_.value(real);
    made.type = ElementType::kInt8;
    made.quantization = quantization;
    DraftNode node{.kind = DraftKind::kQuantize, .name = name, .operators = "QuantizeLinear"};
    node.inputs = {real};
    node.output = editor_.AddValue(std::move(made));
    *is_new = true;
    return editor_.node(editor_.AddNode(std::move(node))).output;
  }

  void Compute(std::size_t n) {
    const DraftNode& node = editor_.node(n);
    if (editor_.IsDead(n) || !ComputesOnIntegers(node)) return;
    const auto quantize = QuantizedReader(node.output);
    if (!quantize) return;
    std::vector<std::size_t> integers;
    for (const std::size_t input : node.inputs) {
      const auto behind = IntegersOf(input);
      if (!behind) return;
      integers.push_back(*behind);
    }
    for (std::size_t i = 0; i < integers.size(); ++i) editor_.SetInput(n, i, integers[i]);
    const std::size_t output = editor_.node(*quantize).output;
    editor_.Kill(*quantize);
    editor_.SetOutput(n, output);
  }

  // The model's inputs and outputs are the integers.
  void DropAtBorders() {
    for (std::size_t& input : draft_.inputs) {
      const auto quantize = QuantizedReader(input);
      if (!quantize) continue;
      const std::size_t integers = editor_.node(*quantize).output;
      editor_.Kill(*quantize);
      editor_.value(integers).name = editor_.value(input).name;
      input = integers;
    }
    for (std::size_t& output : draft_.outputs) output = IntegersOf(output).value_or(output);
  }

  Draft& draft_;
  DraftEditor editor_;
};

}  // namespace

void FuseQuantization(Draft* draft) { Fuser(draft).Fuse(); }

}  // namespace paddock
