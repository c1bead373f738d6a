// onnx_conformance EXCEPTIONS DATA: runs every case under DATA through the `onnxruntime` driver. Fails when a
// case fails that EXCEPTIONS does not list, when a listed case passes (but for category `random`) or does not
// exist, or when fewer than kMinPassed pass. `--write` before the two prints the failing cases in the form of
// the list, for review.
//
// The cases run in child processes, one after the other until one kills its child: that case fails, the next
// child goes on.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "base/subprocess.h"
#include "device_drivers/registry.h"
#include "tests/conformance/onnx_case.h"

namespace paddock {
namespace {

constexpr std::size_t kMinPassed = 952;
constexpr int kSkipped = 4;
constexpr const char* kSuites[] = {"node", "pytorch-converted", "pytorch-operator", "simple"};

std::vector<std::string> FindCases(const std::filesystem::path& data) {
  std::vector<std::string> cases;
  for (const char* const suite : kSuites) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(data / suite, error)) {
      cases.push_back(std::string(suite) + "/" + entry.path().filename().string());
    }
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

// The cases from `first` on, one line each to `pipe`: "CASE" and, when it failed, a blank and why.
[[noreturn]] void RunCases(const std::vector<std::string>& cases, std::size_t first,
                           const std::filesystem::path& data, int pipe) {
  const auto driver = (*FindDriver("onnxruntime"))->create({});
  PADDOCK_CHECK(driver.ok(), driver.status().message());
  for (std::size_t i = first; i < cases.size(); ++i) {
    const Status status = RunOnnxCase(**driver, data / cases[i]);
    std::string line = cases[i] + (status.ok() ? "" : " " + status.message());
    std::replace(line.begin(), line.end(), '\n', ' ');
    line += '\n';
    PADDOCK_CHECK(write(pipe, line.data(), line.size()) == static_cast<ssize_t>(line.size()),
                  "the parent reads");
  }
  std::_Exit(0);
}

// Case -> why it failed.
std::map<std::string, std::string> RunAll(const std::vector<std::string>& cases,
                                          const std::filesystem::path& data) {
  std::map<std::string, std::string> failures;
  for (std::size_t next = 0; next < cases.size();) {
    int ends[2];
    PADDOCK_CHECK(pipe(ends) == 0, "a pipe");
    const pid_t child = fork();
    if (child == 0) RunCases(cases, next, data, ends[1]);
    close(ends[1]);
    std::FILE* const lines = fdopen(ends[0], "r");
    std::string line;
    for (int c = std::fgetc(lines); c != EOF; c = std::fgetc(lines)) {
      if (c != '\n') {
        line += static_cast<char>(c);
        continue;
      }
      const auto blank = line.find(' ');
      if (blank != line.npos) failures[line.substr(0, blank)] = line.substr(blank + 1);
      ++next;
      line.clear();
    }
    std::fclose(lines);
    int how = 0;
    waitpid(child, &how, 0);
    if (next == cases.size()) break;
    failures[cases[next++]] =
        WIFSIGNALED(how) ? "crash: " + SignalName(WTERMSIG(how)) : "crash: the process ended";
  }
  return failures;
}

// Case -> category, from lines "CASE CATEGORY REASON"; '#' begins a comment.
std::map<std::string, std::string> ReadExceptions(const std::string& path) {
  std::map<std::string, std::string> exceptions;
  std::ifstream file(path);
  PADDOCK_CHECK(file.good(), "the list of exceptions cannot be read: " + path);
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string name, category, reason;
    PADDOCK_CHECK(words >> name >> category >> reason, "a line is CASE CATEGORY REASON, not: " + line);
    PADDOCK_CHECK(exceptions.emplace(name, category).second, "listed twice: " + name);
  }
  return exceptions;
}

int Judge(const std::vector<std::string>& cases, const std::map<std::string, std::string>& failures,
          std::map<std::string, std::string> exceptions) {
  const std::size_t passed = cases.size() - failures.size();
  int faults = 0;
  for (const auto& [name, why] : failures) {
    if (exceptions.erase(name) > 0) continue;
    std::cout << "FAILED " << name << ": " << why << "\n";
    ++faults;
  }
  for (const auto& [name, category] : exceptions) {
    const bool exists = std::binary_search(cases.begin(), cases.end(), name);
    if (exists && category == "random") continue;
    std::cout << "STALE " << name << (exists ? " passes now" : " does not exist")
              << "; take it off the list\n";
    ++faults;
  }
  std::cout << passed << " of " << cases.size() << " cases pass (at least " << kMinPassed << " must), "
            << failures.size() << " fail, " << faults << " faults in the list\n";
  return faults == 0 && passed >= kMinPassed ? 0 : 1;
}

int Main(std::vector<std::string> arguments) {
  const bool write = arguments.size() == 3 && arguments[0] == "--write";
  if (write) arguments.erase(arguments.begin());
  if (arguments.size() != 2) {
    std::cerr << "usage: onnx_conformance [--write] EXCEPTIONS DATA\n";
    return 2;
  }
  const std::vector<std::string> cases = FindCases(arguments[1]);
  if (cases.empty()) {
    std::cout << "skipped: no cases in " << arguments[1] << "; install libonnx-testdata\n";
    return kSkipped;
  }
  // In a child: ONNX Runtime must not be loaded here, where children are forked.
  const pid_t probe = fork();
  if (probe == 0) {
    const auto driver = (*FindDriver("onnxruntime"))->create({});
    if (!driver.ok()) std::cout << "skipped: " << driver.status().message() << std::endl;
    std::_Exit(driver.ok() ? 0 : kSkipped);
  }
  int how = 0;
  waitpid(probe, &how, 0);
  if (!WIFEXITED(how) || WEXITSTATUS(how) != 0) return WIFEXITED(how) ? WEXITSTATUS(how) : 1;

  const std::map<std::string, std::string> failures = RunAll(cases, arguments[1]);
  if (write) {
    for (const auto& [name, why] : failures) std::cout << name << " " << why << "\n";
    return 0;
  }
  return Judge(cases, failures, ReadExceptions(arguments[0]));
}

}  // namespace
}  // namespace paddock

int main(int argc, char** argv) { return paddock::Main({argv + 1, argv + argc}); }
