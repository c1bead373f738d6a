// A folder of samples that the user names where a file is meant.
#pragma once

#include <optional>
#include <string>

#include "base/scratch_folder.h"
#include "base/status.h"

namespace paddock {

// Packs the folder at `*path` (prepare/sources/folder_pack.h) and puts the archive's path there; the archive is there as long as
// what is returned. Nothing is done, and nothing returned, when there is no folder at `*path`. INVALID_ARGUMENT when the folder
// cannot be packed.
Result<std::optional<ScratchFolder>> PackIfFolder(std::string* path);

}  // namespace paddock
