// Rows of integers, small on disk: zigzag varints of the differences between neighbours, all rows as one zlib stream.
// Every 64-bit value survives, order kept. One thread per object.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace paddock {

void AppendDeltas(std::span<const std::int64_t> values, std::string* out);
void AppendDeltas(std::span<const std::uint64_t> values, std::string* out);
// The zlib stream of `raw`.
std::string ZlibCompress(std::string_view raw);

// Inflates piece by piece, so that memory follows what was really sent and not what a header claims.
class DeltaReader {
 public:
  // `packed` must outlive the reader.
  explicit DeltaReader(std::string_view packed);
  DeltaReader(const DeltaReader&) = delete;
  DeltaReader& operator=(const DeltaReader&) = delete;
  ~DeltaReader();

  // Appends `count` values. INVALID_ARGUMENT names `what` and the entry.
  Status Read(std::uint64_t count, std::string_view what, std::vector<std::int64_t>* out);
  Status Read(std::uint64_t count, std::string_view what, std::vector<std::uint64_t>* out);
  // Nothing may be left, neither inflated nor packed; the checksum has then been compared.
  Status Finish();

 private:
  struct Inflater;
  bool Fill();
  template <typename Integer>
  Status ReadAs(std::uint64_t count, std::string_view what, std::vector<Integer>* out);

  std::unique_ptr<Inflater> inflater_;
  std::array<char, 16384> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace paddock
