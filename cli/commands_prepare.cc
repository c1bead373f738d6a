#include <unistd.h>

#include <iostream>

#include "base/digest.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/job_file.h"
#include "cli/prepare_input.h"
#include "cli/result_table.h"
#include "prepare/steps.h"

namespace paddock {
namespace {

struct PreparedFile {
  std::string kind;
  std::vector<StepReport> reports;
};

// What is needed only on the way lies beside the output and is removed.
Result<PreparedFile> Prepare(const PrepareFlags& flags) {
  PADDOCK_ASSIGN_OR_RETURN(const PrepareInput input, ReadPrepareInput(flags));
  const auto model = ReadModelInfo(input.model_path);
  if (!model.ok()) return LocalFileError(model.status());
  const std::string where = "model file '" + input.model_path + "'";
  StepTools tools;
  if (auto found = FindStepTools(""); found.ok()) tools = *std::move(found);
  PADDOCK_ASSIGN_OR_RETURN(tools.converters, ReadConverters(flags.converters));
  PreparedFile prepared;
  auto kind = KindAfter(input.steps, model->kind, tools);
  if (!kind.ok()) return kind.status().WithContext(where);
  prepared.kind = *std::move(kind);
  StepRequest request{.in_path = input.model_path,
                      .out_path = flags.out,
                      .calibration_path = "",
                      .encodings_path = "",
                      .options = {},
                      .tools = std::move(tools)};
  if (NeedsEncodings(input.steps)) {
    request.encodings_path = input.encodings_path;
    if (!FileSize(request.encodings_path).ok()) {
      return InvalidArgumentError("there is no " + request.encodings_path +
                                  "; name the file that AIMET wrote with the model with --encodings FILE");
    }
  }
  if (NeedsCalibration(input.steps)) {
    request.calibration_path = flags.out + ".calibration-" + std::to_string(::getpid());
    PADDOCK_RETURN_IF_ERROR(WriteCalibrationOf(input, *model, request.calibration_path).WithContext(where));
  }
  const Status status = RunSteps(input.steps, request, [&](const StepReport& report) {
    std::cerr << Printable(report.step) << (report.tool.empty() ? "" : " (" + report.tool + ")") << "\n";
    for (const std::string& line : report.lines) std::cerr << "  " << Printable(line) << "\n";
    prepared.reports.push_back(report);
  });
  if (!request.calibration_path.empty()) PADDOCK_RETURN_IF_ERROR(RemoveFile(request.calibration_path));
  PADDOCK_RETURN_IF_ERROR(status.WithContext(where));
  return prepared;
}

OrderedJson ConvertersAsJson(const std::vector<Converter>& converters) {
  OrderedJson list = OrderedJson::array();
  for (const Converter& converter : converters) {
    list.push_back({{"name", converter.name},
                    {"from", converter.from_kind},
                    {"to", converter.to_kind},
                    {"installed", CheckInstalled(converter).ok()},
                    {"options", converter.options},
                    {"licence", converter.licence}});
  }
  return list;
}

std::string ConvertersAsText(const std::vector<Converter>& converters) {
  Table table{{"CONVERTER", "FROM", "TO", "INSTALLED", "OPTIONS", "LICENCE"}, {}};
  for (const Converter& converter : converters) {
    std::string options;
    for (const auto& [key, value] : converter.options)
      options += (options.empty() ? "" : " ") + key + "=" + value;
    table.rows.push_back({converter.name, converter.from_kind, converter.to_kind,
                          CheckInstalled(converter).ok() ? "yes" : "no", options.empty() ? "-" : options,
                          converter.licence});
  }
  return AsText(table);
}

int ListSteps(const Globals& globals, const PrepareFlags& flags) {
  const auto converters = ReadConverters(flags.converters);
  if (!converters.ok()) return Report(converters.status());
  if (globals.format == OutputFormat::kJson) {
    OrderedJson variants = OrderedJson::array();
    for (const VariantDefinition& variant : VariantCatalog())
      variants.push_back({{"name", variant.name}, {"summary", variant.summary}, {"steps", variant.steps}});
    OrderedJson steps = OrderedJson::array();
    for (const StepDefinition& step : StepCatalog()) {
      OrderedJson options = OrderedJson::object();
      for (const OptionDoc& option : step.options) options[std::string(option.key)] = option.help;
      steps.push_back({{"name", step.name},
                       {"summary", step.summary},
                       {"from", step.from_kind},
                       {"to", step.to_kind},
                       {"options", options}});
    }
    std::cout << Text(
        {{"variants", variants}, {"steps", steps}, {"converters", ConvertersAsJson(*converters)}});
    return kExitOk;
  }
  Table variants{{"VARIANT", "STEPS", "WHAT IT IS"}, {}};
  for (const VariantDefinition& variant : VariantCatalog()) {
    std::string steps;
    for (const std::string& step : variant.steps) steps += (steps.empty() ? "" : ", ") + step;
    variants.rows.push_back(
        {std::string(variant.name), steps.empty() ? "-" : steps, std::string(variant.summary)});
  }
  PrintTable(globals.format, variants, "");
  if (globals.format != OutputFormat::kTable && globals.format != OutputFormat::kWide) return kExitOk;
  Table steps{{"STEP", "FROM", "TO", "OPTION", "WHAT IT DOES"}, {}};
  for (const StepDefinition& step : StepCatalog()) {
    const auto kind = [](std::string_view name) {
      return name.empty() ? std::string("any") : std::string(name);
    };
    steps.rows.push_back(
        {std::string(step.name), kind(step.from_kind), kind(step.to_kind), "", std::string(step.summary)});
    for (const OptionDoc& option : step.options)
      steps.rows.push_back({"", "", "", std::string(option.key), std::string(option.help)});
  }
  std::cout << "\n" << AsText(steps) << "\n" << ConvertersAsText(*converters);
  return kExitOk;
}

}  // namespace

int PrepareModelFile(const Globals& globals, const PrepareFlags& flags) {
  if (flags.list) return ListSteps(globals, flags);
  if (flags.model.empty() && flags.job.empty())
    return Report(InvalidArgumentError("name a model file; `paddock prepare --help` has examples"));
  if (flags.out.empty()) return Report(InvalidArgumentError("name the file to write with --out FILE"));
  const auto prepared = Prepare(flags);
  if (!prepared.ok()) return Report(prepared.status());
  const auto bytes = ReadFile(flags.out);
  if (!bytes.ok()) return Report(bytes.status());
  const Digest digest = Sha256::Of(*bytes);
  if (globals.format == OutputFormat::kJson) {
    OrderedJson steps = OrderedJson::array();
    for (const StepReport& report : prepared->reports)
      steps.push_back({{"step", report.step}, {"tool", report.tool}, {"lines", report.lines}});
    std::cout << Text({{"file", flags.out},
                       {"kind", prepared->kind},
                       {"bytes", bytes->size()},
                       {"sha256", digest.hex()},
                       {"steps", steps}});
  } else {
    std::cout << flags.out << "\n";
    std::cerr << prepared->kind << ", " << Figure(static_cast<double>(bytes->size()), "B") << ", sha256 "
              << digest.hex() << "\n";
  }
  return kExitOk;
}

}  // namespace paddock
