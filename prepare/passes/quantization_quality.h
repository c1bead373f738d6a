// How near a quantised model comes to the float model, on the calibration samples: there are no labels here.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "prepare/onnx_graph.h"
#include "prepare/passes/calibration_set.h"
#include "prepare/passes/qdq_writer.h"

namespace paddock {

// 10 log10(signal / noise), both sums of squares; 120 dB at most, and where both are 0.
double SignalToNoiseDb(double signal, double noise);

struct Agreement {
  double mean_sqnr_db = 0;  // of the outputs: mean over samples and outputs
  // Share of samples whose largest output is another one; for models without one output that is a vector of scores, noise
  // over signal.
  double loss = 0;
  bool is_top1 = false;
  std::vector<double> sqnr_db;  // of each sample and output
};
// Whether `candidate` comes noticeably nearer, by more than what chance makes of a few samples: what is chosen shall not be worse
// on other data.
bool IsNearer(const Agreement& candidate, const Agreement& than);
std::string AgreementText(const Agreement& agreement);  // "31.2 dB, top-1 as before in 99.2 % of the samples"

// What the float model answers, to compare others with.
class FloatReference {
 public:
  static Result<FloatReference> Run(std::shared_ptr<const OrtLibrary> library, const OnnxGraph& graph,
                                    const CalibrationSet& calibration);
  // `changed` has the same inputs and outputs.
  Result<Agreement> Compare(const OnnxGraph& changed) const;

 private:
  using Outputs = std::vector<std::vector<float>>;  // by output, all samples
  FloatReference(std::shared_ptr<const OrtLibrary> library, const CalibrationSet& calibration)
      : library_(std::move(library)), calibration_(&calibration) {}
  Result<Outputs> RunAll(const OnnxGraph& graph) const;

  std::shared_ptr<const OrtLibrary> library_;
  const CalibrationSet* calibration_;
  std::vector<std::string> names_;
  Outputs outputs_;
  std::size_t scores_ = 0;  // elements of the one output that is a vector of scores; 0: there is none
};

struct LayerQuality {
  std::string node;                  // NodeKey()
  std::string text;                  // "Conv 'x'"
  double sqnr_db = 0;                // of its result, on exact inputs quantised
  std::vector<float> channel_error;  // mean of exact minus probed, before any activation
};
// Each layer alone, with everything before it exact; at most the first 64 samples.
Result<std::vector<LayerQuality>> MeasureLayers(std::shared_ptr<const OrtLibrary> library,
                                                const OnnxGraph& source, const QuantizationPlan& plan,
                                                const QdqSettings& settings,
                                                const CalibrationSet& calibration);

}  // namespace paddock
