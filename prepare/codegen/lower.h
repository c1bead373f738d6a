// Turns a simplified Draft into the layers of a Network: images in NHWC, integers with their multipliers. Internal to
// prepare/codegen/.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "prepare/codegen/draft.h"
#include "prepare/codegen/layout.h"

namespace paddock {

// UNIMPLEMENTED names the node that cannot be done.
Result<Network> LowerDraft(const Draft& draft, const std::string& name);

class Lowering {
 public:
  explicit Lowering(const Draft& draft);
  Result<Network> Lower(const std::string& name);

 private:
  struct Place {
    std::uint32_t value = 0;  // of the network
    Layout layout;
  };

  Status LowerNode(const DraftNode& node);
  Status LowerConvolution(const DraftNode& node);
  Status LowerDense(const DraftNode& node);
  Status LowerAffine(const DraftNode& node);
  Status LowerArithmetic(const DraftNode& node);
  Status LowerConcat(const DraftNode& node);
  Status LowerPad(const DraftNode& node);
  Status LowerUnary(const DraftNode& node);
  Status LowerTable(const DraftNode& node, const std::vector<UnaryFunction>& functions);
  Status LowerPool(const DraftNode& node);
  Status LowerMean(const DraftNode& node);
  Status LowerSoftmax(const DraftNode& node);
  Status LowerTranspose(const DraftNode& node);
  Status LowerElementwise(const DraftNode& node, LayerKind kind);
  Status DefineOutputs();
  void MakeNamesUnique();

  const DraftValue& value(std::size_t index) const { return draft_.values[index]; }
  const Layout& layout(std::size_t index) const { return places_[index]->layout; }
  bool IsInteger8(std::size_t index) const { return value(index).type == ElementType::kInt8; }
  // The network's value for a draft value in this layout, moved there by a layer of its own if need be.
  std::uint32_t Take(const DraftNode& node, std::size_t index, const Layout& wanted);
  std::uint32_t TakeAsIs(std::size_t index) const { return places_[index]->value; }
  // The layout itself or, where it mixes dimensions, the plain one, refined by the value's shape.
  Layout RefinedLayout(std::size_t index) const;
  Layout ImageLayout(std::size_t index) const;
  NetworkLayer StartLayer(const DraftNode& node, LayerKind kind) const;
  void SetBounds(const DraftNode& node, NetworkLayer* layer) const;
  // The layer's output stands for the node's. `before`: a value between two layers of one node instead.
  void Finish(const DraftNode& node, NetworkLayer layer, Layout layout);
  std::uint32_t FinishBetween(const DraftNode& node, NetworkLayer layer, const Layout& layout);
  std::uint32_t AddLayer(NetworkLayer layer, NetworkValue value);

  const Draft& draft_;
  Network network_;
  std::vector<std::optional<Place>> places_;  // by draft value
  std::vector<std::size_t> reads_;            // by draft value; an output counts as one
  std::map<std::tuple<std::uint32_t, std::vector<std::int64_t>, std::vector<std::size_t>>, std::uint32_t>
      moved_;
};

// Puts the weights of a channel in another order (element k of each channel becomes order[k]) and, where `input` and `output` are
// quantised, makes integers of all. UNIMPLEMENTED: the sums do not fit in 32 bits.
Status SetWeights(const DraftNode& node, const DraftWeights& weights, const std::vector<std::size_t>& order,
                  const DraftValue& input, const DraftValue& output, NetworkLayer* layer);

// What QuantizeLinear makes of a number, saturated.
std::int32_t QuantizedNumber(double number, const Quantization& quantization);

}  // namespace paddock
