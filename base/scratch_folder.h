// A new folder of its own, removed with what is in it when the object goes; what cannot be removed stays.
#pragma once

#include <string>
#include <utility>

#include "base/status.h"

namespace paddock {

class ScratchFolder {
 public:
  // Below `parent`, which must exist; empty: the system's folder for temporary files (TMPDIR).
  static Result<ScratchFolder> Make(const std::string& parent = {});
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&& other) noexcept;
  ~ScratchFolder();
  const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace paddock
