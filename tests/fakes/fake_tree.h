// A root with a few files of /proc and /sys, for readers of the machine's state.
#pragma once

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "temp_dir.h"

namespace paddock {

class FakeTree {
 public:
  // Creates the folders of `path`, which begins with a slash. An existing file is replaced.
  void Put(const std::string& path, std::string_view text) {
    const std::filesystem::path file = root() + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out << text;
    if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
  }
  void Remove(const std::string& path) { std::filesystem::remove_all(root() + path); }
  const std::string& root() const { return folder_.path(); }

 private:
  TempDir folder_;
};

}  // namespace paddock
