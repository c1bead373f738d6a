#include "cli/mlperf_tiny_folder.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <optional>

#include "base/digest.h"
#include "base/file.h"

namespace paddock {
namespace {

namespace fs = std::filesystem;
using mlperf_tiny::Part;
using mlperf_tiny::PartFiles;
using mlperf_tiny::SourceFile;

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{256} << 20;
constexpr int kParentsSearched = 6;
constexpr std::size_t kMaxTraces = 100;
constexpr std::size_t kMaxTasksNamed = 8;
constexpr int kMaxDepth = 6;
constexpr std::string_view kTraceEnd = "-energy.bin";

struct PartFolder {
  std::string_view name;
  Part part;
};
constexpr std::array kPartFolders{PartFolder{"performance", Part::kPerformance},
                                  PartFolder{"energy", Part::kEnergy}, PartFolder{"enegy", Part::kEnergy},
                                  PartFolder{"power", Part::kEnergy},
                                  PartFolder{"accuracy", Part::kAccuracy}};
constexpr std::array kModels{"kws01", "vww01", "ic01", "ad01"};

bool IsFile(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

std::string LowerCase(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// Names of the files in a folder: shorter ones first, so that trace2 comes before trace10.
std::vector<std::string> FilesIn(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(".") && IsFile(entry->path())) names.push_back(name);
  }
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return std::pair(a.size(), a) < std::pair(b.size(), b);
  });
  return names;
}

std::vector<fs::path> FoldersIn(const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (fs::is_directory(entry->path(), error)) folders.push_back(entry->path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

class FolderReader {
 public:
  Result<SourceFile> Read(const fs::path& path, const std::string& name) {
    auto bytes = ReadFile(path.string(), kMaxFileBytes);
    if (!bytes.ok()) return DataLossError(bytes.status().message());
    if (bytes->starts_with("\xff\xfe") || bytes->starts_with("\xfe\xff"))
      return DataLossError(name + ": UTF-16 text; save it as UTF-8");
    folder_.contents.push_back(std::make_unique<std::string>(*std::move(bytes)));
    const std::string_view view = *folder_.contents.back();
    folder_.digests[name] = Sha256::Of(view).hex();
    return SourceFile{name, view};
  }

  // Some submitters put one more folder around the files. A part without any is left out.
  Status ReadPart(const fs::path& path, const std::string& prefix, Part part) {
    PartFiles files;
    PADDOCK_RETURN_IF_ERROR(ReadFiles(path, prefix, &files));
    if (IsEmpty(files)) {
      const std::vector<fs::path> folders = FoldersIn(path);
      if (folders.size() == 1) {
        const std::string name = folders.front().filename().string();
        PADDOCK_RETURN_IF_ERROR(ReadFiles(folders.front(), prefix + name + "/", &files));
      }
    }
    if (!IsEmpty(files)) folder_.files.parts.emplace(part, std::move(files));
    return OkStatus();
  }

  Status ReadLabels(const fs::path& path) {
    PADDOCK_ASSIGN_OR_RETURN(SourceFile labels, Read(path, path.string()));
    folder_.files.labels.push_back(std::move(labels));
    return OkStatus();
  }

  MlperfTinyFolder& folder() { return folder_; }

 private:
  static bool IsEmpty(const PartFiles& files) {
    return !files.log && !files.published && !files.results_json && files.traces.empty();
  }

  Status ReadFiles(const fs::path& path, const std::string& prefix, PartFiles* out) {
    PartFiles& files = *out;
    const std::vector<std::string> names = FilesIn(path);
    const auto read = [&](std::optional<std::string> name, std::optional<SourceFile>* file) -> Status {
      if (!name) return OkStatus();
      PADDOCK_ASSIGN_OR_RETURN(*file, Read(path / *name, prefix + *name));
      return OkStatus();
    };
    PADDOCK_RETURN_IF_ERROR(read(Choose(names, {"log.txt"}, "log"), &files.log));
    PADDOCK_RETURN_IF_ERROR(read(Choose(names, {"results.txt", "postproc.txt"}, "result"), &files.published));
    PADDOCK_RETURN_IF_ERROR(read(Choose(names, {"results.json"}, ""), &files.results_json));
    for (const std::string& name : names) {
      const std::string lower = LowerCase(name);
      if (!lower.ends_with(kTraceEnd) || files.traces.size() == kMaxTraces) continue;
      const auto stamps = Named(names, lower.substr(0, lower.size() - kTraceEnd.size()) + "-timestamps.json");
      if (!stamps) continue;
      PADDOCK_ASSIGN_OR_RETURN(SourceFile samples, Read(path / name, prefix + name));
      PADDOCK_ASSIGN_OR_RETURN(SourceFile timestamps, Read(path / *stamps, prefix + *stamps));
      files.traces.push_back({std::move(samples), std::move(timestamps)});
    }
    return OkStatus();
  }

  // Whatever the case of its letters.
  static std::optional<std::string> Named(const std::vector<std::string>& names, std::string_view lower) {
    for (const std::string& name : names) {
      if (LowerCase(name) == lower) return name;
    }
    return std::nullopt;
  }

  // One of `exact` in its order, else the first text file with `word` in its name.
  static std::optional<std::string> Choose(const std::vector<std::string>& names,
                                           std::initializer_list<const char*> exact, std::string_view word) {
    for (const char* lower : exact) {
      if (auto name = Named(names, lower)) return name;
    }
    for (const std::string& name : names) {
      const std::string lower = LowerCase(name);
      if (!word.empty() && lower.ends_with(".txt") && lower.find(word) != std::string::npos) return name;
    }
    return std::nullopt;
  }

  MlperfTinyFolder folder_;
};

// Of a folder that holds files and is not called by its part's name.
std::optional<Part> PartByContents(const PartFiles& files) {
  if (!files.traces.empty()) return Part::kEnergy;
  const auto says = [](const std::optional<SourceFile>& file, std::string_view text) {
    return file && file->bytes.find(text) != std::string_view::npos;
  };
  if (says(files.results_json, R"("mode": "e")") || says(files.log, "[ML Energy")) return Part::kEnergy;
  if (says(files.results_json, R"("mode": "a")") || says(files.log, "[runMode]-val[multi]") ||
      says(files.log, "key[runMode]-val[multi]")) {
    return Part::kAccuracy;
  }
  if (files.results_json || files.log) return Part::kPerformance;
  return std::nullopt;
}

// The part that a folder is named after, whatever the case of its letters.
const PartFolder* PartByName(const fs::path& folder) {
  const std::string name = LowerCase(folder.filename().string());
  const auto found = std::find_if(kPartFolders.begin(), kPartFolders.end(),
                                  [&](const PartFolder& row) { return row.name == name; });
  return found == kPartFolders.end() ? nullptr : &*found;
}

// Task folders below `folder`, as many as a message can name; stops looking then.
void FindTasksBelow(const fs::path& folder, int depth, std::vector<fs::path>* tasks) {
  const std::vector<fs::path> folders = FoldersIn(folder);
  if (std::any_of(folders.begin(), folders.end(), PartByName)) {
    tasks->push_back(folder);
    return;
  }
  for (const fs::path& below : folders) {
    if (depth == 0 || tasks->size() > kMaxTasksNamed) return;
    if (!fs::is_symlink(below)) FindTasksBelow(below, depth - 1, tasks);
  }
}

Status NoParts(const fs::path& folder) {
  const std::string message = folder.string() + ": no performance, energy or accuracy in it; ";
  std::vector<fs::path> tasks;
  FindTasksBelow(folder, kMaxDepth, &tasks);
  if (tasks.empty()) {
    return NotFoundError(message +
                         "name a task folder of a results archive, like "
                         "closed/ORGANISATION/results/SYSTEM/kws");
  }
  std::string names;
  for (std::size_t i = 0; i < std::min(tasks.size(), kMaxTasksNamed); ++i)
    names += (i == 0 ? "" : ", ") + tasks[i].lexically_relative(folder).string();
  return NotFoundError(message + "name one of the task folders in it: " + names +
                       (tasks.size() > kMaxTasksNamed ? ", ..." : ""));
}

Status ReadParts(const fs::path& folder, FolderReader& reader) {
  auto& parts = reader.folder().files.parts;
  const std::vector<fs::path> folders = FoldersIn(folder);
  for (const PartFolder& row : kPartFolders) {
    for (const fs::path& below : folders) {
      if (PartByName(below) != &row || parts.contains(row.part)) continue;
      PADDOCK_RETURN_IF_ERROR(reader.ReadPart(below, below.filename().string() + "/", row.part));
    }
  }
  if (!parts.empty()) return OkStatus();
  const PartFolder* const named = PartByName(folder);
  PADDOCK_RETURN_IF_ERROR(reader.ReadPart(folder, "", named == nullptr ? Part::kPerformance : named->part));
  if (named != nullptr && !parts.empty()) return OkStatus();
  const auto part = parts.empty() ? std::nullopt : PartByContents(parts.begin()->second);
  if (!part) return NoParts(folder);
  auto files = parts.extract(parts.begin());
  files.key() = *part;
  parts.insert(std::move(files));
  return OkStatus();
}

Status FindLabelFiles(const fs::path& folder, FolderReader& reader) {
  std::vector<fs::path> candidates{folder / "accuracy" / "y_labels.csv"};
  fs::path level = folder;
  for (int i = 0; i <= kParentsSearched; ++i) {
    candidates.push_back(level / "y_labels.csv");
    for (const char* model : kModels) {
      candidates.push_back(level / model / "y_labels.csv");
      candidates.push_back(level / "datasets" / model / "y_labels.csv");
    }
    if (level == level.parent_path()) break;
    level = level.parent_path();
  }
  for (const fs::path& candidate : candidates) {
    if (IsFile(candidate)) PADDOCK_RETURN_IF_ERROR(reader.ReadLabels(candidate));
  }
  return OkStatus();
}

}  // namespace

Result<MlperfTinyFolder> ReadMlperfTinyFolder(const std::string& folder, const std::string& labels_file) {
  std::error_code error;
  const fs::path path = fs::canonical(folder, error);
  if (error) return NotFoundError(folder + ": " + error.message());
  if (!fs::is_directory(path, error)) return NotFoundError(folder + ": not a folder");
  FolderReader reader;
  PADDOCK_RETURN_IF_ERROR(ReadParts(path, reader));
  if (!labels_file.empty()) {
    const Status status = reader.ReadLabels(labels_file);
    if (!status.ok()) return InvalidArgumentError("--labels: " + status.message());
  } else if (reader.folder().files.parts.contains(Part::kAccuracy)) {
    PADDOCK_RETURN_IF_ERROR(FindLabelFiles(path, reader));
  }
  return std::move(reader.folder());
}

}  // namespace paddock
