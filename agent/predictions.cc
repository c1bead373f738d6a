#include "agent/predictions.h"

#include <algorithm>

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

std::uint64_t Predictions::samples() const {
  if (tensors_.empty() || tensors_[0].info.shape.empty()) return 0;
  return static_cast<std::uint64_t>(tensors_[0].info.shape[0]);
}

std::vector<NamedTensorView> Predictions::views() const {
  std::vector<NamedTensorView> views;
  for (const Tensor& tensor : tensors_) views.push_back({tensor.info.name, tensor.view()});
  return views;
}

Result<std::string> Predictions::Encode() { return EncodeTensorFile(tensors_); }

Result<AnswerStop> AnswerStop::Load(std::optional<double> width, const std::string& labels_path) {
  AnswerStop stop;
  if (!width) return stop;
  PADDOCK_ASSIGN_OR_RETURN(stop.labels_, MappedFile::Open(labels_path));
  auto tensors = DecodeTensorFile(stop.labels_->bytes());
  if (!tensors.ok()) return tensors.status().WithContext("labels");
  stop.evidence_.task = Task::kClassification;
  stop.evidence_.accuracy_interval = width;
  stop.evidence_.labels = tensors->front();
  stop.stop_.emplace(*width);
  return stop;
}

bool AnswerStop::IsEnough(const Predictions& predictions) {
  if (!stop_ || !stop_->IsCheckpoint(predictions.samples())) return false;
  evidence_.predictions = predictions.views();
  return stop_->IsEnough(evidence_);
}

}  // namespace paddock::agent
