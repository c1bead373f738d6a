#include "prepare/passes/int8.h"

#include <set>
#include <sstream>
#include <utility>

#include "base/file.h"
#include "prepare/onnx_normal_form.h"
#include "prepare/passes/equalize.h"
#include "prepare/passes/qdq_writer.h"
#include "prepare/passes/quantise.h"

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
    {"equalize", "true: cross-layer equalisation first (step `equalize`); false (default)"},
    {"tolerance",
     "the layers that lose most stay float32 until at most this share of the calibration samples has another "
     "top-1 "
     "class (for models without scores: until noise over signal of the outputs is at most this); unset: "
     "none"},
    {"exclude", "nodes that stay float: NAME,NAME"},
    {"exclude_types", "operators that stay float: Softmax,Add"},
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
  settings.equalizes = reader.Flag("equalize", false);
  if (reader.Has("tolerance")) settings.tolerance = reader.Number("tolerance", 0, 0, 1);
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
  const Scratch converted(request.out_path + ".opset");
  const Scratch optimised(request.out_path + ".basic");
  PADDOCK_ASSIGN_OR_RETURN(OnnxGraph original, OnnxGraph::Read(request.in_path));
  if (original.opset() < kNeededOpset) PADDOCK_RETURN_IF_ERROR(original.ConvertOpset(kNeededOpset));
  PADDOCK_RETURN_IF_ERROR(original.Write(converted.path()));
  const Status status = WriteOptimizedModel(library, converted.path(), optimised.path(), GraphLevel::kBasic);
  if (!status.ok()) return BlameForeignNode(status, original.model());
  return OnnxGraph::Read(optimised.path());
}

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
  PADDOCK_ASSIGN_OR_RETURN(OnnxGraph source, OptimisedGraph(*library, request));
  std::vector<std::string> lines;
  if (settings.equalizes) {
    PADDOCK_ASSIGN_OR_RETURN(lines, EqualizeLayers(&source));
  }
  PADDOCK_ASSIGN_OR_RETURN(QuantisedModel quantised, Quantise(library, source, calibration, settings));
  ShortenNames(&quantised.graph);
  PADDOCK_RETURN_IF_ERROR(quantised.graph.Write(request.out_path));
  lines.insert(lines.end(), quantised.lines.begin(), quantised.lines.end());
  return lines;
}

}  // namespace paddock
