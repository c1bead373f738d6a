#include <filesystem>
#include <iostream>

#include "base/strict_json.h"
#include "cli/commands.h"
#include "cli/mlperf_tiny_folder.h"
#include "cli/mlperf_tiny_output.h"

namespace paddock {
namespace {

// The task folder's name, also when only one of its parts was named.
std::string NameOf(const std::string& folder) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::canonical(folder, error);
  if (error) return folder;
  const std::string name = path.filename().string();
  const bool is_part = name == "performance" || name == "energy" || name == "accuracy";
  return is_part ? (path.parent_path().filename() / name).string() : name;
}

void PrintImport(OutputFormat format, const std::string& id, const mlperf_tiny::TaskResult& task,
                 const std::map<std::string, std::string>& digests) {
  switch (format) {
    case OutputFormat::kJson:
      std::cout << MlperfTinyDocument(id, task, digests)
                       .dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
                << "\n";
      return;
    case OutputFormat::kCsv:
      std::cout << AsCsv(MlperfTinyWindows(task));
      return;
    case OutputFormat::kName:
      std::cout << Printable(id) << "\n";
      return;
    case OutputFormat::kTable:
    case OutputFormat::kWide:
      break;
  }
  std::cout << AsText(MlperfTinySummary(id, task)) << "\n" << AsText(MlperfTinyKpis(task));
  const Table windows = MlperfTinyWindows(task);
  if (!windows.rows.empty()) std::cout << "\n" << AsText(windows);
}

}  // namespace

int ImportMlperfTiny(const Globals& globals, const std::string& folder, const std::string& labels) {
  const auto read = ReadMlperfTinyFolder(folder, labels);
  if (!read.ok()) return Report(read.status());
  const auto task = mlperf_tiny::ImportTask(read->files);
  // What others wrote is damaged, not how the command was used.
  if (!task.ok()) return Report(DataLossError(folder + ": " + task.status().message()));
  PrintImport(globals.format, NameOf(folder), *task, read->digests);
  return task->verdict == Verdict::kValid ? kExitOk : kExitNoValidVerdict;
}

}  // namespace paddock
