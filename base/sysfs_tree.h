// sysfs below a root, read the way sensors need it: one value per file, errors that name the path. Thread-safe when the
// reader is.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock {

class SysfsTree {
 public:
  // The bytes of a file, given its path with the root.
  using Reader = std::function<Result<std::string>(const std::string& path)>;
  // `root` stands before every path; an empty reader reads files.
  explicit SysfsTree(std::string root, Reader reader = {});

  // Without the blanks and newlines around it.
  Result<std::string> Text(const std::string& path) const;
  Result<std::int64_t> Integer(const std::string& path) const;
  Result<double> Number(const std::string& path) const;
  bool Exists(const std::string& path) const;
  // The paths of the entries whose name begins with `prefix`, sorted; none when the folder is not there.
  std::vector<std::string> Entries(const std::string& folder, std::string_view prefix) const;
  // Where a path leads when its links are followed, so that one sensor that is found twice is seen to be one.
  std::string Canonical(const std::string& path) const;

 private:
  std::string root_;
  Reader reader_;
};

}  // namespace paddock
