// The layers that compute, as C, and what is common to writing layers. Internal to prepare/codegen/.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "prepare/codegen/write_layer.h"

namespace paddock {

inline constexpr std::size_t kStridedCopyRank = 8;  // STRIDED_COPY_RANK of kernels/strided_copy.h

// Gathers the text of one layer.
class LayerWriter {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  // `network` outlives the object.
  LayerWriter(const Network& network, std::size_t index) : network_(network), index_(index) {}

  const NetworkLayer& layer() const { return network_.layers[index_]; }
  const NetworkValue& input(std::size_t i) const { return network_.values[layer().inputs[i]]; }
  const NetworkValue& output() const { return network_.values[layer().output]; }

  // "layer_3_weights".
  std::string Name(const std::string& what) const { return "layer_" + std::to_string(index_) + "_" + what; }
  // "INPUT_INT8(1024)", "OUTPUT_FLOAT32(0)".
  std::string InputPlace(const NetworkValue& value) const;
  std::string OutputPlace() const;
  std::string Scratch() const { return "SCRATCH(" + std::to_string(layer().scratch_offset) + ")"; }

  void AddConstant(const std::string& definition) { text_.constants += definition; }
  // "static const TYPE VARIABLE = {.field = value, ...};"
  void Struct(const std::string& type, const std::string& variable, const Fields& fields);
  // Of the function NAME_run() of kernels/NAME.h.
  void Call(const std::string& kernel, const std::vector<std::string>& arguments);

  LayerText text() && { return std::move(text_); }

 private:
  const Network& network_;
  std::size_t index_;
  LayerText text_;
};

void WriteConvolution(LayerWriter* writer);  // and kDense
void WritePool(LayerWriter* writer);
void WriteBinary(LayerWriter* writer);  // kAdd, kMul

}  // namespace paddock
