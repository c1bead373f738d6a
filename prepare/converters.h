// Vendors' converters (edgetpu_compiler, vela, trtexec, stedgeai ...) as declared commands: what the step `external` runs. A few
// are declared here; a strict YAML file adds others or replaces these by name:
//
//   converters:
//     - name: vela
//       command: [vela, --accelerator-config, "{accelerator}", --output-dir, "{folder}", "{in}"]
//       from: tflite
//       to: tflite+ethos-u
//       output: model_vela.tflite
//       version: [vela, --version]
//       licence: Apache-2.0
//       options: {accelerator: ethos-u55-128}
//
// A command runs without a shell in an empty folder that holds the model ("model.onnx", "model.tflite") and an empty folder
// "out". In its words {in} is the model, {folder} that folder, {KEY} the option KEY; a word whose option is empty is left out.
// Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock {

struct Converter {
  std::string name;
  std::vector<std::string> command;  // [0]: a path, or a name found in PATH
  std::string from_kind;
  std::string to_kind;
  std::string output;  // the file in {folder} that is the result; ".": all of the folder, as a zip archive
  std::vector<std::string> version;  // the first line that it prints is part of fingerprints and reports
  std::string licence;               // a note for people: what the tool may be used for
  std::map<std::string, std::string> options;  // with their defaults
  std::uint32_t timeout_s = 3600;
};

// Declared here, or by the file at `path` (empty: none) over them. INVALID_ARGUMENT names the file and the key.
Result<std::vector<Converter>> ReadConverters(const std::string& path);
// The same of a file's text; EncodeConverters() writes such a text.
Result<std::vector<Converter>> ParseConverters(std::string_view yaml, std::string_view source);
std::string EncodeConverters(std::span<const Converter> converters);

// The converter that the options of a step name (tool=NAME). NOT_FOUND lists the declared ones; INVALID_ARGUMENT for an option
// that it does not have, or a value that could be taken for a path or a flag.
Result<const Converter*> FindConverter(std::span<const Converter> converters,
                                       const std::map<std::string, std::string>& options);

// FAILED_PRECONDITION when its program is not there, with the next step.
Status CheckInstalled(const Converter& converter);
// The first line that it prints about its version. As CheckInstalled; blocks for up to 30 s.
Result<std::string> ConverterVersion(const Converter& converter);

// Makes `out_path` of `in_path`; works in a folder beside `out_path` that is gone afterwards. Lines for the report: the command
// and its licence. INVALID_ARGUMENT with its last words when the tool refuses the model, ABORTED when it crashes,
// DEADLINE_EXCEEDED. The tool stays in this process's group: who kills that group takes all that the tool started along, and at
// timeout_s the tool alone is killed.
Result<std::vector<std::string>> RunConverter(const Converter& converter,
                                              const std::map<std::string, std::string>& options,
                                              const std::string& in_path, const std::string& out_path);

}  // namespace paddock
