#include "prepare/sources/folder_pack.h"

#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>
#include <vector>

namespace paddock {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostFiles = 1'000'000;  // what the coordinator reads of one archive
constexpr zip_uint16_t kDosDate = 1 << 5 | 1;  // 1980-01-01, in no time zone

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};

Result<std::vector<std::string>> ListFolder(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const bool is_hidden = entry->path().filename().string().starts_with('.');
    if (is_hidden) entry.disable_recursion_pending();
    if (is_hidden || !entry->is_regular_file(error)) continue;
    names.push_back(entry->path().lexically_relative(folder).generic_string());
    if (names.size() > kMostFiles) {
      return InvalidArgumentError(folder + ": holds more than " + std::to_string(kMostFiles) +
                                  " files; choose a part of it");
    }
  }
  if (error) return ErrnoStatus(error.value(), "cannot read the folder " + folder);
  if (names.empty()) return InvalidArgumentError(folder + ": holds no file; name a folder with samples");
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Status PackFolder(const std::string& folder, const std::string& zip_path) {
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFolder(folder));
  std::unique_ptr<zip_t, Discard> archive(zip_open(zip_path.c_str(), ZIP_CREATE | ZIP_EXCL, nullptr));
  if (!archive) return ErrnoStatus(errno, "cannot create " + zip_path);
  const auto failed = [&](const std::string& what) {
    return InvalidArgumentError(what + " cannot be packed: " + zip_strerror(archive.get()) +
                                "; the packed folder needs as much space under TMPDIR as its files");
  };
  for (const std::string& name : names) {
    zip_source_t* source = zip_source_file(archive.get(), (folder + "/" + name).c_str(), 0, -1);
    const zip_int64_t index = source == nullptr ? -1 : zip_file_add(archive.get(), name.c_str(), source, 0);
    if (index < 0) {
      if (source != nullptr) zip_source_free(source);
      return failed(folder + "/" + name);
    }
    const auto member = static_cast<zip_uint64_t>(index);
    if (zip_set_file_compression(archive.get(), member, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(archive.get(), member, 0, kDosDate, 0) != 0 ||
        zip_file_set_external_attributes(archive.get(), member, 0, ZIP_OPSYS_UNIX, 0100644U << 16) != 0) {
      return failed(folder + "/" + name);
    }
  }
  if (zip_close(archive.get()) != 0) return failed(folder);
  archive.release();  // zip_close() has freed it
  return OkStatus();
}

}  // namespace paddock
