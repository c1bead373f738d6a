// Hostile bytes as CSV: every column is listed, read and verified, or the file is refused. What the text has as its last column
// is taken for the labels.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "prepare/sources/data_source.h"

namespace {

void ReadColumns(const std::string& path, const std::string& labels) {
  const auto source = paddock::OpenCsvSource(path, labels);
  if (!source.ok()) {
    PADDOCK_CHECK(!source.status().message().empty(), "an error says what is wrong");
    return;
  }
  std::vector<std::string> names = (*source)->MoreNames();
  names.resize(std::min<std::size_t>(names.size(), 4));  // each is a pass over the text
  for (const paddock::TensorInfo& array : (*source)->arrays()) names.push_back(array.name);
  for (const std::string& name : names) {
    const auto array = (*source)->Find(name);
    PADDOCK_CHECK(array && array->shape.at(0) > 0, "what is listed is there");
    const std::uint64_t columns = array->shape.size() > 1 ? static_cast<std::uint64_t>(array->shape[1]) : 1;
    std::vector<std::byte> out(2 * columns * 8);
    const std::vector<std::uint64_t> ends = {0, static_cast<std::uint64_t>(array->shape[0]) - 1};
    static_cast<void>((*source)->Read(*array, ends, out.data()));
    static_cast<void>((*source)->Verify(*array));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.starts_with("\x1f\x8b") && size > 512) return 0;  // may unpack to a thousand times as much
  const int fd = ::memfd_create("data.csv", MFD_CLOEXEC);
  PADDOCK_CHECK(fd >= 0 && ::write(fd, data, size) == static_cast<ssize_t>(size), "memory can be written");
  const std::string_view header = text.substr(0, text.find('\n'));
  const std::size_t comma = header.rfind(',');
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  ReadColumns(path, comma == std::string_view::npos ? "" : std::string(header.substr(comma + 1)));
  ReadColumns(path, "");
  ::close(fd);
  return 0;
}
