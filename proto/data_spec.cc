#include "proto/data_spec.h"

#include "kpi/catalog.h"
#include "prepare/preprocess.h"

namespace paddock {
namespace {

constexpr double kNarrowestAccuracyInterval = 1e-4;

Status DataFieldError(const std::string& field, const std::string& problem) {
  return InvalidArgumentError(field + ": " + problem);
}

Result<ElementType> TypeFromProto(const std::string& name, const std::string& field) {
  auto parsed = ParseElementType(name);
  if (!parsed.ok()) return DataFieldError(field, parsed.status().message());
  return parsed;
}

Result<MelStep> MelFromProto(const v1::PreprocessStep::Mel& in, const std::string& field) {
  MelStep out;
  if (!in.kind().empty()) {
    auto kind = ParseMelKind(in.kind());
    if (!kind.ok()) return DataFieldError(field + ".kind", kind.status().message());
    out.kind = *kind;
  }
  if (in.has_sample_rate_hz()) out.sample_rate_hz = in.sample_rate_hz();
  if (in.has_window_s()) out.window_s = in.window_s();
  if (in.has_stride_s()) out.stride_s = in.stride_s();
  if (in.has_bands()) out.bands = in.bands();
  if (in.has_coefficients()) out.coefficients = in.coefficients();
  if (in.has_low_hz()) out.low_hz = in.low_hz();
  if (in.has_high_hz()) out.high_hz = in.high_hz();
  if (in.has_fft_size()) out.fft_size = in.fft_size();
  if (in.has_duration_s()) out.duration_s = in.duration_s();
  return out;
}

// The steps of images and sound.
Result<decltype(PreprocessStep::action)> SignalFromProto(const v1::PreprocessStep& step,
                                                         const std::string& field) {
  if (step.has_crop()) return {CropStep{step.crop().height(), step.crop().width()}};
  if (step.has_resize()) {
    ResizeStep resize{step.resize().height(), step.resize().width()};
    if (step.resize().method().empty()) return {resize};
    auto method = ParseResizeMethod(step.resize().method());
    if (!method.ok()) return DataFieldError(field + ".resize.method", method.status().message());
    resize.method = *method;
    return {resize};
  }
  if (step.has_color()) {
    auto order = ParseColorOrder(step.color().order());
    if (!order.ok()) return DataFieldError(field + ".color.order", order.status().message());
    return {ColorStep{*order}};
  }
  PADDOCK_ASSIGN_OR_RETURN(MelStep mel, MelFromProto(step.mel(), field + ".mel"));
  return {mel};
}

Result<PreprocessStep> StepFromProto(const v1::PreprocessStep& step, const std::string& field) {
  PreprocessStep out;
  out.input = step.input();
  switch (step.action_case()) {
    case v1::PreprocessStep::kCast: {
      PADDOCK_ASSIGN_OR_RETURN(const ElementType to, TypeFromProto(step.cast().to(), field + ".cast.to"));
      out.action = CastStep{to};
      return out;
    }
    case v1::PreprocessStep::kScale:
      out.action = ScaleStep{step.scale().has_factor() ? step.scale().factor() : 1.0, step.scale().offset()};
      return out;
    case v1::PreprocessStep::kNormalize: {
      NormalizeStep normalize;
      normalize.mean.assign(step.normalize().mean().begin(), step.normalize().mean().end());
      normalize.std.assign(step.normalize().std().begin(), step.normalize().std().end());
      if (step.normalize().has_axis()) normalize.axis = step.normalize().axis();
      if (normalize.mean.empty() || normalize.mean.size() != normalize.std.size()) {
        return DataFieldError(field + ".normalize", "needs as many values in mean as in std, at least one");
      }
      for (const double std : normalize.std) {
        if (!(std > 0)) return DataFieldError(field + ".normalize.std", "every value must be above 0");
      }
      out.action = std::move(normalize);
      return out;
    }
    case v1::PreprocessStep::kDequantize:
      if (!(step.dequantize().scale() > 0))
        return DataFieldError(field + ".dequantize.scale", "must be above 0");
      out.action = DequantizeStep{step.dequantize().scale(), step.dequantize().zero_point()};
      return out;
    case v1::PreprocessStep::kQuantize: {
      if (!(step.quantize().scale() > 0)) return DataFieldError(field + ".quantize.scale", "must be above 0");
      QuantizeStep quantize{step.quantize().scale(), step.quantize().zero_point(), ElementType::kInt8};
      if (!step.quantize().to().empty()) {
        PADDOCK_ASSIGN_OR_RETURN(quantize.to, TypeFromProto(step.quantize().to(), field + ".quantize.to"));
      }
      out.action = quantize;
      return out;
    }
    case v1::PreprocessStep::kTranspose:
      out.action = TransposeStep{{step.transpose().axes().begin(), step.transpose().axes().end()}};
      return out;
    case v1::PreprocessStep::kReshape:
      out.action = ReshapeStep{{step.reshape().shape().begin(), step.reshape().shape().end()}};
      return out;
    case v1::PreprocessStep::kResize:
    case v1::PreprocessStep::kCrop:
    case v1::PreprocessStep::kColor:
    case v1::PreprocessStep::kMel: {
      PADDOCK_ASSIGN_OR_RETURN(out.action, SignalFromProto(step, field));
      return out;
    }
    case v1::PreprocessStep::ACTION_NOT_SET:
      break;
  }
  return DataFieldError(field,
                        "names no action; one of cast, scale, normalize, dequantize, quantize, transpose, "
                        "reshape, resize, crop, color, mel");
}

Result<RawLayout> RawFromProto(const v1::DataSpec::Raw& in) {
  RawLayout out;
  PADDOCK_ASSIGN_OR_RETURN(out.type, TypeFromProto(in.type(), "data.raw.type"));
  out.shape.assign(in.shape().begin(), in.shape().end());
  out.header_bytes = in.header_bytes();
  if (!in.label_type().empty()) {
    PADDOCK_ASSIGN_OR_RETURN(out.label_type, TypeFromProto(in.label_type(), "data.raw.label_type"));
  }
  const std::string& place = in.label_place();
  if (!place.empty() && place != "before" && place != "after")
    return DataFieldError("data.raw.label_place", "'" + place + "' is none of before, after");
  if (!place.empty() && !out.label_type)
    return DataFieldError("data.raw.label_place", "belongs to data.raw.label_type, which is missing");
  out.label_after = place == "after";
  return out;
}

}  // namespace

Result<DataSpec> DataSpecFromProto(const v1::JobSpec& in) {
  DataSpec out;
  out.inputs.insert(in.data().inputs().begin(), in.data().inputs().end());
  out.labels = in.data().labels();
  if (in.data().has_raw()) {
    PADDOCK_ASSIGN_OR_RETURN(out.raw, RawFromProto(in.data().raw()));
  }
  if (in.data().has_samples()) {
    if (in.data().samples() == 0) return DataFieldError("data.samples", "must be at least 1");
    out.samples = in.data().samples();
  }
  if (in.data().has_samples_until()) {
    const double width = in.data().samples_until().accuracy_interval();
    if (!(width >= kNarrowestAccuracyInterval && width < 1)) {
      return DataFieldError(
          "data.samples.accuracy_interval",
          "must be the width of an interval of top-1, from 0.0001 to below 1, for example 0.02");
    }
    if (in.task() != TaskName(Task::kClassification)) {
      return DataFieldError("data.samples.accuracy_interval",
                            "needs the task classification; give a number of samples instead");
    }
    out.accuracy_interval = width;
  }
  out.seed = in.data().seed();
  for (int i = 0; i < in.data().preprocess_size(); ++i) {
    PADDOCK_ASSIGN_OR_RETURN(
        PreprocessStep step,
        StepFromProto(in.data().preprocess(i), "data.preprocess[" + std::to_string(i) + "]"));
    out.preprocess.push_back(std::move(step));
  }
  return out;
}

}  // namespace paddock
