#include "cli/command_line.h"

#include <iostream>

#include "base/strict_json.h"
#include "base/version.h"
#include "cli/command_tree.h"
#include "cli/completion.h"
#include "cli/result_table.h"

namespace paddock {
namespace {

constexpr const char* kIntroduction =
    "Benchmarks neural networks on a farm of devices.\n"
    "Data go to stdout, messages and progress to stderr.\n";
constexpr const char* kFooter =
    "Examples:\n"
    "  paddock run job.yaml            submit a job, follow it, show the results\n"
    "  paddock device list             what the farm has\n"
    "  paddock doctor                  what is wrong with it\n"
    "  paddock COMMAND --help          more about a command\n"
    "\nExit codes:\n"
    "  0 ok, 1 failed, 2 usage, 4 not allowed, 5 not found, 6 job failed (model or data), 7 farm or device "
    "failed,\n"
    "  8 timed out, 9 finished without a valid verdict, 130 interrupted";

CLI::App& Deepest(CLI::App& app) {
  CLI::App* deepest = &app;
  while (!deepest->get_subcommands().empty()) deepest = deepest->get_subcommands().back();
  return *deepest;
}

std::string FullName(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : FullName(*app.get_parent()) + " " + app.get_name();
}

std::vector<std::string> CommandNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* next : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(next->get_name());
  return names;
}

std::vector<std::string> OptionNames(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* level = &app; level != nullptr; level = level->get_parent()) {
    for (const CLI::Option* option : level->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

int UsageError(const CLI::App& command, const std::string& message) {
  return Report(InvalidArgumentError(message + "\n`" + FullName(command) + " --help` shows how it is used"));
}

// What to say of the first argument that nothing takes.
int UnexpectedArgument(CLI::App& app) {
  const CLI::App& command = Deepest(app);
  const std::vector<std::string> remaining = app.remaining(true);
  const std::string argument = remaining.empty() ? "" : remaining.front();
  const std::vector<std::string> commands = CommandNames(command);
  const bool is_option = argument.starts_with("-");
  std::string message;
  if (is_option) {
    message = FullName(command) + " has no option " + argument;
  } else if (!commands.empty()) {
    message = FullName(command) + " has no command '" + argument + "'";
  } else {
    message = FullName(command) + " does not take '" + argument + "' as well";
  }
  const auto near =
      Nearest(argument.substr(0, argument.find('=')), is_option ? OptionNames(command) : commands);
  if (near) {
    message += "; did you mean " + *near + "?";
  } else if (!is_option && !commands.empty()) {
    message += "; it has";
    for (const std::string& name : commands) message += " " + name;
  }
  return UsageError(command, message);
}

Result<Globals> ReadGlobals(const CommandLine& line) {
  Globals globals;
  const bool names_output = line.export_format == "json" || line.export_format == "csv";
  PADDOCK_ASSIGN_OR_RETURN(globals.format,
                           ParseOutputFormat(names_output ? line.export_format : line.output));
  const auto colon = line.server.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == line.server.size()) {
    return InvalidArgumentError("--server '" + line.server + "' is not HOST:PORT, like " + kDefaultServer);
  }
  globals.server = line.server;
  return globals;
}

int ShowCompletions(CLI::App& app, std::vector<std::string> words) {
  // The server is the only thing about the line before it is finished that matters here.
  std::string server = kDefaultServer;
  if (const char* named = std::getenv("PADDOCK_SERVER"); named != nullptr && *named != '\0') server = named;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "--server") server = words[i + 1];
  }
  for (const std::string& candidate : Completions(app, server, words))
    std::cout << Printable(candidate) << "\n";
  return kExitOk;
}

int Dispatch(CLI::App& app, const CommandLine& line, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::cout << app.help();
    return kExitOk;
  } catch (const CLI::CallForVersion& version) {
    std::cout << version.what() << "\n";
    return kExitOk;
  } catch (const CLI::ExtrasError&) {
    return UnexpectedArgument(app);
  } catch (const CLI::ParseError& error) {
    return UsageError(Deepest(app), error.what());
  }
  if (!line.action) {
    std::cerr << app.help();
    return kExitUsage;
  }
  const auto globals = ReadGlobals(line);
  return globals.ok() ? line.action(*globals) : UsageError(Deepest(app), globals.status().message());
}

}  // namespace

int RunCommandLine(int argc, const char* const* argv) {
  CLI::App app(kIntroduction, "paddock");
  app.footer(kFooter);
  app.set_version_flag("--version", "paddock " + std::string(kPaddockVersion));
  CommandLine line;
  AddCommands(app, line);
  const bool completing = argc > 1 && std::string(argv[1]) == "__complete";
  const int code =
      completing ? ShowCompletions(app, {argv + 2, argv + argc}) : Dispatch(app, line, argc, argv);
  std::cout.flush();
  if (!std::cout) return Report(InternalError("cannot write to stdout; is the disk full?"));
  return code;
}

}  // namespace paddock
