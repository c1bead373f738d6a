#include "prepare/passes/quantization_quality.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "prepare/passes/ort_runner.h"

namespace paddock {
namespace {

constexpr double kMostDb = 120;
constexpr std::size_t kLayerSamples = 64;

std::vector<std::string> OutputNames(const OnnxGraph& graph) {
  std::vector<std::string> names;
  for (const auto& output : graph.graph().output()) {
    const auto info = graph.Value(output.name());
    if (info && info->type == ElementType::kFloat32) names.push_back(output.name());
  }
  return names;
}

std::size_t Largest(std::span<const float> values) {
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

struct LayerSums {
  double signal = 0;
  double noise = 0;
  std::vector<double> error;
  std::uint64_t per_channel = 0;
};

// What one layer's kernel and the rounding of its result lose. `bounds`: of the activation that follows; `result`: the
// parameters of the tensor after it, where that is quantised.
void AddBatch(const FloatView& exact, const FloatView& probed, std::size_t channel_axis, Range bounds,
              const std::optional<Int8Parameters>& result, LayerSums* sums) {
  std::size_t inner = 1;
  for (std::size_t d = channel_axis + 1; d < exact.shape.size(); ++d)
    inner *= static_cast<std::size_t>(exact.shape[d]);
  const auto channels = static_cast<std::size_t>(exact.shape[channel_axis]);
  sums->error.resize(channels, 0);
  if (exact.values.empty()) return;
  sums->per_channel += exact.values.size() / channels;
  for (std::size_t begin = 0, c = 0; begin < exact.values.size(); begin += inner, c = (c + 1) % channels) {
    for (std::size_t i = begin; i < begin + inner; ++i) {
      const auto wanted = static_cast<double>(exact.values[i]);
      const auto given = static_cast<double>(probed.values[i]);
      sums->error[c] += wanted - given;
      const double signal = std::clamp(wanted, bounds.min, bounds.max);
      const double answer = std::clamp(given, bounds.min, bounds.max);
      const double noise = signal - (result ? FakeQuantized(answer, *result) : answer);
      sums->signal += signal * signal;
      sums->noise += noise * noise;
    }
  }
}

}  // namespace

double SignalToNoiseDb(double signal, double noise) {
  if (noise <= 0) return kMostDb;
  if (signal <= 0) return 0;
  return std::min(kMostDb, 10 * std::log10(signal / noise));
}

std::string AgreementText(const Agreement& agreement) {
  char text[120];
  if (agreement.is_top1) {
    std::snprintf(text, sizeof text, "%.1f dB, top-1 as before in %.1f %% of the samples",
                  agreement.mean_sqnr_db, 100 * (1 - agreement.loss));
  } else {
    std::snprintf(text, sizeof text, "%.1f dB", agreement.mean_sqnr_db);
  }
  return text;
}

bool IsNearer(const Agreement& candidate, const Agreement& than) {
  constexpr double kNoticeableDb = 0.3;
  const auto count = static_cast<double>(candidate.sqnr_db.size());
  double sum = 0;
  double squares = 0;
  for (std::size_t i = 0; i < candidate.sqnr_db.size(); ++i) {
    const double gain = candidate.sqnr_db[i] - than.sqnr_db[i];
    sum += gain;
    squares += gain * gain;
  }
  const double mean = sum / count;
  const double deviation = std::sqrt(std::max(0.0, squares / count - mean * mean));
  return mean > kNoticeableDb && mean > 3 * deviation / std::sqrt(count);
}

Result<FloatReference> FloatReference::Run(std::shared_ptr<const OrtLibrary> library, const OnnxGraph& graph,
                                           const CalibrationSet& calibration) {
  FloatReference reference(std::move(library), calibration);
  reference.names_ = OutputNames(graph);
  if (reference.names_.empty()) {
    return InvalidArgumentError(
        "the model has no output of type float32, by which a quantised model could be judged");
  }
  PADDOCK_ASSIGN_OR_RETURN(reference.outputs_, reference.RunAll(graph));
  const auto info = graph.Value(reference.names_[0]);
  const std::size_t elements = reference.outputs_[0].size() / calibration.samples();
  if (reference.names_.size() == 1 && info && info->shape.size() == 2 && elements > 1)
    reference.scores_ = elements;
  return reference;
}

Result<FloatReference::Outputs> FloatReference::RunAll(const OnnxGraph& graph) const {
  PADDOCK_ASSIGN_OR_RETURN(OrtRunner runner,
                           OrtRunner::Load(library_, graph.model(), GraphLevel::kExtended, names_));
  Outputs outputs(names_.size());
  for (std::size_t batch = 0; batch < calibration_->batches(); ++batch) {
    PADDOCK_ASSIGN_OR_RETURN(const std::vector<FloatView> views, runner.Run(calibration_->Batch(batch)));
    for (std::size_t i = 0; i < views.size(); ++i)
      outputs[i].insert(outputs[i].end(), views[i].values.begin(), views[i].values.end());
  }
  return outputs;
}

Result<Agreement> FloatReference::Compare(const OnnxGraph& changed) const {
  PADDOCK_ASSIGN_OR_RETURN(const Outputs answers, RunAll(changed));
  Agreement agreement;
  const std::size_t samples = calibration_->samples();
  double decibels = 0;
  double all_signal = 0;
  double all_noise = 0;
  std::size_t different = 0;
  for (std::size_t o = 0; o < outputs_.size(); ++o) {
    if (answers[o].size() != outputs_[o].size())
      return InternalError("output '" + names_[o] + "' of the quantised model has another size");
    const std::size_t elements = outputs_[o].size() / samples;
    for (std::size_t sample = 0; sample < samples; ++sample) {
      const std::span<const float> wanted = std::span(outputs_[o]).subspan(sample * elements, elements);
      const std::span<const float> given = std::span(answers[o]).subspan(sample * elements, elements);
      double signal = 0;
      double noise = 0;
      for (std::size_t i = 0; i < elements; ++i) {
        const double error = static_cast<double>(wanted[i]) - static_cast<double>(given[i]);
        signal += static_cast<double>(wanted[i]) * static_cast<double>(wanted[i]);
        noise += error * error;
      }
      agreement.sqnr_db.push_back(SignalToNoiseDb(signal, noise));
      decibels += agreement.sqnr_db.back();
      all_signal += signal;
      all_noise += noise;
      if (scores_ > 0 && Largest(wanted) != Largest(given)) ++different;
    }
  }
  agreement.mean_sqnr_db = decibels / static_cast<double>(samples * outputs_.size());
  agreement.is_top1 = scores_ > 0;
  if (agreement.is_top1) {
    agreement.loss = static_cast<double>(different) / static_cast<double>(samples);
  } else if (all_noise > 0) {
    agreement.loss = all_signal > 0 ? all_noise / all_signal : 1;
  }
  return agreement;
}

Result<std::vector<LayerQuality>> MeasureLayers(std::shared_ptr<const OrtLibrary> library,
                                                const OnnxGraph& source, const QuantizationPlan& plan,
                                                const QdqSettings& settings,
                                                const CalibrationSet& calibration) {
  PADDOCK_ASSIGN_OR_RETURN(const ProbedGraph probed, WriteLayerProbes(source, plan, settings));
  if (probed.layers.empty()) return std::vector<LayerQuality>();
  const auto producers = source.Producers();
  const auto consumers = source.Consumers();
  std::vector<std::string> outputs;
  for (const LayerProbe& layer : probed.layers) {
    outputs.push_back(layer.exact);
    outputs.push_back(layer.probed);
  }
  PADDOCK_ASSIGN_OR_RETURN(OrtRunner runner,
                           OrtRunner::Load(std::move(library), WithOutputs(probed.graph.model(), outputs),
                                           GraphLevel::kBasic, outputs));
  std::vector<LayerSums> sums(probed.layers.size());
  const std::size_t per_batch = (calibration.samples() + calibration.batches() - 1) / calibration.batches();
  const std::size_t batches = std::min(calibration.batches(), (kLayerSamples + per_batch - 1) / per_batch);
  for (std::size_t batch = 0; batch < batches; ++batch) {
    PADDOCK_ASSIGN_OR_RETURN(const std::vector<FloatView> views, runner.Run(calibration.Batch(batch)));
    for (std::size_t i = 0; i < probed.layers.size(); ++i) {
      const int index = producers.at(probed.layers[i].exact);
      const onnx::NodeProto& node = source.graph().node(index);
      const FloatView& exact = views[2 * i];
      const std::string result = ResultOf(source, plan, index);
      Range bounds{-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
      if (result != node.output(0))
        bounds = BoundsOf(source, source.graph().node(consumers.at(node.output(0))[0])).value_or(bounds);
      std::optional<Int8Parameters> parameters;
      if (plan.group.contains(result)) parameters = settings.groups.at(plan.group.at(result));
      AddBatch(exact, views[2 * i + 1], node.op_type() == "Conv" ? 1 : exact.shape.size() - 1, bounds,
               parameters, &sums[i]);
    }
  }
  std::vector<LayerQuality> layers;
  for (std::size_t i = 0; i < probed.layers.size(); ++i) {
    const onnx::NodeProto& node = source.graph().node(producers.at(probed.layers[i].exact));
    LayerQuality layer{NodeKey(node), NodeText(node), SignalToNoiseDb(sums[i].signal, sums[i].noise), {}};
    for (const double error : sums[i].error)
      layer.channel_error.push_back(
          static_cast<float>(error / static_cast<double>(std::max<std::uint64_t>(sums[i].per_channel, 1))));
    layers.push_back(std::move(layer));
  }
  return layers;
}

}  // namespace paddock
