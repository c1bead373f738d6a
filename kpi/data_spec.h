// Which samples a run is fed and what is done to them before they travel: part of the evidence, since it decides what the
// accuracy means. Made from the job file's `data:`; prepare/ carries it out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "kpi/tensor.h"

namespace paddock {

struct CastStep {
  ElementType to = ElementType::kFloat32;
};
struct ScaleStep {
  double factor = 1;
  double offset = 0;
};  // x * factor + offset
struct NormalizeStep {
  std::vector<double> mean;
  std::vector<double> std;
  std::int64_t axis = 1;
};  // (x - mean) / std; one value, or one per index of `axis` (0 = sample)
struct DequantizeStep {
  double scale = 1;
  std::int64_t zero_point = 0;
};  // (q - zero_point) * scale -> float32
struct QuantizeStep {
  double scale = 1;
  std::int64_t zero_point = 0;
  ElementType to = ElementType::kInt8;
};  // round half to even, saturate
struct TransposeStep {
  std::vector<std::int64_t> axes;
};  // of one sample, without the sample dimension
struct ReshapeStep {
  Shape shape;
};  // of one sample; one dimension may be -1

struct PreprocessStep {
  std::string input;  // the model input it applies to; empty: every input
  std::variant<CastStep, ScaleStep, NormalizeStep, DequantizeStep, QuantizeStep, TransposeStep, ReshapeStep>
      action;
};

// What the bytes of a file without a format are: after the header, records of one size to the end of the file. A record is a
// sample, with a label before or after it when label_type is given. Little-endian.
struct RawLayout {
  ElementType type = ElementType::kUint8;
  Shape shape;  // of one sample
  std::uint64_t header_bytes = 0;
  std::optional<ElementType> label_type;
  bool label_after = false;
};

struct DataSpec {
  std::map<std::string, std::string>
      inputs;  // model input -> array in the file; empty for a model with one input and a file with one array that is not the labels
  std::string labels;                    // array with the labels; empty: none
  std::optional<std::uint64_t> samples;  // absent: all
  // All samples, in a random order, and answers stop when the nominal 95 % interval of top-1 is at most this wide. Needs the
  // task classification; never together with `samples`.
  std::optional<double> accuracy_interval;
  std::uint64_t seed = 0;
  std::vector<PreprocessStep> preprocess;
  std::optional<RawLayout> raw;  // absent: the file's content tells its format
};

}  // namespace paddock
