#include "prepare/data_plan.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <utility>

#include "base/strict_json.h"
#include "kpi/accuracy_interval.h"
#include "prepare/preprocess.h"
#include "prepare/subsample.h"

namespace paddock {
namespace {

std::string ListText(const std::vector<TensorInfo>& tensors) {
  std::string text;
  for (const TensorInfo& tensor : tensors) text += (text.empty() ? "" : ", ") + TensorText(tensor);
  return text.empty() ? "none" : text;
}

Shape WithoutOnes(Shape shape) {
  std::erase(shape, 1);
  return shape;
}

// The step that would turn samples `have` into `want`, as the job file writes it; empty when none is plain.
std::string ShapeHint(const Shape& have, const Shape& want) {
  if (ElementCount(have) != ElementCount(want)) return "; give the model data of its own shape";
  Shape have_sorted = have;
  Shape want_sorted = want;
  std::sort(have_sorted.begin(), have_sorted.end());
  std::sort(want_sorted.begin(), want_sorted.end());
  if (WithoutOnes(have) == WithoutOnes(want) || have_sorted != want_sorted) {
    return "; the number of elements is the same: add the step {reshape: {shape: " + ShapeText(want) + "}}";
  }
  Shape axes;
  for (const std::int64_t size : want) {
    for (std::int64_t axis = 0; axis < static_cast<std::int64_t>(have.size()); ++axis) {
      if (have[static_cast<std::size_t>(axis)] != size ||
          std::find(axes.begin(), axes.end(), axis) != axes.end())
        continue;
      axes.push_back(axis);
      break;
    }
  }
  return "; add the step {transpose: {axes: " + ShapeText(axes) +
         "}}, or a reshape if only the shape was lost";
}

std::string TypeHint(ElementType have, ElementType want) {
  std::string hint = "; add the step {cast: {to: " + std::string(ElementTypeName(want)) + "}}";
  if (IsInteger(have) && want == ElementType::kFloat32)
    hint += ", or a dequantize step if the data are quantized";
  if (!IsInteger(have) && IsInteger(want)) hint += ", or a quantize step";
  return hint;
}

// A name in the job that the file does not have is the job's mistake.
Result<ArrayInfo> FindArray(const DataFile& file, const std::string& array, const std::string& field) {
  auto found = file.Find(array);
  if (!found.ok()) return InvalidArgumentError(field + ": " + found.status().message());
  return found;
}

// Model input -> array, every input once.
Result<std::map<std::string, std::string>> ResolveInputs(const DataFile& file, const DataSpec& spec,
                                                         const ModelInfo& model) {
  std::vector<std::string> names;
  for (const TensorInfo& input : model.inputs) names.push_back(input.name);
  const auto unknown = [&](const std::string& field, const std::string& name) {
    const auto nearest = Nearest(name, names);
    return InvalidArgumentError(field + ": the model has no input '" + name + "'" +
                                (nearest ? "; did you mean '" + *nearest + "'?" : "") + "; its inputs are " +
                                ListText(model.inputs));
  };
  for (const auto& [input, array] : spec.inputs) {
    if (std::find(names.begin(), names.end(), input) == names.end())
      return unknown("data.inputs." + input, input);
  }
  for (std::size_t i = 0; i < spec.preprocess.size(); ++i) {
    const std::string& input = spec.preprocess[i].input;
    if (input.empty() || std::find(names.begin(), names.end(), input) != names.end()) continue;
    return unknown("data.preprocess[" + std::to_string(i) + "].input", input);
  }
  if (!spec.inputs.empty()) {
    for (const TensorInfo& input : model.inputs) {
      if (spec.inputs.contains(input.name)) continue;
      return InvalidArgumentError("data.inputs: the model wants the input " + TensorText(input) +
                                  ", which no array feeds; name one of the arrays of '" + file.name() +
                                  "': " + ListText(file.arrays()));
    }
    return spec.inputs;
  }
  std::vector<std::string> candidates;
  for (const ArrayInfo& array : file.arrays()) {
    if (array.name != spec.labels) candidates.push_back(array.name);
  }
  if (model.inputs.size() != 1 || candidates.size() != 1) {
    return InvalidArgumentError("data.inputs: it must say which array feeds which input, such as {" +
                                names.front() + ": ARRAY}; the model's inputs are " + ListText(model.inputs) +
                                ", the arrays of '" + file.name() + "' " + ListText(file.arrays()));
  }
  return std::map<std::string, std::string>{{names.front(), candidates.front()}};
}

Status CheckSampleRate(const DataFile& file, const DataSpec& spec, const std::string& input,
                       const ArrayInfo& array) {
  const std::optional<double> rate_hz = file.SampleRateHz(array);
  for (std::size_t i = 0; rate_hz && i < spec.preprocess.size(); ++i) {
    const auto* mel = std::get_if<MelStep>(&spec.preprocess[i].action);
    const std::string& wanted = spec.preprocess[i].input;
    if (mel == nullptr || (!wanted.empty() && wanted != input) || mel->sample_rate_hz == *rate_hz) continue;
    const auto text = [](double hz) { return std::to_string(std::llround(hz)); };
    return InvalidArgumentError(
        "data.preprocess[" + std::to_string(i) + "].mel.sample_rate_hz: it is " + text(mel->sample_rate_hz) +
        ", and the recordings of '" + file.name() + "' have " + text(*rate_hz) +
        " samples a second; convert them to the rate that the model was trained with");
  }
  return OkStatus();
}

// Appends to `preprocess` the step that a quantised input needs.
Result<InputFeed> PlanInput(const DataFile& file, const DataSpec& spec, const TensorInfo& input,
                            const Shape& wanted, const std::string& array,
                            std::vector<PreprocessStep>* preprocess) {
  const std::string field = "data.inputs." + input.name + ": ";
  PADDOCK_ASSIGN_OR_RETURN(const ArrayInfo found, FindArray(file, array, "data.inputs." + input.name));
  if (found.shape.empty()) {
    return InvalidArgumentError(field + "array '" + array +
                                "' is a single value; save it with shape [samples, ...]");
  }
  if (found.shape[0] == 0) {
    return InvalidArgumentError(field + "array '" + array +
                                "' has no samples; give a data file that is not empty");
  }
  PADDOCK_RETURN_IF_ERROR(CheckSampleRate(file, spec, input.name, found));
  InputFeed feed;
  feed.array = array;
  feed.one_by_one = file.HasOwnShapes(found);
  TensorInfo row{input.name, found.type, found.shape};
  row.shape[0] = 1;
  feed.raw_row_bytes = ElementCount(row.shape).value_or(0) * ElementSize(row.type);
  auto prepared = PreprocessInfo(row, spec.preprocess);
  if (prepared.ok() && input.quantization && IsInteger(input.type) && IsFloating(prepared->type)) {
    preprocess->push_back(
        {.input = input.name,
         .action = QuantizeStep{input.quantization->scale, input.quantization->zero_point, input.type}});
    prepared = PreprocessInfo(row, *preprocess);
  }
  if (!prepared.ok()) return prepared.status().WithContext("data");
  feed.row = std::move(prepared).value();
  feed.row_bytes = ElementCount(feed.row.shape).value_or(0) * ElementSize(feed.row.type);

  const Shape have(feed.row.shape.begin() + 1, feed.row.shape.end());
  const std::string after = spec.preprocess.empty() ? "" : " after preprocessing";
  if (have != wanted) {
    return InvalidArgumentError(field + "a sample of array '" + array + "' has the shape " + ShapeText(have) +
                                after + ", and the model wants " + ShapeText(wanted) +
                                ShapeHint(have, wanted));
  }
  if (feed.row.type != input.type) {
    return InvalidArgumentError(field + "array '" + array + "' is " +
                                std::string(ElementTypeName(feed.row.type)) + after +
                                ", and the model wants " + std::string(ElementTypeName(input.type)) +
                                TypeHint(feed.row.type, input.type));
  }
  if (feed.row_bytes == 0)
    return InvalidArgumentError(field + "a sample has no elements; there is nothing to measure");
  return feed;
}

std::optional<std::int64_t> ClassCount(const ModelInfo& model) {
  if (model.outputs.empty() || model.outputs[0].shape.size() != 2) return std::nullopt;
  const std::int64_t classes = model.outputs[0].shape[1];
  if (classes < 1) return std::nullopt;
  return classes == 1 ? 2 : classes;
}

std::string ClassText(std::int64_t label, const std::vector<std::string>& class_names) {
  if (label < 0 || static_cast<std::size_t>(label) >= class_names.size()) return "";
  return " ('" + class_names[static_cast<std::size_t>(label)] + "', its place in the sorted order of the " +
         std::to_string(class_names.size()) + " texts)";
}

Status CheckLabelRange(const std::vector<std::int64_t>& labels, const ModelInfo& model,
                       const std::vector<std::string>& class_names, const std::string& field) {
  const auto classes = ClassCount(model);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] >= 0 && (!classes || labels[i] < *classes)) continue;
    return InvalidArgumentError(field + "sample " + std::to_string(i) + " has the label " +
                                std::to_string(labels[i]) + ClassText(labels[i], class_names) +
                                (classes ? ", and the model's output " + TensorText(model.outputs[0]) +
                                               " knows 0 to " + std::to_string(*classes - 1)
                                         : ", and labels count from 0") +
                                "; correct the labels or the model");
  }
  return OkStatus();
}

// Labels of the tasks that have several numbers per sample.
Status CheckLabelShape(const ArrayInfo& labels, Task task, const std::string& field) {
  const Shape& shape = labels.shape;
  std::string wanted;
  if (task == Task::kSegmentation && (!IsInteger(labels.type) || shape.size() < 2)) {
    wanted = "segmentation needs a class number per pixel; save integers with shape [samples, height, width]";
  } else if (task == Task::kDetection && (shape.size() != 3 || (shape[2] != 5 && shape[2] != 6))) {
    wanted =
        "detection needs boxes; save left, top, right, bottom, class (and crowd) with shape [samples, boxes, "
        "5 or 6]";
  } else if (task == Task::kEvents && (shape.size() != 3 || shape[2] != 2)) {
    wanted = "events needs begin and end in seconds; save them with shape [samples, events, 2]";
  }
  if (wanted.empty()) return OkStatus();
  return InvalidArgumentError(field + "it is " + TensorText(labels) + ", and " + wanted);
}

Result<std::vector<std::int64_t>> ReadClasses(DataFile& file, const ArrayInfo& labels) {
  constexpr std::uint64_t kAtOnce = 1 << 16;
  const std::vector<PreprocessStep> to_int64 = {{.input = "", .action = CastStep{ElementType::kInt64}}};
  const auto samples = static_cast<std::uint64_t>(labels.shape[0]);
  std::vector<std::int64_t> classes;
  classes.reserve(samples);
  while (classes.size() < samples) {
    std::vector<std::uint64_t> rows(std::min<std::uint64_t>(kAtOnce, samples - classes.size()));
    std::iota(rows.begin(), rows.end(), classes.size());
    PADDOCK_ASSIGN_OR_RETURN(Tensor read, file.ReadRows(labels.name, rows));
    PADDOCK_ASSIGN_OR_RETURN(const Tensor wide, Preprocess(std::move(read), to_int64));
    const auto* values = reinterpret_cast<const std::int64_t*>(wide.bytes.data());
    classes.insert(classes.end(), values, values + rows.size());
  }
  PADDOCK_RETURN_IF_ERROR(file.FinishReading(labels.name));
  return classes;
}

// Reads integer labels of shape [n]; checks labels of every kind.
Status PlanLabels(DataFile& file, const DataSpec& spec, const ModelInfo& model, Task task, DataPlan* plan) {
  if (spec.labels.empty()) {
    if (task == Task::kNone) return OkStatus();
    return InvalidArgumentError("data.labels: the task " + std::string(TaskName(task)) +
                                " needs labels; name their array, one of " + ListText(file.arrays()));
  }
  PADDOCK_ASSIGN_OR_RETURN(const ArrayInfo found, FindArray(file, spec.labels, "data.labels"));
  const std::string field = "data.labels: array '" + spec.labels + "': ";
  if (found.shape.empty() || static_cast<std::uint64_t>(found.shape[0]) != plan->samples) {
    return InvalidArgumentError(field + "it has the shape " + ShapeText(found.shape) + " for " +
                                std::to_string(plan->samples) + " samples; give one label per sample");
  }
  const bool is_class = IsInteger(found.type) && found.shape.size() == 1;
  if (task == Task::kClassification && !is_class) {
    return InvalidArgumentError(
        field + "it is " + TensorText(found) +
        ", and classification needs one integer per sample; save class numbers with shape [" +
        std::to_string(plan->samples) + "]");
  }
  PADDOCK_RETURN_IF_ERROR(CheckLabelShape(found, task, field));
  if (!is_class || task == Task::kRegression) return OkStatus();

  PADDOCK_ASSIGN_OR_RETURN(plan->strata, ReadClasses(file, found));
  return task == Task::kClassification ? CheckLabelRange(*plan->strata, model, file.ClassNames(found), field)
                                       : OkStatus();
}

}  // namespace

Result<DataPlan> PlanData(DataFile& file, const DataSpec& spec, const ModelInfo& model, Task task) {
  if (!spec.labels.empty())  // before what inputs are: without labels they would be other columns
    PADDOCK_RETURN_IF_ERROR(FindArray(file, spec.labels, "data.labels").status());
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<Shape> shapes, SampleShapes(model));
  PADDOCK_ASSIGN_OR_RETURN(const auto arrays, ResolveInputs(file, spec, model));
  DataPlan plan;
  plan.preprocess = spec.preprocess;
  for (std::size_t i = 0; i < model.inputs.size(); ++i) {
    const TensorInfo& input = model.inputs[i];
    PADDOCK_ASSIGN_OR_RETURN(
        InputFeed feed, PlanInput(file, spec, input, shapes[i], arrays.at(input.name), &plan.preprocess));
    PADDOCK_ASSIGN_OR_RETURN(const ArrayInfo array, file.Find(feed.array));
    const auto samples = static_cast<std::uint64_t>(array.shape[0]);
    if (i > 0 && samples != plan.samples) {
      return InvalidArgumentError("data.inputs." + input.name + ": array '" + feed.array + "' has " +
                                  std::to_string(samples) + " samples, and array '" + plan.feeds[0].array +
                                  "' has " + std::to_string(plan.samples) +
                                  "; give every input the same samples");
    }
    plan.samples = samples;
    plan.feeds.push_back(std::move(feed));
  }
  if (plan.samples > kMaxSamples) {
    return InvalidArgumentError("data: '" + file.name() + "' holds " + std::to_string(plan.samples) +
                                " samples and at most " + std::to_string(kMaxSamples) +
                                " are taken; split the file");
  }
  PADDOCK_RETURN_IF_ERROR(PlanLabels(file, spec, model, task, &plan));
  return plan;
}

Result<std::vector<std::uint64_t>> ChooseMeasured(const DataPlan& plan, const DataSpec& spec) {
  std::optional<std::span<const std::int64_t>> strata;
  if (plan.strata) strata = *plan.strata;
  if (spec.accuracy_interval) {
    const std::uint64_t needed = MinSamplesForAccuracyInterval(*spec.accuracy_interval);
    if (plan.samples < needed) {
      return InvalidArgumentError("data.samples.accuracy_interval: the data hold " +
                                  std::to_string(plan.samples) +
                                  " samples, and even if all of them were answered right it would take " +
                                  std::to_string(needed) + "; give more data or ask for a wider interval");
    }
    return OrderSamples(*plan.strata, spec.seed);
  }
  auto chosen = ChooseSamples(plan.samples, strata, spec.samples, spec.seed);
  if (!chosen.ok()) return chosen.status().WithContext("data.samples");
  return chosen;
}

}  // namespace paddock
