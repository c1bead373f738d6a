#include "prepare/passes/int8.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "base/file.h"
#include "prepare/passes/activation_ranges.h"
#include "prepare/passes/quantization_quality.h"

namespace paddock {
namespace {

constexpr OptionDoc kOptions[] = {
    {"method",
     "how the range of an activation is found: minmax, percentile, mse, entropy, or best (default): minmax, "
     "or "
     "mse or percentile where the outputs come nearer to the float model"},
    {"percentile", "with method=percentile: the percentage of values that the range covers (99.99)"},
    {"per_channel", "true (default): a weight scale for each output channel; false: one for a layer"},
    {"bias_correction",
     "true: what rounding shifts the mean of a channel by is taken back in its bias; false; unset: where the "
     "outputs come nearer to the float model by it"},
    {"exclude", "nodes that stay float: NAME,NAME"},
    {"exclude_types", "operators that stay float: Softmax,Add"},
};

struct Int8Settings {
  std::optional<RangeMethod> method;  // absent: best
  double percentile = 99.99;
  bool per_channel = true;
  std::optional<bool> corrects_bias;  // absent: where it is better
  QuantizationChoice choice;
};

std::set<std::string> Names(const std::string& list) {
  std::set<std::string> names;
  std::istringstream stream(list);
  for (std::string name; std::getline(stream, name, ',');) {
    if (!name.empty()) names.insert(name);
  }
  return names;
}

Result<Int8Settings> ReadSettings(const std::map<std::string, std::string>& options) {
  OptionReader reader("step 'int8'", options);
  Int8Settings settings;
  const std::string method =
      reader.Choice("method", "best", {"best", "minmax", "percentile", "mse", "entropy"});
  for (const RangeMethod known :
       {RangeMethod::kMinMax, RangeMethod::kPercentile, RangeMethod::kMse, RangeMethod::kEntropy}) {
    if (method == RangeMethodName(known)) settings.method = known;
  }
  settings.percentile = reader.Number("percentile", 99.99, 50, 100);
  settings.per_channel = reader.Flag("per_channel", true);
  if (reader.Has("bias_correction")) settings.corrects_bias = reader.Flag("bias_correction", false);
  settings.choice.excluded_nodes = Names(reader.Text("exclude", ""));
  settings.choice.excluded_types = Names(reader.Text("exclude_types", ""));
  PADDOCK_RETURN_IF_ERROR(reader.Finish());
  if (reader.Has("percentile") && settings.method != RangeMethod::kPercentile)
    return InvalidArgumentError("step 'int8': percentile is of use only with method=percentile");
  return settings;
}

bool IsQuantised(const ModelInfo& model) {
  for (const auto& [name, count] : model.operators) {
    if (name.find("QuantizeLinear") != name.npos || name.find("QLinear") != name.npos ||
        name.ends_with("Integer")) {
      return true;
    }
  }
  return false;
}

// Files beside `path` that are gone when this goes.
class Scratch {
 public:
  explicit Scratch(std::string path) : path_(std::move(path)) {}
  ~Scratch() { static_cast<void>(RemoveFile(path_)); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Result<OnnxGraph> OptimisedGraph(const OrtLibrary& library, const StepRequest& request) {
  constexpr std::int64_t kNeededOpset = 13;  // the first with a scale for each channel
  std::string in_path = request.in_path;
  const Scratch converted(request.out_path + ".opset");
  const Scratch optimised(request.out_path + ".basic");
  PADDOCK_ASSIGN_OR_RETURN(OnnxGraph original, OnnxGraph::Read(request.in_path));
  if (original.opset() < kNeededOpset) {
    PADDOCK_RETURN_IF_ERROR(original.ConvertOpset(kNeededOpset));
    PADDOCK_RETURN_IF_ERROR(original.Write(converted.path()));
    in_path = converted.path();
  }
  PADDOCK_RETURN_IF_ERROR(WriteOptimizedModel(library, in_path, optimised.path(), GraphLevel::kBasic));
  return OnnxGraph::Read(optimised.path());
}

class Quantiser {
 public:
  Quantiser(std::shared_ptr<const OrtLibrary> library, const OnnxGraph& source,
            const CalibrationSet& calibration, const Int8Settings& settings)
      : library_(std::move(library)), source_(source), calibration_(calibration), settings_(settings) {}

  Result<OnnxGraph> Make() {
    PADDOCK_ASSIGN_OR_RETURN(plan_, PlanQuantization(source_, settings_.choice));
    if (std::find(plan_.roles.begin(), plan_.roles.end(), NodeRole::kWeighted) == plan_.roles.end()) {
      return InvalidArgumentError(
          "there is no Conv, Gemm or MatMul with constant float32 weights to quantise; give the float32 "
          "model");
    }
    const bool needs_counts = settings_.method != RangeMethod::kMinMax;
    PADDOCK_ASSIGN_OR_RETURN(
        histograms_, ObserveActivations(library_, source_, plan_.tensors, calibration_, needs_counts));
    for (std::size_t i = 0; i < histograms_.size(); ++i) {
      const Range& range = histograms_[i].range;
      if (range.max <= range.min && !plan_.fixed.contains(plan_.tensors[i])) {
        lines_.push_back("tensor '" + plan_.tensors[i].substr(0, 80) +
                         "' is 0 in every calibration sample: its range is a guess");
      }
    }
    PADDOCK_ASSIGN_OR_RETURN(const FloatReference reference,
                             FloatReference::Run(library_, source_, calibration_));
    PADDOCK_RETURN_IF_ERROR(Choose(reference));
    lines_.push_back("outputs against float32 on " + std::to_string(calibration_.samples()) +
                     " calibration samples: " + AgreementText(best_->agreement));
    DescribeLayers(best_->layers);
    return std::move(best_->graph);
  }

  std::vector<std::string> TakeLines() { return std::move(lines_); }

 private:
  QdqSettings SettingsFor(RangeMethod method) const {
    std::map<int, Range> ranges;
    for (std::size_t i = 0; i < plan_.tensors.size(); ++i) {
      const std::string& tensor = plan_.tensors[i];
      const auto fixed = plan_.fixed.find(tensor);
      const Range range = fixed != plan_.fixed.end()
                              ? fixed->second
                              : ChooseRange(histograms_[i], method, settings_.percentile);
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

  void DescribeLayers(std::vector<LayerQuality> layers) {
    constexpr std::size_t kShown = 5;
    std::sort(layers.begin(), layers.end(),
              [](const LayerQuality& a, const LayerQuality& b) { return a.sqnr_db < b.sqnr_db; });
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
  std::vector<ActivationHistogram> histograms_;
  std::optional<Candidate> best_;
  std::vector<std::string> lines_;
};

}  // namespace

std::span<const OptionDoc> Int8Options() { return kOptions; }

Status CheckInt8Options(const std::map<std::string, std::string>& options) {
  return ReadSettings(options).status();
}

Result<std::vector<std::string>> RunInt8(const StepRequest& request) {
  PADDOCK_ASSIGN_OR_RETURN(const Int8Settings settings, ReadSettings(request.options));
  PADDOCK_ASSIGN_OR_RETURN(const ModelInfo model, ReadModelInfo(request.in_path));
  if (IsQuantised(model)) {
    PADDOCK_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(request.in_path));
    PADDOCK_RETURN_IF_ERROR(WriteFileAtomically(request.out_path, bytes));
    return std::vector<std::string>{"the model is quantised already and was left as it is"};
  }
  PADDOCK_ASSIGN_OR_RETURN(const CalibrationSet calibration,
                           CalibrationSet::Load(request.calibration_path, model));
  PADDOCK_ASSIGN_OR_RETURN(const auto library, OrtLibrary::Open(request.tools.onnxruntime_library_path));
  PADDOCK_ASSIGN_OR_RETURN(const OnnxGraph source, OptimisedGraph(*library, request));
  Quantiser quantiser(library, source, calibration, settings);
  PADDOCK_ASSIGN_OR_RETURN(OnnxGraph quantised, quantiser.Make());
  ShortenNames(&quantised);
  PADDOCK_RETURN_IF_ERROR(quantised.Write(request.out_path));
  return quantiser.TakeLines();
}

}  // namespace paddock
