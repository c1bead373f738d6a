#include "agent/predictions.h"

#include <algorithm>

#include "kpi/tensor_file.h"

namespace paddock::agent {

Predictions::Predictions(const std::vector<TensorInfo>& outputs) {
  for (const TensorInfo& output : outputs) tensors_.push_back({{output.name, output.type, {}}, {}});
}

Status Predictions::Add(const std::vector<TensorView>& outputs, std::uint32_t samples, std::uint32_t rows) {
  if (outputs.size() != tensors_.size()) {
    return InternalError("the session gave " + std::to_string(outputs.size()) + " outputs instead of " +
                         std::to_string(tensors_.size()));
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const TensorView& view = outputs[i];
    Tensor& kept = tensors_[i];
    const std::string name = "output " + TensorText({kept.info.name, view.type, view.shape});
    if (view.type == ElementType::kString)
      return UnimplementedError(name + ": predictions that are strings cannot be kept");
    Shape row = view.shape;
    if (!row.empty() && row[0] == static_cast<std::int64_t>(rows)) {
      row.erase(row.begin());
    } else if (rows > 1) {
      return UnimplementedError(name + " of a query with " + std::to_string(rows) +
                                " samples does not have one row per sample; use single-stream");
    }
    const std::size_t row_bytes = view.bytes.size() / rows;
    if (kept.info.shape.empty()) {
      kept.info.type = view.type;
      kept.info.shape = row;
      kept.info.shape.insert(kept.info.shape.begin(), 0);
    }
    if (!std::equal(row.begin(), row.end(), kept.info.shape.begin() + 1, kept.info.shape.end()) ||
        kept.info.type != view.type) {
      return UnimplementedError(name + " changes its shape from sample to sample (before: " +
                                TensorText(kept.info) + "); such predictions cannot be kept");
    }
    kept.info.shape[0] += samples;
    const auto bytes = view.bytes.first(samples * row_bytes);
    kept.bytes.insert(kept.bytes.end(), bytes.begin(), bytes.end());
  }
  return OkStatus();
}

Result<std::string> Predictions::Encode() { return EncodeTensorFile(tensors_); }

}  // namespace paddock::agent
