#include "base/scratch_folder.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace paddock {
namespace fs = std::filesystem;

Result<ScratchFolder> ScratchFolder::Make(const std::string& parent) {
  std::error_code error;
  const fs::path place = parent.empty() ? fs::temp_directory_path(error) : fs::path(parent);
  std::string path = (place / "paddock-XXXXXX").string();
  if (error || ::mkdtemp(path.data()) == nullptr) {
    return ErrnoStatus(error ? error.value() : errno,
                       "cannot create a folder in " + (parent.empty() ? "TMPDIR" : parent));
  }
  return ScratchFolder(path);
}

ScratchFolder& ScratchFolder::operator=(ScratchFolder&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace paddock
