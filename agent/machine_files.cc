#include "agent/machine_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace paddock::agent {
namespace {

constexpr std::size_t kMaxEntries = 1024;

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlank(" \t\r\n\0", 5);
  const auto begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

}  // namespace

std::optional<std::string> MachineFiles::Bytes(const std::string& path, std::size_t max_bytes) const {
  const int fd = ::open((root_ + path).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return std::nullopt;
  std::string bytes(max_bytes, '\0');
  std::size_t size = 0;
  ssize_t count = 0;
  while (size < max_bytes && (count = ::read(fd, bytes.data() + size, max_bytes - size)) > 0)
    size += static_cast<std::size_t>(count);
  ::close(fd);
  if (count < 0) return std::nullopt;
  bytes.resize(size);
  return bytes;
}

std::optional<std::string> MachineFiles::Text(const std::string& path) const {
  const auto bytes = Bytes(path, 4096);
  if (!bytes) return std::nullopt;
  std::string text = Printable(*bytes);
  if (text.empty()) return std::nullopt;
  return text;
}

std::optional<std::uint64_t> MachineFiles::Unsigned(const std::string& path, int base) const {
  const auto text = Text(path);
  if (!text) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value, base);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

std::optional<std::int64_t> MachineFiles::Signed(const std::string& path) const {
  const auto text = Text(path);
  if (!text) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

std::optional<int> MachineFiles::Lock(const std::string& path) const {
  const int fd = ::open((root_ + path).c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
  ::close(fd);
  return std::nullopt;
}

std::vector<std::string> MachineFiles::List(const std::string& folder, std::string_view prefix) const {
  std::vector<std::string> paths;
  DIR* directory = ::opendir((root_ + folder).c_str());
  if (directory == nullptr) return paths;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name.front() == '.' || name.substr(0, prefix.size()) != prefix) continue;
    if (paths.size() == kMaxEntries) break;
    paths.push_back(folder + "/" + std::string(name));
  }
  ::closedir(directory);
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string Printable(std::string_view text) {
  std::string printable(Trimmed(text));
  for (char& letter : printable)
    if (letter < 0x20 || letter > 0x7e) letter = '?';
  return printable;
}

std::optional<std::uint64_t> ParseUnsigned(std::string_view text, int base) {
  const auto begin = std::min(text.find_first_not_of(" \t"), text.size());
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data() + begin, text.data() + text.size(), value, base);
  if (result.ec != std::errc()) return std::nullopt;
  return value;
}

std::optional<std::string_view> ValueOfLine(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || Trimmed(line.substr(0, colon)) != key) continue;
    return Trimmed(line.substr(colon + 1));
  }
  return std::nullopt;
}

std::string BaseName(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace paddock::agent
