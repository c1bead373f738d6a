#include "prepare/codegen/simplify.h"

#include <algorithm>
#include <utility>

#include "prepare/codegen/draft_editor.h"

namespace paddock {
namespace {

bool HasBounds(const DraftNode& node) { return node.low != -kNoLimit || node.high != kNoLimit; }

bool CanHaveBounds(DraftKind kind) {
  return kind == DraftKind::kConvolution || kind == DraftKind::kDense || kind == DraftKind::kAdd ||
         kind == DraftKind::kMul || kind == DraftKind::kAffine;
}

bool CanTakeAffine(const Draft& draft, const DraftNode& node, const DraftNode& affine) {
  if (HasBounds(node)) return false;
  const bool is_scalar = affine.factors.size() == 1;
  const std::size_t rank = draft.values[node.output].shape.size();
  if (node.kind == DraftKind::kConvolution) return is_scalar || affine.axis == 1;
  if (node.kind == DraftKind::kDense) return is_scalar || affine.axis + 1 == rank;
  return node.kind == DraftKind::kAffine &&
         (is_scalar || node.factors.size() == 1 || affine.axis == node.axis);
}

void TakeAffine(const DraftNode& affine, DraftWeights* weights) {
  const std::size_t channels = weights->bias.size();
  const std::size_t per_channel = weights->values.size() / channels;
  for (std::size_t c = 0; c < channels; ++c) {
    const std::size_t at = affine.factors.size() == 1 ? 0 : c;
    const double factor = affine.factors[at];
    weights->bias[c] = weights->bias[c] * factor + affine.offsets[at];
    for (std::size_t i = c * per_channel; i < (c + 1) * per_channel; ++i) {
      weights->values[i] = static_cast<float>(factor * static_cast<double>(weights->values[i]));
      if (weights->integers.empty()) continue;
      // A factor of 0 leaves the scale, which must stay above 0.
      if (factor == 0) weights->integers[i] = 0;
      // Loses -128, which is looked after by the caller.
      if (factor < 0) weights->integers[i] = static_cast<std::int8_t>(-weights->integers[i]);
    }
    if (!weights->integers.empty() && factor != 0) weights->scales[c] *= std::abs(factor);
  }
}

void TakeAffine(const DraftNode& affine, DraftNode* before) {
  if (before->factors.size() < affine.factors.size()) {
    before->axis = affine.axis;
    before->factors.resize(affine.factors.size(), before->factors[0]);
    before->offsets.resize(affine.offsets.size(), before->offsets[0]);
  }
  for (std::size_t i = 0; i < before->factors.size(); ++i) {
    const std::size_t at = affine.factors.size() == 1 ? 0 : i;
    before->factors[i] *= affine.factors[at];
    before->offsets[i] = before->offsets[i] * affine.factors[at] + affine.offsets[at];
  }
}

// `node` becomes part of `before`, which makes its output from then on.
void Absorb(DraftEditor* editor, std::size_t before, std::size_t node) {
  editor->node(before).operators += "+" + editor->node(node).operators;
  const std::size_t output = editor->node(node).output;
  editor->Kill(node);
  editor->SetOutput(before, output);
}

}  // namespace

void FoldArithmetic(Draft* draft) {
  DraftEditor editor(draft);
  for (std::size_t n = 0; n < draft->nodes.size(); ++n) {
    DraftNode& node = editor.node(n);
    if (node.kind != DraftKind::kAffine && node.kind != DraftKind::kUnary) continue;
    const std::size_t input = node.inputs[0];
    DraftNode* const before = editor.OnlyMakerFor(input);
    if (before == nullptr) continue;
    const std::size_t maker = *editor.MakerIndex(input);
    if (node.kind == DraftKind::kAffine) {
      if (!CanTakeAffine(*draft, *before, node)) continue;
      if (before->kind == DraftKind::kAffine) {
        TakeAffine(node, before);
      } else {
        const bool turns =
            std::any_of(node.factors.begin(), node.factors.end(), [](double f) { return f < 0; });
        std::vector<std::int8_t>& integers = before->weights.integers;
        const bool has_lowest = std::find(integers.begin(), integers.end(), -128) != integers.end();
        if (turns && has_lowest) continue;
        TakeAffine(node, &before->weights);
      }
      Absorb(&editor, maker, n);
    } else if (before->kind == DraftKind::kUnary) {
      before->functions.insert(before->functions.end(), node.functions.begin(), node.functions.end());
      Absorb(&editor, maker, n);
    } else if (CanHaveBounds(before->kind) && node.functions[0].kind == UnaryFunction::Kind::kClip) {
      before->low = Apply(node.functions[0], before->low);
      before->high = Apply(node.functions[0], before->high);
      Absorb(&editor, maker, n);
    }
  }
  editor.Finish();
}

void FoldPads(Draft* draft) {
  DraftEditor editor(draft);
  for (std::size_t n = 0; n < draft->nodes.size(); ++n) {
    DraftNode& convolution = editor.node(n);
    if (convolution.kind != DraftKind::kConvolution) continue;
    const DraftNode* const pad = editor.OnlyMakerFor(convolution.inputs[0]);
    if (pad == nullptr || pad->kind != DraftKind::kPad || pad->pad_value != 0) continue;
    const std::size_t rank = pad->pads.size() / 2;
    const auto amount = [&](std::size_t axis) { return pad->pads[axis] + pad->pads[rank + axis]; };
    if (amount(0) != 0 || amount(1) != 0) continue;
    const bool has_rows = rank == 4;
    convolution.padding[0] += has_rows ? static_cast<std::int32_t>(pad->pads[2]) : 0;
    convolution.padding[1] += static_cast<std::int32_t>(pad->pads[rank - 1]);
    convolution.padding[2] += has_rows ? static_cast<std::int32_t>(pad->pads[rank + 2]) : 0;
    convolution.padding[3] += static_cast<std::int32_t>(pad->pads[2 * rank - 1]);
    convolution.operators = pad->operators + "+" + convolution.operators;
    const std::size_t dead = *editor.MakerIndex(convolution.inputs[0]);
    editor.SetInput(n, 0, pad->inputs[0]);
    editor.Kill(dead);
  }
  editor.Finish();
}

}  // namespace paddock
