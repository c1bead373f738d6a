// Hostile bytes as a data file: whatever they are, every array is listed, read and verified, or refused.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "prepare/data_file.h"

namespace {

void ReadEverything(const std::string& path) {
  auto file = paddock::DataFile::Open(path, "fuzz.npz");
  if (!file.ok()) {
    PADDOCK_CHECK(!file.status().message().empty(), "an error says what is wrong");
    return;
  }
  for (const paddock::ArrayInfo& array : file->arrays()) {
    if (!array.shape.empty() && array.shape[0] > 0) {
      const std::vector<std::uint64_t> ends = {0, static_cast<std::uint64_t>(array.shape[0]) - 1};
      const auto rows = file->ReadRows(array.name, ends);
      if (rows.ok()) PADDOCK_CHECK(rows->info.shape[0] == 2, "as many rows as were asked for");
    }
    static_cast<void>(file->Verify(array.name));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const int fd = ::memfd_create("data.npz", MFD_CLOEXEC);
  PADDOCK_CHECK(fd >= 0 && ::write(fd, data, size) == static_cast<ssize_t>(size), "memory can be written");
  ReadEverything("/proc/self/fd/" + std::to_string(fd));
  ::close(fd);
  return 0;
}
