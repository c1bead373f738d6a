// Comma-separated text as RFC 4180 has it, read forwards, plain or packed by gzip (told by content): fields may be quoted, a
// doubled quote in them is one, lines end with LF or CRLF, a byte order mark is passed over, empty lines too. Foreign bytes:
// a record and its fields are bounded. Errors name the line and the next step. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace paddock {

inline constexpr std::size_t kMaxCsvRecordBytes = 4 << 20;
inline constexpr std::size_t kMaxCsvFields = 1 << 16;
// Of unpacked text: a small .gz may hold any number of them.
inline constexpr std::uint64_t kMaxCsvTextBytes = std::uint64_t{1} << 37;

// Where the text comes from.
class TextInput {
 public:
  virtual ~TextInput() = default;
  // Fewer bytes than asked for mean the end.
  virtual Result<std::size_t> Read(char* out, std::size_t size) = 0;
  virtual Status Seek(std::uint64_t offset) = 0;
};

class CsvReader {
 public:
  // Where a record begins.
  struct Place {
    std::uint64_t offset = 0;  // in the unpacked text
    std::uint64_t line = 1;
  };

  // A file, plain or packed by gzip.
  static Result<CsvReader> Open(const std::string& path);
  static Result<CsvReader> Open(std::unique_ptr<TextInput> input);

  // The next record; false: the end.
  Result<bool> Next();
  // Of the last record; valid until the next call.
  const std::vector<std::string_view>& fields() const { return fields_; }
  Place place() const { return place_; }
  // "line 17"
  std::string LineText() const { return "line " + std::to_string(place_.line); }

  // Next() gives the record at `place`, which was a record's place. Backwards in a packed file, it is unpacked anew.
  Status Seek(Place place);

 private:
  enum class State { kFieldBegin, kPlain, kQuoted, kQuoteInQuoted };

  explicit CsvReader(std::unique_ptr<TextInput> input) : input_(std::move(input)) {}
  Result<bool> Fill();
  // Takes one character in; true when the record ends with it.
  bool Take(char c, Status& error);
  Status EndField(std::size_t end);
  Status Error(const std::string& what) const;

  std::unique_ptr<TextInput> input_;
  std::string buffer_;
  std::size_t begin_ = 0;  // of the record, in the buffer
  std::size_t end_ = 0;    // of what is read of it
  std::size_t size_ = 0;   // of what the buffer holds
  std::uint64_t line_ = 1;
  std::uint64_t text_bytes_ = 0;  // of the text before buffer_[0]
  Place place_;

  State state_ = State::kFieldBegin;
  std::size_t field_ = 0;  // its begin; this and the next relative to begin_
  std::size_t write_ = 0;  // where the field's next character goes
  std::vector<std::pair<std::size_t, std::size_t>> bounds_;
  std::vector<std::string_view> fields_;
};

}  // namespace paddock
