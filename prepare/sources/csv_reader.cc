#include "prepare/sources/csv_reader.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace paddock {
namespace {

constexpr std::size_t kChunk = 1 << 18;
constexpr std::uint64_t kTrustedTextBytes = 16 << 20;
constexpr std::uint64_t kBombRatio = 500;  // half of what gzip can reach, which only repetition does
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Means nothing outside of quotes.
bool IsOrdinary(char c) { return c != ',' && c != '\n' && c != '"' && c != '\0'; }

// zlib reads what is not packed as it is.
class GzText final : public TextInput {
 public:
  explicit GzText(gzFile_s* file) : file_(file) { gzbuffer(file, kChunk); }
  GzText(const GzText&) = delete;
  GzText& operator=(const GzText&) = delete;
  ~GzText() override { gzclose(file_); }

  Result<std::size_t> Read(char* out, std::size_t size) override {
    const int got = gzread(file_, out, static_cast<unsigned>(size));
    int code = Z_OK;
    const char* text = gzerror(file_, &code);
    if (got >= 0 && (code == Z_OK || code == Z_STREAM_END)) {
      text_bytes_ += static_cast<std::uint64_t>(got);
      const auto packed_bytes = static_cast<std::uint64_t>(std::max<z_off_t>(gzoffset(file_), 1));
      if (text_bytes_ <= kTrustedTextBytes || text_bytes_ / packed_bytes < kBombRatio)
        return static_cast<std::size_t>(got);
      return InvalidArgumentError("unpacks to more than " + std::to_string(kBombRatio) +
                                  " times its size; give it unpacked if that is meant");
    }
    return InvalidArgumentError(std::string("cannot be read on (") +
                                (code == Z_ERRNO ? std::strerror(errno) : text) +
                                "); the file is truncated or damaged, pack it anew");
  }
  Status Seek(std::uint64_t offset) override {
    text_bytes_ = offset;
    if (gzseek(file_, static_cast<z_off_t>(offset), SEEK_SET) >= 0) return OkStatus();
    return InvalidArgumentError("cannot be read again; the file is truncated or damaged, pack it anew");
  }

 private:
  gzFile_s* file_;
  std::uint64_t text_bytes_ = 0;  // read so far
};

}  // namespace

Status CsvReader::Error(const std::string& what) const {
  return InvalidArgumentError(LineText() + ": " + what);
}

Result<CsvReader> CsvReader::Open(const std::string& path) {
  gzFile_s* file = gzopen(path.c_str(), "rbe");
  if (file == nullptr) return ErrnoStatus(errno, "cannot open " + path);
  return Open(std::make_unique<GzText>(file));
}

Result<CsvReader> CsvReader::Open(std::unique_ptr<TextInput> input) {
  CsvReader reader(std::move(input));
  reader.buffer_.resize(2 * kChunk);
  PADDOCK_RETURN_IF_ERROR(reader.Fill().status());
  if (std::string_view(reader.buffer_.data(), reader.size_).starts_with(kByteOrderMark))
    reader.begin_ = reader.end_ = kByteOrderMark.size();
  return reader;
}

// Makes room by moving the record to the buffer's begin. False: there is no more text.
Result<bool> CsvReader::Fill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, size_ - begin_);
  text_bytes_ += begin_;
  end_ -= begin_;
  size_ -= begin_;
  begin_ = 0;
  if (buffer_.size() - size_ < kChunk) buffer_.resize(buffer_.size() + kChunk);
  const auto got = input_->Read(buffer_.data() + size_, kChunk);
  if (!got.ok()) return got.status().WithContext("after " + LineText());
  size_ += *got;
  if (text_bytes_ + size_ > kMaxCsvTextBytes) {
    return InvalidArgumentError("unpacks to more than " + std::to_string(kMaxCsvTextBytes >> 30) +
                                " GiB; split the file");
  }
  return *got > 0;
}

Status CsvReader::EndField(std::size_t end) {
  if (bounds_.size() == kMaxCsvFields)
    return Error("more than " + std::to_string(kMaxCsvFields) + " columns; save the data as an .npz");
  bounds_.emplace_back(field_, end);
  state_ = State::kFieldBegin;
  return OkStatus();
}

bool CsvReader::Take(char c, Status& error) {
  const std::size_t position = end_ - begin_ - 1;  // of c
  if (c == '\n') ++line_;
  switch (state_) {
    case State::kQuoted:
      if (c == '"') {
        state_ = State::kQuoteInQuoted;
      } else {
        buffer_[begin_ + write_++] = c;
      }
      return false;
    case State::kQuoteInQuoted:
      if (c == '"') {
        buffer_[begin_ + write_++] = c;
        state_ = State::kQuoted;
        return false;
      }
      if (c == '\r') return false;
      if (c != ',' && c != '\n') {
        error = Error("text stands behind a field's closing quote; double every quote inside of a field");
        return false;
      }
      error = EndField(write_);
      return c == '\n';
    case State::kFieldBegin:
      field_ = write_ = position;
      if (c == '"') {
        state_ = State::kQuoted;
        return false;
      }
      state_ = State::kPlain;
      break;
    case State::kPlain:
      break;
  }
  if (c == '"') {
    error = Error("a quote stands within a field; put the whole field in quotes and double the quote");
  } else if (c == '\0') {
    error = Error("a byte 0 stands there, so this is no text; save the data as CSV or as an .npz");
  } else if (c == ',' || c == '\n') {
    const bool has_return = c == '\n' && position > field_ && buffer_[begin_ + position - 1] == '\r';
    error = EndField(has_return ? position - 1 : position);
  }
  return c == '\n';
}

Result<bool> CsvReader::Next() {
  do {
    bounds_.clear();
    begin_ = end_;
    place_ = {text_bytes_ + begin_, line_};
    state_ = State::kFieldBegin;
    for (bool is_end = false; !is_end;) {
      if (end_ == size_) {
        PADDOCK_ASSIGN_OR_RETURN(const bool has_more, Fill());
        if (!has_more) {
          if (end_ == begin_) return false;
          if (state_ == State::kQuoted)
            return Error("a quoted field of the record that begins here never ends; close its quote");
          // The last line may end without LF; the buffer always has room for it.
          buffer_[size_++] = '\n';
        }
      }
      if (state_ == State::kPlain) {
        while (end_ < size_ && IsOrdinary(buffer_[end_])) ++end_;
      }
      if (end_ - begin_ > kMaxCsvRecordBytes) {
        return Error("is longer than " + std::to_string(kMaxCsvRecordBytes) +
                     " bytes; a quote may be open, or save the data as an .npz");
      }
      if (end_ == size_) continue;
      Status error;
      const char c = buffer_[end_++];
      is_end = Take(c, error);
      if (!error.ok()) return error;
    }
  } while (bounds_.size() == 1 && bounds_[0].first == bounds_[0].second && buffer_[begin_] != '"');
  fields_.clear();
  for (const auto& [begin, end] : bounds_) fields_.emplace_back(buffer_.data() + begin_ + begin, end - begin);
  return true;
}

Status CsvReader::Seek(Place place) {
  if (place.offset >= text_bytes_ + end_ && place.offset <= text_bytes_ + size_) {
    end_ = place.offset - text_bytes_;
  } else {
    PADDOCK_RETURN_IF_ERROR(input_->Seek(place.offset).WithContext("line " + std::to_string(place.line)));
    begin_ = end_ = size_ = 0;
    text_bytes_ = place.offset;
  }
  line_ = place.line;
  return OkStatus();
}

}  // namespace paddock
