#include "prepare/passes/activation_ranges.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "prepare/passes/ort_runner.h"

namespace paddock {
namespace {

constexpr std::size_t kParts = 2048;

// Inputs of the graph are read from the samples, everything else is what the graph gives out.
class Activations {
 public:
  static Result<Activations> Open(std::shared_ptr<const OrtLibrary> library, const OnnxGraph& graph,
                                  const std::vector<std::string>& tensors,
                                  const CalibrationSet& calibration) {
    std::vector<std::string> computed;
    Activations result(calibration);
    for (const std::string& tensor : tensors) {
      result.output_of_.push_back(graph.IsInput(tensor) ? -1 : static_cast<int>(computed.size()));
      if (!graph.IsInput(tensor)) computed.push_back(tensor);
    }
    result.names_ = tensors;
    if (!computed.empty()) {
      PADDOCK_ASSIGN_OR_RETURN(OrtRunner runner,
                               OrtRunner::Load(std::move(library), WithOutputs(graph.model(), computed),
                                               GraphLevel::kBasic, computed));
      result.runner_.emplace(std::move(runner));
    }
    return result;
  }

  // visit(index of tensor, values) for all tensors of all batches.
  template <typename Visitor>
  Status ForEach(Visitor visit) {
    for (std::size_t batch = 0; batch < calibration_->batches(); ++batch) {
      const std::vector<NamedTensorView> inputs = calibration_->Batch(batch);
      std::vector<FloatView> outputs;
      if (runner_) {
        PADDOCK_ASSIGN_OR_RETURN(outputs, runner_->Run(inputs));
      }
      for (std::size_t i = 0; i < names_.size(); ++i) {
        if (output_of_[i] >= 0) {
          visit(i, outputs[static_cast<std::size_t>(output_of_[i])].values);
          continue;
        }
        for (const NamedTensorView& input : inputs) {
          if (input.name != names_[i]) continue;
          visit(i, std::span<const float>(reinterpret_cast<const float*>(input.tensor.bytes.data()),
                                          input.tensor.bytes.size() / sizeof(float)));
        }
      }
    }
    return OkStatus();
  }

 private:
  explicit Activations(const CalibrationSet& calibration) : calibration_(&calibration) {}

  const CalibrationSet* calibration_;
  std::vector<std::string> names_;
  std::vector<int> output_of_;  // index into what the runner gives; -1: an input of the graph
  std::optional<OrtRunner> runner_;
};

}  // namespace

Int8Parameters ParametersOf(Range range) {
  const double min = std::min(range.min, 0.0);
  const double max = std::max(range.max, 0.0);
  Int8Parameters parameters;
  parameters.scale = static_cast<float>((max - min) / 255);
  // Below the smallest normal number, quotients by the scale are of no use.
  if (!(parameters.scale >= std::numeric_limits<float>::min())) parameters.scale = 1.0F / 255;
  parameters.zero_point =
      std::clamp<std::int64_t>(std::llround(-128 - min / static_cast<double>(parameters.scale)), -128, 127);
  return parameters;
}

double FakeQuantized(double value, const Int8Parameters& parameters) {
  const auto zero_point = static_cast<double>(parameters.zero_point);
  const double integer = std::nearbyint(value / static_cast<double>(parameters.scale)) + zero_point;
  return (std::clamp(integer, -128.0, 127.0) - zero_point) * static_cast<double>(parameters.scale);
}

Result<std::vector<ActivationHistogram>> ObserveActivations(std::shared_ptr<const OrtLibrary> library,
                                                            const OnnxGraph& graph,
                                                            const std::vector<std::string>& tensors,
                                                            const CalibrationSet& calibration,
                                                            bool with_counts) {
  PADDOCK_ASSIGN_OR_RETURN(Activations activations,
                           Activations::Open(std::move(library), graph, tensors, calibration));
  std::vector<ActivationHistogram> histograms(tensors.size());
  std::string damaged;
  PADDOCK_RETURN_IF_ERROR(activations.ForEach([&](std::size_t index, std::span<const float> values) {
    // Any NaN or infinity makes the sum one, and min and max do not show NaN.
    float min = 0;
    float max = 0;
    double probe = 0;
    for (const float value : values) {
      min = std::min(min, value);
      max = std::max(max, value);
      probe += static_cast<double>(value) * 0;
    }
    if (!std::isfinite(probe) && damaged.empty()) damaged = tensors[index];
    Range& range = histograms[index].range;
    range = {std::min(range.min, static_cast<double>(min)), std::max(range.max, static_cast<double>(max))};
  }));
  if (!damaged.empty()) {
    return InvalidArgumentError("tensor '" + damaged.substr(0, 200) +
                                "' becomes NaN or infinite on the calibration data; look at the weights that "
                                "make it, or at the preprocessing");
  }
  if (!with_counts) return histograms;
  for (ActivationHistogram& histogram : histograms) histogram.counts.assign(kParts, 0);
  PADDOCK_RETURN_IF_ERROR(activations.ForEach([&](std::size_t index, std::span<const float> values) {
    ActivationHistogram& histogram = histograms[index];
    const auto min = static_cast<float>(histogram.range.min);
    const double width = histogram.range.max - histogram.range.min;
    const float factor = width > 0 ? static_cast<float>(static_cast<double>(kParts) / width) : 0;
    for (const float value : values) {
      const float part = std::min((value - min) * factor, static_cast<float>(kParts - 1));
      ++histogram.counts[static_cast<std::size_t>(std::max(part, 0.0F))];
    }
  }));
  return histograms;
}

}  // namespace paddock
