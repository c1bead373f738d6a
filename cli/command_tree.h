// The commands, options and help texts of `paddock` as a CLI11 tree. Parsing runs nothing: it leaves an action.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/commands.h"

namespace paddock {

struct CommandLine {
  std::string server = kDefaultServer;
  std::string output = "table";
  JobFlags job;
  PrepareFlags prepare;
  std::string id;
  std::string second_id;
  std::string out_file;
  std::string export_format;
  std::string labels_file;
  std::vector<std::string> on;
  std::uint32_t limit = 20;
  bool with_golden = false;
  bool all_verdicts = false;
  bool raw = false;
  bool distribution = false;
  bool layers = false;
  bool transcript = false;
  bool attached = false;
  std::optional<std::uint32_t> repetition;
  std::function<int(const Globals&)> action;  // of the command that was named; empty when none was
};

// `line` must outlive `app`. Positionals are named by what they stand for (JOB, RUN, DEVICE, FILE, ID: a run or a job).
void AddCommands(CLI::App& app, CommandLine& line);

}  // namespace paddock
