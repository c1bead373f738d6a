#include <chrono>
#include <filesystem>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/scratch_folder.h"
#include "base/subprocess.h"
#include "prepare/converters.h"
#include "prepare/sources/folder_pack.h"

namespace paddock {
namespace {

namespace fs = std::filesystem;

constexpr char kFolder[] = "out";  // what {folder} stands for
constexpr std::size_t kVersionLimit = 120;
constexpr auto kVersionTimeout = std::chrono::seconds(30);

// "model.onnx" for "onnx", "model.tflite" for "tflite+edgetpu": tools go by the name.
std::string ModelName(const Converter& converter) {
  return "model." + converter.from_kind.substr(0, converter.from_kind.find('+'));
}

// Absent: the word is left out. `word` has no placeholder that is not in `values`.
std::optional<std::string> FilledWord(std::string_view word,
                                      const std::map<std::string, std::string>& values) {
  std::string filled;
  while (!word.empty()) {
    const std::size_t open = word.find('{');
    filled += word.substr(0, open);
    if (open == word.npos) break;
    const std::size_t close = word.find('}', open);
    const std::string& value = values.at(std::string(word.substr(open + 1, close - open - 1)));
    if (value.empty()) return std::nullopt;
    filled += value;
    word.remove_prefix(close + 1);
  }
  return filled;
}

Status TakeResult(const Converter& converter, const std::string& folder, const std::string& out_path) {
  std::error_code error;
  if (converter.output == ".") return PackFolder(folder, out_path).WithContext(converter.name);
  const std::string path = folder + "/" + converter.output;
  if (fs::is_regular_file(path, error)) {
    fs::rename(path, out_path, error);
    return error ? ErrnoStatus(error.value(), "cannot move " + path) : OkStatus();
  }
  std::string names;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    names += (names.empty() ? "" : ", ") + entry->path().filename().string();
  return InvalidArgumentError(converter.name + " ended well without '" + converter.output + "'; it wrote " +
                              (names.empty() ? "nothing" : names) +
                              ". Does its declaration name the right output?");
}

}  // namespace

Status CheckInstalled(const Converter& converter) {
  if (FindProgram(converter.command.front())) return OkStatus();
  return FailedPreconditionError("'" + converter.command.front() + "' (converter " + converter.name +
                                 ") is not installed where the model is prepared; install it, or declare its "
                                 "path in the file of --converters");
}

Result<std::string> ConverterVersion(const Converter& converter) {
  PADDOCK_RETURN_IF_ERROR(CheckInstalled(converter));
  ProcessRequest request;
  request.argv = converter.version;
  request.environment = CleanEnvironment();
  PADDOCK_ASSIGN_OR_RETURN(const ProcessResult result, RunProcess(request, Deadline::After(kVersionTimeout)));
  std::istringstream lines(result.stdout_text + "\n" + result.stderr_text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find_first_not_of(" \t\r") != line.npos) return line.substr(0, kVersionLimit);
  }
  return FailedPreconditionError("converter '" + converter.name + "': its command for the version (" +
                                 converter.version.front() + ") printed nothing: " + result.Describe());
}

Result<std::vector<std::string>> RunConverter(const Converter& converter,
                                              const std::map<std::string, std::string>& options,
                                              const std::string& in_path, const std::string& out_path) {
  PADDOCK_RETURN_IF_ERROR(CheckInstalled(converter));
  std::error_code error;
  const std::string parent = fs::absolute(out_path, error).parent_path().string();
  if (error) return ErrnoStatus(error.value(), "cannot find the folder of " + out_path);
  PADDOCK_ASSIGN_OR_RETURN(const ScratchFolder scratch, ScratchFolder::Make(parent));
  PADDOCK_RETURN_IF_ERROR(CreateDirectories(scratch.path() + "/" + kFolder));
  PADDOCK_ASSIGN_OR_RETURN(const std::string model, ReadFile(in_path));
  PADDOCK_RETURN_IF_ERROR(WriteFileUnsynced(scratch.path() + "/" + ModelName(converter), model));

  std::map<std::string, std::string> values = converter.options;
  for (const auto& [key, value] : options) values[key] = value;
  values["in"] = ModelName(converter);
  values["folder"] = kFolder;
  ProcessRequest request;
  for (const std::string& word : converter.command) {
    if (auto filled = FilledWord(word, values)) request.argv.push_back(*std::move(filled));
  }
  std::string command;
  for (const std::string& word : request.argv) command += (command.empty() ? "" : " ") + word;
  // The working folder is another one there.
  if (const auto program = FindProgram(request.argv.front())) {
    request.argv.front() = fs::absolute(*program, error).string();
    if (error) return ErrnoStatus(error.value(), "cannot find " + *program);
  }
  request.environment = CleanEnvironment();
  request.working_directory = scratch.path();
  request.joins_group = true;
  PADDOCK_ASSIGN_OR_RETURN(const ProcessResult result,
                           RunProcess(request, Deadline::After(std::chrono::seconds(converter.timeout_s))));
  if (result.timed_out) {
    return DeadlineExceededError(converter.name + " took longer than " + std::to_string(converter.timeout_s) +
                                 " s (timeout_s of its declaration) and was killed");
  }
  if (result.signal != 0)
    return Status(StatusCode::kAborted,
                  converter.name + " was " + result.Describe() + "; " + result.LastWords());
  if (!result.succeeded()) {
    return InvalidArgumentError(converter.name + " ended with " + result.Describe() + "; " +
                                result.LastWords());
  }
  PADDOCK_RETURN_IF_ERROR(TakeResult(converter, scratch.path() + "/" + kFolder, out_path));
  std::vector<std::string> lines = {"command: " + command};
  if (!converter.licence.empty()) lines.push_back("licence: " + converter.licence);
  return lines;
}

}  // namespace paddock
