#include "prepare/passes/quantise.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include "prepare/passes/quantization_quality.h"

namespace paddock {
namespace {

class Quantiser {
 public:
  Quantiser(std::shared_ptr<const OrtLibrary> library, const OnnxGraph& source,
            const CalibrationSet& calibration, const Int8Settings& settings)
      : library_(std::move(library)), source_(source), calibration_(calibration), settings_(settings) {}

  Result<QuantisedModel> Make() {
    PADDOCK_ASSIGN_OR_RETURN(plan_, PlanQuantization(source_, settings_.choice));
    if (std::find(plan_.roles.begin(), plan_.roles.end(), NodeRole::kWeighted) == plan_.roles.end()) {
      return InvalidArgumentError(
          "there is no Conv, Gemm or MatMul with constant float32 weights to quantise; give the float32 "
          "model");
    }
    PADDOCK_RETURN_IF_ERROR(Observe());
    PADDOCK_ASSIGN_OR_RETURN(const FloatReference reference,
                             FloatReference::Run(library_, source_, calibration_));
    PADDOCK_RETURN_IF_ERROR(Choose(reference));
    const std::vector<LayerQuality> layers = Worst(best_->layers);
    if (settings_.tolerance) PADDOCK_RETURN_IF_ERROR(KeepFloat(layers, reference));
    lines_.push_back("outputs against float32 on " + std::to_string(calibration_.samples()) +
                     " calibration samples: " + AgreementText(best_->agreement));
    DescribeLayers(layers);
    return QuantisedModel{std::move(best_->graph), std::move(lines_)};
  }

 private:
  // Adds what is not known yet of the plan's tensors.
  Status Observe() {
    std::vector<std::string> unknown;
    for (const std::string& tensor : plan_.tensors) {
      if (!histograms_.contains(tensor)) unknown.push_back(tensor);
    }
    if (unknown.empty()) return OkStatus();
    const bool needs_counts = settings_.method != RangeMethod::kMinMax;
    PADDOCK_ASSIGN_OR_RETURN(std::vector<ActivationHistogram> observed,
                             ObserveActivations(library_, source_, unknown, calibration_, needs_counts));
    for (std::size_t i = 0; i < unknown.size(); ++i) {
      const Range& range = observed[i].range;
      if (range.max <= range.min && !plan_.fixed.contains(unknown[i])) {
        lines_.push_back("tensor '" + unknown[i].substr(0, 80) +
                         "' is 0 in every calibration sample: its range is a guess");
      }
      histograms_[unknown[i]] = std::move(observed[i]);
    }
    return OkStatus();
  }

  QdqSettings SettingsFor(RangeMethod method) const {
    std::map<int, Range> ranges;
    for (const std::string& tensor : plan_.tensors) {
      const auto fixed = plan_.fixed.find(tensor);
      const Range range = fixed != plan_.fixed.end()
                              ? fixed->second
                              : ChooseRange(histograms_.at(tensor), method, settings_.percentile);
      Range& of_group = ranges[plan_.group.at(tensor)];
      of_group = {std::min(of_group.min, range.min), std::max(of_group.max, range.max)};
    }
    QdqSettings qdq;
    qdq.per_channel = settings_.per_channel;
    for (const auto& [group, range] : ranges) qdq.groups[group] = ParametersOf(range);
    return qdq;
  }

  struct Candidate {
    RangeMethod method;
    OnnxGraph graph;
    QdqSettings settings;
    Agreement agreement;
    std::vector<LayerQuality> layers;
    std::string text;  // for the report
  };

  Result<Candidate> Build(RangeMethod method, QdqSettings settings, const FloatReference& reference) const {
    PADDOCK_ASSIGN_OR_RETURN(OnnxGraph graph, WriteQdq(source_, plan_, settings));
    PADDOCK_ASSIGN_OR_RETURN(const Agreement agreement, reference.Compare(graph));
    return Candidate{method, std::move(graph), std::move(settings), agreement, {}, ""};
  }

  Result<Candidate> Try(RangeMethod method, const FloatReference& reference) const {
    PADDOCK_ASSIGN_OR_RETURN(Candidate plain, Build(method, SettingsFor(method), reference));
    PADDOCK_ASSIGN_OR_RETURN(plain.layers,
                             MeasureLayers(library_, source_, plan_, plain.settings, calibration_));
    plain.text = std::string(RangeMethodName(method)) + " " + AgreementText(plain.agreement);
    if (!settings_.corrects_bias.value_or(true)) return plain;
    QdqSettings shifted = plain.settings;
    for (const LayerQuality& layer : plain.layers) shifted.bias_shift[layer.node] = layer.channel_error;
    PADDOCK_ASSIGN_OR_RETURN(Candidate corrected, Build(method, std::move(shifted), reference));
    corrected.text = plain.text + ", with bias correction " + AgreementText(corrected.agreement);
    if (!settings_.corrects_bias && !IsNearer(corrected.agreement, plain.agreement)) {
      plain.text = corrected.text + " (not taken)";
      return plain;
    }
    corrected.layers = std::move(plain.layers);
    return corrected;
  }

  Status Choose(const FloatReference& reference) {
    std::vector<RangeMethod> methods = {RangeMethod::kMinMax, RangeMethod::kMse, RangeMethod::kPercentile};
    if (settings_.method) methods = {*settings_.method};
    for (const RangeMethod method : methods) {
      PADDOCK_ASSIGN_OR_RETURN(Candidate candidate, Try(method, reference));
      lines_.push_back("ranges by " + candidate.text);
      if (!best_ || IsNearer(candidate.agreement, best_->agreement)) best_.emplace(std::move(candidate));
    }
    if (methods.size() > 1) lines_.push_back("taken: " + std::string(RangeMethodName(best_->method)));
    return OkStatus();
  }

  static std::vector<LayerQuality> Worst(std::vector<LayerQuality> layers) {
    std::stable_sort(layers.begin(), layers.end(),
                     [](const LayerQuality& a, const LayerQuality& b) { return a.sqnr_db < b.sqnr_db; });
    return layers;
  }

  // The fewest of the layers that lose most, as if more of them never did harm: doubled until the loss is small enough, then
  // halved in between.
  Status KeepFloat(const std::vector<LayerQuality>& worst, const FloatReference& reference) {
    const double tolerance = *settings_.tolerance;
    std::size_t too_few = 0;
    std::size_t enough = 0;
    if (best_->agreement.loss <= tolerance) {
      lines_.push_back("every layer may be int8: the loss is within the tolerance");
      return OkStatus();
    }
    const RangeMethod method = best_->method;
    while (enough == 0 || enough - too_few > 1) {
      const std::size_t count = enough > 0     ? (too_few + enough) / 2
                                : too_few == 0 ? 1
                                               : std::min(2 * too_few, worst.size());
      QuantizationChoice choice = settings_.choice;
      for (std::size_t i = 0; i < count; ++i) choice.excluded_nodes.insert(worst[i].node);
      PADDOCK_ASSIGN_OR_RETURN(plan_, PlanQuantization(source_, choice));
      PADDOCK_RETURN_IF_ERROR(Observe());
      PADDOCK_ASSIGN_OR_RETURN(Candidate candidate, Try(method, reference));
      if (candidate.agreement.loss > tolerance && count < worst.size()) {
        too_few = count;
        continue;
      }
      enough = count;
      best_.emplace(std::move(candidate));
    }
    lines_.push_back(std::to_string(enough) + " of " + std::to_string(worst.size()) +
                     " layers stay float32 to keep within the tolerance, those that lose most");
    return OkStatus();
  }

  void DescribeLayers(const std::vector<LayerQuality>& layers) {
    constexpr std::size_t kShown = 5;
    for (std::size_t i = 0; i < std::min(kShown, layers.size()); ++i) {
      char decibels[32];
      std::snprintf(decibels, sizeof decibels, "%.1f dB", layers[i].sqnr_db);
      const std::string& text = layers[i].text;
      lines_.push_back((i == 0 ? "worst layer " : "then ") +
                       (text.size() > 60 ? text.substr(0, 57) + "...'" : text) + " " + decibels);
    }
  }

  std::shared_ptr<const OrtLibrary> library_;
  const OnnxGraph& source_;
  const CalibrationSet& calibration_;
  const Int8Settings& settings_;
  QuantizationPlan plan_;
  std::map<std::string, ActivationHistogram> histograms_;  // by tensor
  std::optional<Candidate> best_;
  std::vector<std::string> lines_;
};

}  // namespace

Result<QuantisedModel> Quantise(std::shared_ptr<const OrtLibrary> library, const OnnxGraph& source,
                                const CalibrationSet& calibration, const Int8Settings& settings) {
  return Quantiser(std::move(library), source, calibration, settings).Make();
}

}  // namespace paddock
