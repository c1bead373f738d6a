#include "cli/completion.h"

#include <chrono>

namespace paddock {
namespace {

constexpr std::chrono::milliseconds kPatience{500};
constexpr std::uint32_t kIdLimit = 50;

void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
}

void AddJobIds(Connection& connection, std::vector<std::string>& out) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::ListJobsRequest request;
  request.set_limit(kIdLimit);
  v1::ListJobsResponse response;
  if (!connection.jobs().ListJobs(&context, request, &response).ok()) return;
  for (const v1::JobStatus& job : response.jobs()) out.push_back(job.job_id());
}

void AddRunIds(Connection& connection, std::vector<std::string>& out) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::ListResultsRequest request;
  request.set_limit(kIdLimit);
  v1::ListResultsResponse response;
  if (!connection.results().ListResults(&context, request, &response).ok()) return;
  for (const v1::RunResult& result : response.results()) out.push_back(result.run_id());
}

void AddDeviceIds(Connection& connection, std::vector<std::string>& out) {
  grpc::ClientContext context;
  SetDeadline(context);
  v1::ListDevicesResponse response;
  if (!connection.devices().ListDevices(&context, v1::ListDevicesRequest(), &response).ok()) return;
  for (const v1::Device& device : response.devices()) out.push_back(device.id());
}

void AddIds(const std::string& positional, const std::string& server, std::vector<std::string>& out) {
  Connection connection(server);
  const bool run_or_job = positional == "ID" || positional == "A" || positional == "B";
  if (positional == "JOB" || run_or_job) AddJobIds(connection, out);
  if (positional == "RUN" || run_or_job) AddRunIds(connection, out);
  if (positional == "DEVICE") AddDeviceIds(connection, out);
}

void AddOptionNames(const CLI::App& app, std::vector<std::string>& out) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) out.push_back("--" + name);
  }
}

// The command that the words before the last one name; *taken counts those that name nothing and are no options.
CLI::App& NamedCommand(CLI::App& root, const std::vector<std::string>& words, std::size_t* taken) {
  CLI::App* command = &root;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (words[i] == "-o" || words[i] == "--output" || words[i] == "--server") {
      ++i;
      continue;
    }
    if (words[i].starts_with("-")) continue;
    const auto named =
        command->get_subcommands([&](const CLI::App* next) { return next->get_name() == words[i]; });
    if (named.empty()) {
      ++*taken;
    } else {
      command = named.front();
    }
  }
  return *command;
}

}  // namespace

std::vector<std::string> Completions(CLI::App& root, const std::string& server,
                                     const std::vector<std::string>& words) {
  std::vector<std::string> candidates;
  const std::string typed = words.empty() ? "" : words.back();
  const std::string before = words.size() < 2 ? "" : words[words.size() - 2];
  std::size_t taken = 0;
  CLI::App& command = NamedCommand(root, words, &taken);
  if (before == "-o" || before == "--output") {
    candidates = {"table", "wide", "json", "csv", "name"};
  } else if (before == "--job") {
    AddIds("JOB", server, candidates);
  } else if (typed.starts_with("-")) {
    AddOptionNames(command, candidates);
    if (&command != &root) AddOptionNames(root, candidates);
  } else {
    for (const CLI::App* next : command.get_subcommands([](const CLI::App*) { return true; })) {
      candidates.push_back(next->get_name());
    }
    std::size_t position = 0;
    for (const CLI::Option* option : command.get_options()) {
      if (option->get_positional() && position++ == taken) AddIds(option->get_name(true), server, candidates);
    }
  }
  std::vector<std::string> fitting;
  for (const std::string& candidate : candidates) {
    if (candidate.starts_with(typed)) fitting.push_back(candidate);
  }
  return fitting;
}

}  // namespace paddock
