#include "cli/job_file.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "base/file.h"
#include "base/strict_json.h"
#include "cli/budget_flag.h"
#include "cli/exit_code.h"
#include "prepare/steps.h"

namespace paddock {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

std::string Join(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

Status TypeError(const std::string& path, const char* wanted, const Json& value) {
  return InvalidArgumentError(path + ": must be " + wanted + ", not " + value.dump().substr(0, 60));
}

// Sets or, for a repeated field, adds one value.
class ValueSetter {
 public:
  ValueSetter(Message& message, const FieldDescriptor& field, std::string path)
      : message_(message), reflection_(*message.GetReflection()), field_(field), path_(std::move(path)) {}

  Status Set(const Json& value) {
    switch (field_.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return SetText(value);
      case FieldDescriptor::CPPTYPE_BOOL:
        if (!value.is_boolean()) return TypeError(path_, "true or false", value);
        field_.is_repeated() ? reflection_.AddBool(&message_, &field_, value.get<bool>())
                             : reflection_.SetBool(&message_, &field_, value.get<bool>());
        return OkStatus();
      case FieldDescriptor::CPPTYPE_DOUBLE:
        if (!value.is_number() || !std::isfinite(value.get<double>()))
          return TypeError(path_, "a number", value);
        field_.is_repeated() ? reflection_.AddDouble(&message_, &field_, value.get<double>())
                             : reflection_.SetDouble(&message_, &field_, value.get<double>());
        return OkStatus();
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return FillMessage(value, path_,
                           field_.is_repeated() ? *reflection_.AddMessage(&message_, &field_)
                                                : *reflection_.MutableMessage(&message_, &field_));
      case FieldDescriptor::CPPTYPE_UINT32:
        return SetInteger<std::uint32_t>(value);
      case FieldDescriptor::CPPTYPE_UINT64:
        return SetInteger<std::uint64_t>(value);
      case FieldDescriptor::CPPTYPE_INT32:
        return SetInteger<std::int32_t>(value);
      case FieldDescriptor::CPPTYPE_INT64:
        return SetInteger<std::int64_t>(value);
      default:
        return InternalError(path_ + ": a type that job files do not have");
    }
  }

 private:
  Status SetText(const Json& value) {
    if (!value.is_string() && !value.is_number() && !value.is_boolean())
      return TypeError(path_, "text", value);
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    field_.is_repeated() ? reflection_.AddString(&message_, &field_, text)
                         : reflection_.SetString(&message_, &field_, text);
    return OkStatus();
  }

  template <typename T>
  Status SetInteger(const Json& value) {
    const char* wanted = std::is_signed_v<T> ? "an integer" : "an integer of 0 or more";
    if (!value.is_number_integer()) return TypeError(path_, wanted, value);
    const bool fits =
        value.is_number_unsigned()
            ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(std::numeric_limits<T>::max())
            : std::is_signed_v<T> &&
                  value.get<std::int64_t>() >= static_cast<std::int64_t>(std::numeric_limits<T>::min());
    if (!fits) return TypeError(path_, wanted, value);
    const T number = value.get<T>();
    if constexpr (std::is_same_v<T, std::uint32_t>)
      Store(number, &Reflection::AddUInt32, &Reflection::SetUInt32);
    if constexpr (std::is_same_v<T, std::uint64_t>)
      Store(number, &Reflection::AddUInt64, &Reflection::SetUInt64);
    if constexpr (std::is_same_v<T, std::int32_t>)
      Store(number, &Reflection::AddInt32, &Reflection::SetInt32);
    if constexpr (std::is_same_v<T, std::int64_t>)
      Store(number, &Reflection::AddInt64, &Reflection::SetInt64);
    return OkStatus();
  }

  template <typename T, typename Add, typename Put>
  void Store(T number, Add add, Put put) {
    if (field_.is_repeated()) {
      (reflection_.*add)(&message_, &field_, number);
    } else {
      (reflection_.*put)(&message_, &field_, number);
    }
  }

  Message& message_;
  const Reflection& reflection_;
  const FieldDescriptor& field_;
  std::string path_;
};

// `samples` is a number or a mapping, which are two fields.
constexpr const char* kSamplesUntil = "samples_until";

const FieldDescriptor* FieldOf(const Message& message, const std::string& key, const Json& value) {
  if (key == kSamplesUntil) return nullptr;
  const google::protobuf::Descriptor& known = *message.GetDescriptor();
  const bool is_rule = key == "samples" && value.is_object();
  const FieldDescriptor* rule = is_rule ? known.FindFieldByName(kSamplesUntil) : nullptr;
  return rule != nullptr ? rule : known.FindFieldByName(key);
}

Status FillMap(const Json& json, const std::string& path, const FieldDescriptor& field, Message& message) {
  if (!json.is_object()) return TypeError(path, "a mapping of names to values", json);
  const FieldDescriptor& key_field = *field.message_type()->FindFieldByNumber(1);
  const FieldDescriptor& value_field = *field.message_type()->FindFieldByNumber(2);
  for (const auto& [key, value] : json.items()) {
    Message& entry = *message.GetReflection()->AddMessage(&message, &field);
    PADDOCK_RETURN_IF_ERROR(ValueSetter(entry, key_field, path).Set(key));
    PADDOCK_RETURN_IF_ERROR(ValueSetter(entry, value_field, Join(path, key)).Set(value));
  }
  return OkStatus();
}

Status UnknownKey(const std::string& path, const std::string& key, const Message& message) {
  std::vector<std::string> known;
  std::string list;
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    if (message.GetDescriptor()->field(i)->name() == kSamplesUntil) continue;
    known.push_back(message.GetDescriptor()->field(i)->name());
    list += (i == 0 ? "" : ", ") + known.back();
  }
  const auto near = Nearest(key, known);
  return InvalidArgumentError(Join(path, key) + ": unknown key" +
                              (near ? "; did you mean '" + *near + "'?" : ";") + " known here: " + list);
}

// A preparation step may be a mapping of its name to its options: {int8: {method: percentile}}.
Result<Json> StepText(const Json& step, const std::string& path) {
  if (!step.is_object()) return step;
  if (step.size() != 1) return TypeError(path, "one step, such as {int8: {method: percentile}}", step);
  std::string text = step.begin().key();
  const Json& options = step.begin().value();
  if (!options.is_object() && !options.is_null())
    return TypeError(Join(path, text), "a mapping of options", options);
  for (const auto& [key, value] : options.items()) {
    if (value.is_structured() || value.is_null())
      return TypeError(Join(Join(path, text), key), "one value", value);
    text += " " + key + "=" + (value.is_string() ? value.get<std::string>() : value.dump());
  }
  return Json(text);
}

Status FillSteps(const Json& value, const std::string& path, const FieldDescriptor& field, Message& message) {
  if (!value.is_array()) return TypeError(path, "a list", value);
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string place = path + "[" + std::to_string(i) + "]";
    PADDOCK_ASSIGN_OR_RETURN(const Json text, StepText(value[i], place));
    PADDOCK_RETURN_IF_ERROR(ValueSetter(message, field, place).Set(text));
  }
  return OkStatus();
}

Status FillField(const Json& value, const std::string& path, const FieldDescriptor& field, Message& message) {
  if (value.is_null()) return OkStatus();
  if (&field == v1::Variant::descriptor()->FindFieldByNumber(v1::Variant::kStepsFieldNumber))
    return FillSteps(value, path, field, message);
  if (field.is_map()) return FillMap(value, path, field, message);
  if (!field.is_repeated()) return ValueSetter(message, field, path).Set(value);
  if (!value.is_array()) return TypeError(path, "a list", value);
  for (std::size_t i = 0; i < value.size(); ++i) {
    PADDOCK_RETURN_IF_ERROR(ValueSetter(message, field, path + "[" + std::to_string(i) + "]").Set(value[i]));
  }
  return OkStatus();
}

Status ApplyFlags(const JobFlags& flags, v1::JobSpec& spec) {
  if (!flags.labels.empty()) spec.mutable_data()->set_labels(flags.labels);
  if (!flags.task.empty()) spec.set_task(flags.task);
  if (!flags.scenario.empty()) spec.mutable_scenario()->set_kind(flags.scenario);
  if (flags.samples) spec.mutable_data()->set_samples(*flags.samples);
  if (flags.repetitions) spec.set_repetitions(*flags.repetitions);
  if (!flags.name.empty()) spec.set_name(flags.name);
  for (const std::string& input : flags.inputs) {
    const auto equals = input.find('=');
    if (equals == std::string::npos || equals == 0) {
      return InvalidArgumentError("--input '" + input + "' is not MODEL_INPUT=ARRAY");
    }
    (*spec.mutable_data()->mutable_inputs())[input.substr(0, equals)] = input.substr(equals + 1);
  }
  for (const std::string& budget : flags.budgets) PADDOCK_RETURN_IF_ERROR(AddBudgets(budget, spec));
  if (!flags.on.empty()) {
    spec.clear_on();
    for (const std::string& selector : flags.on) spec.add_on(selector);
  }
  if (!flags.variants.empty()) {
    // A variant that the file describes keeps its description; others are taken from the catalogue.
    const v1::JobSpec in_file = spec;
    spec.clear_variants();
    for (const std::string& name : flags.variants) {
      v1::Variant& variant = *spec.add_variants();
      variant.set_name(name);
      for (const v1::Variant& known : in_file.variants()) {
        if (known.name() == name) variant = known;
      }
    }
  }
  return OkStatus();
}

// What is wrong with the steps is said where the job is submitted.
bool WantsEncodings(const v1::Variant& variant) {
  const auto steps = VariantSteps(variant.name(), {variant.steps().begin(), variant.steps().end()});
  return steps.ok() && NeedsEncodings(*steps);
}

}  // namespace

std::string EncodingsBeside(const std::string& model_path) {
  return std::filesystem::path(model_path).replace_extension(".encodings").string();
}

Status FillMessage(const Json& json, const std::string& path, Message& message) {
  if (!json.is_object()) return TypeError(path.empty() ? "the job" : path, "a mapping", json);
  std::map<const google::protobuf::OneofDescriptor*, std::string> chosen;
  for (const auto& [key, value] : json.items()) {
    const FieldDescriptor* field = FieldOf(message, key, value);
    if (field == nullptr) return UnknownKey(path, key, message);
    if (const auto* oneof = field->real_containing_oneof()) {
      const auto [other, is_new] = chosen.emplace(oneof, key);
      if (!is_new) {
        return InvalidArgumentError(path + ": has both '" + other->second + "' and '" + key +
                                    "'; make two steps of it");
      }
    }
    PADDOCK_RETURN_IF_ERROR(FillField(value, Join(path, key), *field, message));
  }
  return OkStatus();
}

Result<JobRequest> ReadJob(const JobFlags& flags) {
  JobRequest request;
  v1::JobSpec& spec = request.spec;
  std::filesystem::path folder;
  if (!flags.file.empty()) {
    const auto text = ReadFile(flags.file, 1 << 20);
    if (!text.ok()) return LocalFileError(text.status());
    PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseYaml(*text, flags.file));
    PADDOCK_RETURN_IF_ERROR(FillMessage(json, "", spec).WithContext(flags.file));
    folder = std::filesystem::path(flags.file).parent_path();
    if (spec.name().empty()) spec.set_name(std::filesystem::path(flags.file).stem().string());
  }
  PADDOCK_RETURN_IF_ERROR(ApplyFlags(flags, spec));
  const auto take_file = [&](const std::string& flag, const std::string& in_spec) {
    const std::string& name = flag.empty() ? in_spec : flag;
    if (!name.empty()) request.files[name] = flag.empty() ? (folder / name).string() : name;
    return name;
  };
  spec.set_model(take_file(flags.model, spec.model()));
  if (spec.model().empty())
    return InvalidArgumentError("no model: name one in the job file or with --model FILE");
  for (v1::Variant& variant : *spec.mutable_variants()) {
    take_file("", variant.model());
    if (!variant.encodings().empty()) {
      take_file("", variant.encodings());
    } else if (WantsEncodings(variant)) {
      const std::string model = variant.model().empty() ? spec.model() : variant.model();
      variant.set_encodings(EncodingsBeside(model));
      request.files[variant.encodings()] = EncodingsBeside(request.files.at(model));
    }
  }
  if (!spec.calibration().file().empty() || !flags.calibration.empty()) {
    spec.mutable_calibration()->set_file(take_file(flags.calibration, spec.calibration().file()));
  }
  spec.mutable_data()->set_file(take_file(flags.data, spec.data().file()));
  if (spec.data().file().empty()) {
    return InvalidArgumentError(
        "no data: name a file or a folder of samples under data.file or with --data PATH");
  }
  if (spec.on().empty()) {
    return InvalidArgumentError(
        "no devices: add `on: [all]` to the job or --on SELECTOR; `paddock device list` shows "
        "what there is");
  }
  if (spec.name().empty()) spec.set_name(std::filesystem::path(spec.model()).stem().string());
  return request;
}

}  // namespace paddock
