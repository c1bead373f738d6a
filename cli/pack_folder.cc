#include "cli/pack_folder.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "cli/exit_code.h"
#include "prepare/sources/folder_pack.h"

namespace paddock {

Result<std::optional<ScratchFolder>> PackIfFolder(std::string* path) {
  std::error_code error;  // who opens the file says what is wrong with it
  if (!std::filesystem::is_directory(*path, error)) return std::optional<ScratchFolder>();
  PADDOCK_ASSIGN_OR_RETURN(ScratchFolder place, ScratchFolder::Make());
  std::string archive = place.path() + "/data.zip";
  if (const Status packed = PackFolder(*path, archive); !packed.ok()) return LocalFileError(packed);
  *path = std::move(archive);
  return std::optional<ScratchFolder>(std::move(place));
}

}  // namespace paddock
