// Hostile bytes as every file of an MLPerf Tiny submission: whatever they are, a task is imported or refused with words. The
// first byte chooses which files they are; in two halves where a pair belongs together.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "kpi/mlperf_tiny/submission.h"

namespace {

using paddock::mlperf_tiny::Part;
using paddock::mlperf_tiny::SourceFile;
using paddock::mlperf_tiny::TaskFiles;

TaskFiles FilesOf(std::uint8_t choice, std::string_view bytes) {
  TaskFiles files;
  const auto part = static_cast<Part>(choice % 3);
  auto& folder = files.parts[part];
  const std::string_view front = bytes.substr(0, bytes.size() / 2);
  const std::string_view back = bytes.substr(bytes.size() / 2);
  switch (choice / 3 % 5) {
    case 0:
      folder.log = SourceFile{"log.txt", bytes};
      break;
    case 1:
      folder.results_json = SourceFile{"results.json", bytes};
      break;
    case 2:
      folder.log = SourceFile{"log.txt", front};
      folder.published = SourceFile{"results.txt", back};
      files.labels = {{"y_labels.csv", back}};
      break;
    case 3:
      folder.traces = {
          {{"trace1-energy.bin", bytes}, {"trace1-timestamps.json", "[0.001, 0.002, 0.005, 0.006, 0.009]"}}};
      break;
    default:
      folder.traces = {{{"trace1-energy.bin", std::string_view("\xF1\x00\x00\x7A\x44\x00\x00\x80\x3F", 9)},
                        {"trace1-timestamps.json", bytes}}};
  }
  return files;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const TaskFiles files = FilesOf(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  const auto task = paddock::mlperf_tiny::ImportTask(files);
  if (!task.ok()) {
    PADDOCK_CHECK(!task.status().message().empty(), "an error says what is wrong");
    return 0;
  }
  PADDOCK_CHECK(task->parts.size() == 1, "every part is judged");
  return 0;
}
