#include "prepare/converters.h"

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "base/strict_json.h"

namespace paddock {
namespace {

const std::vector<Converter>& DeclaredConverters() {
  static const std::vector<Converter> kConverters = {
      {.name = "edgetpu_compiler",
       .command = {"edgetpu_compiler", "--out_dir", "{folder}", "{in}"},
       .from_kind = "tflite",
       .to_kind = "tflite+edgetpu",
       .output = "model_edgetpu.tflite",
       .version = {"edgetpu_compiler", "--version"},
       .licence = "Google's terms for Coral software",
       .options = {}},
      {.name = "vela",
       .command = {"vela", "--accelerator-config", "{accelerator}", "--output-dir", "{folder}", "{in}"},
       .from_kind = "tflite",
       .to_kind = "tflite+ethos-u",
       .output = "model_vela.tflite",
       .version = {"vela", "--version"},
       .licence = "Apache-2.0",
       .options = {{"accelerator", "ethos-u55-128"}}},
      {.name = "trtexec",
       .command = {"trtexec", "--onnx={in}", "--saveEngine={folder}/model.engine", "--{precision}",
                   "--iterations=1", "--duration=0", "--warmUp=0"},
       .from_kind = "onnx",
       .to_kind = "tensorrt-engine",
       .output = "model.engine",
       .version = {"trtexec", "--help"},
       .licence = "NVIDIA's TensorRT licence; an engine runs on the kind of GPU that made it",
       .options = {{"precision", ""}}},
      {.name = "stedgeai",
       .command = {"stedgeai", "generate", "--target", "{target}", "-m", "{in}", "--allocate-inputs",
                   "--allocate-outputs", "--optimization", "{optimization}", "--output", "{folder}",
                   "--workspace", "workspace"},
       .from_kind = "onnx",
       .to_kind = "stedgeai-zip",
       .output = ".",
       .version = {"stedgeai", "--version"},
       .licence = "ST's SLA0104; the runtime library is for STM32 only",
       .options = {{"target", "stm32"}, {"optimization", "balanced"}}},
  };
  return kConverters;
}

bool IsPlainWord(std::string_view text) {
  constexpr std::string_view kOther = "._:,+-";
  return !text.starts_with('-') && text.find("..") == text.npos &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  kOther.find(c) != kOther.npos;
         });
}

Status CheckWord(const Converter& converter, std::string_view word) {
  for (std::size_t open = word.find('{'); open != word.npos; open = word.find('{', open + 1)) {
    const std::size_t close = word.find('}', open);
    const std::string key(word.substr(open + 1, close == word.npos ? close : close - open - 1));
    if (close != word.npos && (key == "in" || key == "folder" || converter.options.contains(key))) continue;
    return InvalidArgumentError("'" + std::string(word) +
                                "' has a placeholder that is neither {in}, {folder} nor one of its options");
  }
  return OkStatus();
}

Status CheckConverter(const Converter& converter) {
  if (converter.name.empty() || !IsPlainWord(converter.name))
    return InvalidArgumentError("name: must be letters, digits and ._:,+-");
  if (converter.command.empty()) return InvalidArgumentError("command: must name a program");
  if (converter.version.empty())
    return InvalidArgumentError("version: must be the command that prints the tool's version");
  for (const std::string& word : converter.command)
    PADDOCK_RETURN_IF_ERROR(CheckWord(converter, word).WithContext("command"));
  for (const auto& [key, kind] :
       {std::pair("from", converter.from_kind), std::pair("to", converter.to_kind)}) {
    if (kind.empty() || !IsPlainWord(kind))
      return InvalidArgumentError(std::string(key) + ": must be a kind of model, such as onnx or tflite");
  }
  if (converter.output != "." && (!IsPlainWord(converter.output) || converter.output.empty())) {
    return InvalidArgumentError("output: must be the name of a file in {folder}, or \".\" for all of it");
  }
  if (converter.options.contains("tool") || converter.options.contains("in") ||
      converter.options.contains("folder")) {
    return InvalidArgumentError("options: tool, in and folder have a meaning already; choose another name");
  }
  if (converter.timeout_s == 0) return InvalidArgumentError("timeout_s: must be at least 1");
  return OkStatus();
}

Converter ReadConverter(StrictObject* object) {
  Converter converter;
  object->Required("name", &converter.name);
  object->Required("command", &converter.command);
  object->Required("from", &converter.from_kind);
  object->Required("to", &converter.to_kind);
  object->Required("output", &converter.output);
  object->Required("version", &converter.version);
  object->Optional("licence", &converter.licence);
  object->Optional("options", &converter.options);
  object->Optional("timeout_s", &converter.timeout_s);
  return converter;
}

}  // namespace

Result<std::vector<Converter>> ParseConverters(std::string_view yaml, std::string_view source) {
  PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseYaml(yaml, source));
  StrictObject root(json, "");
  const Json* list = root.Child("converters");
  PADDOCK_RETURN_IF_ERROR(root.Finish().WithContext(source));
  if (list == nullptr || !list->is_array()) {
    return InvalidArgumentError(std::string(source) + ": converters: must be a list");
  }
  std::vector<Converter> converters;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string path = "converters[" + std::to_string(i) + "]";
    StrictObject object((*list)[i], path);
    Converter converter = ReadConverter(&object);
    PADDOCK_RETURN_IF_ERROR(object.Finish().WithContext(source));
    if (const Status status = CheckConverter(converter); !status.ok())
      return status.WithContext(std::string(source) + ": " + path);
    converters.push_back(std::move(converter));
  }
  return converters;
}

std::string EncodeConverters(std::span<const Converter> converters) {
  Json list = Json::array();
  for (const Converter& converter : converters) {
    list.push_back({{"name", converter.name},
                    {"command", converter.command},
                    {"from", converter.from_kind},
                    {"to", converter.to_kind},
                    {"output", converter.output},
                    {"version", converter.version},
                    {"licence", converter.licence},
                    {"options", converter.options},
                    {"timeout_s", converter.timeout_s}});
  }
  return Json{{"converters", list}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::vector<Converter>> ReadConverters(const std::string& path) {
  std::vector<Converter> converters = DeclaredConverters();
  if (path.empty()) return converters;
  PADDOCK_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, 1 << 20));
  PADDOCK_ASSIGN_OR_RETURN(std::vector<Converter> own, ParseConverters(text, path));
  for (Converter& converter : own) {
    const auto known = std::find_if(converters.begin(), converters.end(),
                                    [&](const Converter& other) { return other.name == converter.name; });
    if (known == converters.end()) {
      converters.push_back(std::move(converter));
    } else {
      *known = std::move(converter);
    }
  }
  return converters;
}

Result<const Converter*> FindConverter(std::span<const Converter> converters,
                                       const std::map<std::string, std::string>& options) {
  const auto tool = options.find("tool");
  if (tool == options.end())
    return InvalidArgumentError("step 'external' needs tool=NAME: which declared converter runs");
  std::vector<std::string> names;
  std::string known;
  for (const Converter& converter : converters) {
    names.push_back(converter.name);
    known += (known.empty() ? "" : ", ") + converter.name;
    if (converter.name != tool->second) continue;
    for (const auto& [key, value] : options) {
      if (key == "tool") continue;
      if (!converter.options.contains(key)) {
        std::string has;
        for (const auto& [name, fallback] : converter.options) has += (has.empty() ? "" : ", ") + name;
        return InvalidArgumentError("converter '" + converter.name + "' has no option '" + key +
                                    "'; it has " + (has.empty() ? "none" : has));
      }
      if (!IsPlainWord(value)) {
        return InvalidArgumentError("converter '" + converter.name + "': the value '" + value + "' of '" +
                                    key + "' may hold letters, digits and ._:,+- and may not begin with '-'");
      }
    }
    return &converter;
  }
  const auto nearest = Nearest(tool->second, names);
  return NotFoundError("no converter '" + tool->second + "' is declared" +
                       (nearest ? "; did you mean '" + *nearest + "'?" : "") + "; known are " + known);
}

}  // namespace paddock
