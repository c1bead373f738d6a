#include "base/sysfs_tree.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

namespace paddock {
namespace {

// An attribute of sysfs fits a page and comes whole with one read.
Result<std::string> ReadAttribute(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, path);
  std::array<char, 4096> buffer;
  const ssize_t size = ::read(fd, buffer.data(), buffer.size());
  const int error = errno;
  ::close(fd);
  if (size < 0) return ErrnoStatus(error, path);
  return std::string(buffer.data(), static_cast<std::size_t>(size));
}

}  // namespace

SysfsTree::SysfsTree(std::string root, Reader reader)
    : root_(std::move(root)), reader_(reader ? std::move(reader) : Reader(ReadAttribute)) {}

Result<std::string> SysfsTree::Text(const std::string& path) const {
  PADDOCK_ASSIGN_OR_RETURN(const std::string text, reader_(root_ + path));
  constexpr std::string_view kBlank(" \t\r\n\0", 5);
  const std::size_t begin = text.find_first_not_of(kBlank);
  if (begin == text.npos) return std::string();
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

Result<std::int64_t> SysfsTree::Integer(const std::string& path) const {
  PADDOCK_ASSIGN_OR_RETURN(const std::string text, Text(path));
  std::int64_t value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end.ec != std::errc() || end.ptr != text.data() + text.size()) {
    return UnavailableError(root_ + path + ": holds '" + text.substr(0, 40) + "' and not a whole number");
  }
  return value;
}

Result<double> SysfsTree::Number(const std::string& path) const {
  PADDOCK_ASSIGN_OR_RETURN(const std::string text, Text(path));
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end.ec != std::errc() || end.ptr != text.data() + text.size()) {
    return UnavailableError(root_ + path + ": holds '" + text.substr(0, 40) + "' and not a number");
  }
  return value;
}

bool SysfsTree::Exists(const std::string& path) const {
  std::error_code ignored;
  return std::filesystem::exists(root_ + path, ignored);
}

std::vector<std::string> SysfsTree::Entries(const std::string& folder, std::string_view prefix) const {
  std::vector<std::string> paths;
  std::error_code ignored;
  std::filesystem::directory_iterator entry(root_ + folder, ignored);
  for (; entry != std::filesystem::directory_iterator(); entry.increment(ignored)) {
    const std::string name = entry->path().filename().string();
    if (std::string_view(name).substr(0, prefix.size()) == prefix) paths.push_back(folder + "/" + name);
    if (ignored) break;
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string SysfsTree::Canonical(const std::string& path) const {
  std::error_code error;
  const std::filesystem::path found = std::filesystem::canonical(root_ + path, error);
  return error ? root_ + path : found.string();
}

}  // namespace paddock
