// Which samples a run is fed and what is done to them before they travel: part of the evidence, since it decides what the
// accuracy means. Made from the job file's `data:`; prepare/ carries it out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
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

enum class ResizeMethod : std::uint8_t { kBilinear, kNearest };
struct ResizeStep {
  std::int64_t height = 0;
  std::int64_t width = 0;
  ResizeMethod method = ResizeMethod::kBilinear;
};
struct CropStep {
  std::int64_t height = 0;
  std::int64_t width = 0;
};  // around the centre
enum class ColorOrder : std::uint8_t { kRgb, kBgr, kGray };
struct ColorStep {
  ColorOrder order = ColorOrder::kRgb;
};  // of samples whose last dimension is red, green, blue
enum class MelKind : std::uint8_t { kLogMel, kMfcc };
// The defaults are those of TensorFlow's speech commands example and its audio operators.
struct MelStep {
  MelKind kind = MelKind::kLogMel;
  double sample_rate_hz = 16'000;
  double window_s = 0.030;
  double stride_s = 0.020;
  std::int64_t bands = 40;
  std::int64_t coefficients = 13;  // of MFCC
  double low_hz = 20;
  double high_hz = 4000;
  std::optional<std::int64_t> fft_size;  // absent: the power of two that the window fits in
  std::optional<double> duration_s;      // recordings are cut to it or padded with zeros; absent: as they are
};

// "bilinear", "rgb", "log-mel", ...: the names in job files.
std::string_view ResizeMethodName(ResizeMethod method);
Result<ResizeMethod> ParseResizeMethod(std::string_view name);
std::string_view ColorOrderName(ColorOrder order);
Result<ColorOrder> ParseColorOrder(std::string_view name);
std::string_view MelKindName(MelKind kind);
Result<MelKind> ParseMelKind(std::string_view name);

struct PreprocessStep {
  std::string input;  // the model input it applies to; empty: every input
  std::variant<CastStep, ScaleStep, NormalizeStep, DequantizeStep, QuantizeStep, TransposeStep, ReshapeStep,
               ResizeStep, CropStep, ColorStep, MelStep>
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
  std::optional<double> accuracy_interval{};
  std::uint64_t seed = 0;
  std::vector<PreprocessStep> preprocess;
  std::optional<RawLayout> raw{};  // absent: the file's content tells its format
};

}  // namespace paddock
