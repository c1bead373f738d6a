#include "server/workers/prepare_step.h"

#include <iostream>
#include <span>

#include "base/file.h"
#include "base/strict_json.h"
#include "base/subprocess.h"

namespace paddock {
namespace {

constexpr int kTries = 3;

// {"code": 0, "message": "", "report": "..."}
std::string EncodeAnswer(const Result<StepReport>& answer) {
  Json json = {{"code", static_cast<int>(answer.status().code())},
               {"message", answer.status().message()},
               {"report", ""}};
  if (answer.ok()) json["report"] = EncodeStepReport(*answer);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<StepReport> DecodeAnswer(const std::string& text) {
  PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseJson(text, "answer of a preparation step"));
  int code = 0;
  std::string message;
  std::string report;
  StrictObject root(json, "");
  root.Required("code", &code);
  root.Required("message", &message);
  root.Required("report", &report);
  PADDOCK_RETURN_IF_ERROR(root.Finish());
  if (code != 0) return Status(static_cast<StatusCode>(code), message);
  return DecodeStepReport(report);
}

}  // namespace

int PrepareStepMain(const std::vector<std::string>& arguments) {
  if (arguments.size() != 9 || arguments[0] != kPrepareStepFlag) {
    std::cerr << "usage: " << kPrepareStepFlag
              << " STEP INPUT OUTPUT ANSWER ONNXRUNTIME_LIBRARY CALIBRATION ENCODINGS CONVERTERS\n";
    return 2;
  }
  const auto run = [&]() -> Result<StepReport> {
    PADDOCK_ASSIGN_OR_RETURN(std::vector<Converter> converters, ParseConverters(arguments[8], "converters"));
    return RunStep(arguments[1], {.in_path = arguments[2],
                                  .out_path = arguments[3],
                                  .calibration_path = arguments[6],
                                  .encodings_path = arguments[7],
                                  .options = {},
                                  .tools = {arguments[5], "", std::move(converters)}});
  };
  const Result<StepReport> answer = run();
  const Status written = WriteFileAtomically(arguments[4], EncodeAnswer(answer));
  if (written.ok()) return 0;
  std::cerr << written.ToString() << '\n';
  return 1;
}

Result<StepReport> RunStepInChild(const std::string& step, const StepRequest& files,
                                  const StepProcessSettings& settings,
                                  const std::function<bool()>& cancelled) {
  const std::string answer_path = files.out_path + ".answer";
  PADDOCK_ASSIGN_OR_RETURN(const Step parsed, ParseStep(step));
  std::chrono::seconds timeout = settings.timeout;
  std::uint64_t memory_limit_bytes = settings.memory_limit_bytes;
  std::span<const Converter> converters;  // the one that the step names
  if (parsed.definition->tool == StepTool::kConverter) {
    PADDOCK_ASSIGN_OR_RETURN(const Converter* converter,
                             FindConverter(settings.tools.converters, parsed.options));
    converters = {converter, 1};
    timeout += std::chrono::seconds(converter->timeout_s);  // the child counts the tool's own
    memory_limit_bytes = 0;                                 // tools map more than they use
  }
  ProcessRequest request;
  request.argv = {settings.program,
                  kPrepareStepFlag,
                  step,
                  files.in_path,
                  files.out_path,
                  answer_path,
                  settings.tools.onnxruntime_library_path,
                  files.calibration_path,
                  files.encodings_path,
                  EncodeConverters(converters)};
  request.environment = CleanEnvironment();
  request.memory_limit_bytes = memory_limit_bytes;
  const std::string what = "preparation step '" + step + "'";
  ProcessResult result;
  for (int tries = 0; tries < kTries; ++tries) {
    PADDOCK_RETURN_IF_ERROR(RemoveFile(files.out_path));
    PADDOCK_ASSIGN_OR_RETURN(result, RunProcess(request, Deadline::After(timeout), cancelled));
    if (result.signal == 0 || result.timed_out || result.cancelled) break;
  }
  Result<StepReport> report =
      Status(StatusCode::kAborted, what + ": " + result.Describe() + "; " + result.LastWords());
  if (result.cancelled) {
    report = CancelledError(what + " was stopped because the coordinator ends");
  } else if (result.timed_out) {
    report = DeadlineExceededError(what + " took longer than " + std::to_string(timeout.count()) +
                                   " s and was killed");
  } else if (result.succeeded()) {
    const Result<std::string> answer = ReadFile(answer_path);
    report = answer.ok() ? DecodeAnswer(*answer) : Result<StepReport>(answer.status().WithContext(what));
  }
  PADDOCK_RETURN_IF_ERROR(RemoveFile(answer_path));
  if (!report.ok()) PADDOCK_RETURN_IF_ERROR(RemoveFile(files.out_path));
  return report;
}

}  // namespace paddock
