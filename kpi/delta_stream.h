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

// Deflates piece by piece, so that a long series is never there a third time, as varints.
class DeltaWriter {
 public:
  // The stream goes to the end of `out`, which must outlive the writer. With `fast`, no repetition but of single bytes is looked
  // for: three times as fast, and no larger for values that are noise.
  DeltaWriter(bool fast, std::string* out);
  DeltaWriter(const DeltaWriter&) = delete;
  DeltaWriter& operator=(const DeltaWriter&) = delete;
  ~DeltaWriter();

  // The next Append() is the first of a row.
  void BeginRow() { previous_ = 0; }
  void Append(std::uint64_t value);
  void AppendRow(std::span<const std::uint64_t> values);
  // Once, after the last row.
  void Finish();

 private:
  struct Deflater;
  void Drain(bool last);

  std::unique_ptr<Deflater> deflater_;
  std::string* const out_;
  std::uint64_t previous_ = 0;
  std::array<char, 65536> buffer_;
  std::size_t size_ = 0;
};

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
  // A varint that goes on behind the buffer's end, or is a long one.
  Status ReadAcross(std::uint64_t entry, std::uint64_t count, std::string_view what, std::uint64_t* zigzag);
  template <typename Integer>
  Status ReadAs(std::uint64_t count, std::string_view what, std::vector<Integer>* out);

  std::unique_ptr<Inflater> inflater_;
  std::array<char, 65536> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace paddock
