// Reads the small text files by which a kernel describes its machine (/proc, /sys), under a root that tests replace. Whatever is
// missing, unreadable or malformed is absent; nothing fails. Not for the measured window. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paddock::agent {

class MachineFiles {
 public:
  // "" is the machine itself; "/tmp/fake" reads /tmp/fake/proc/stat for "/proc/stat".
  explicit MachineFiles(std::string root) : root_(std::move(root)) {}

  bool is_this_machine() const { return root_.empty(); }
  // The first `max_bytes`, as they are.
  std::optional<std::string> Bytes(const std::string& path, std::size_t max_bytes = 16384) const;
  // Printable ASCII without white space around it, the rest as '?'; never empty.
  std::optional<std::string> Text(const std::string& path) const;
  // The whole file is one number.
  std::optional<std::uint64_t> Unsigned(const std::string& path, int base = 10) const;
  std::optional<std::int64_t> Signed(const std::string& path) const;
  // The descriptor of a file or folder with an exclusive flock; absent when another holds it or it is not there.
  std::optional<int> Lock(const std::string& path) const;
  // The paths of a folder's entries whose names begin with `prefix`, sorted, at most 1024.
  std::vector<std::string> List(const std::string& folder, std::string_view prefix = "") const;

 private:
  std::string root_;
};

std::string Printable(std::string_view text);
// Leading blanks are skipped; absent without a digit or when out of range.
std::optional<std::uint64_t> ParseUnsigned(std::string_view text, int base = 10);
// "MemAvailable" of "MemTotal: 1 kB\nMemAvailable: 2 kB": what follows the line's key and colon.
std::optional<std::string_view> ValueOfLine(std::string_view text, std::string_view key);
std::string BaseName(const std::string& path);

}  // namespace paddock::agent
