// A folder of samples as one file, so that it has a digest and is uploaded like any other: a zip archive of its files, not
// compressed, in the order of their names, with fixed times. The same files give the same bytes, wherever the folder lies.
#pragma once

#include <string>

#include "base/status.h"

namespace paddock {

// Writes `zip_path`. Subfolders are packed with their names, hidden files and folders are left out, and links to folders are
// not followed. Memory is some hundred bytes a file. After an error there is no `zip_path`.
Status PackFolder(const std::string& folder, const std::string& zip_path);

}  // namespace paddock
