#include "kpi/delta_stream.h"

#include <zlib.h>

#include <algorithm>

namespace paddock {

namespace {

constexpr std::size_t kMaxVarintBytes = 10;
constexpr std::size_t kMostInflation = 1032;  // of a deflate stream: 258 bytes for two bits

// The arithmetic is unsigned: it wraps, and the reader's wraps back.
std::uint64_t ZigZag(std::uint64_t delta) {
  return (delta << 1) ^ ((delta >> 63) != 0 ? ~std::uint64_t{0} : 0);
}

// The varint of `zigzag` at `to`; what lies behind it.
char* PutVarint(std::uint64_t zigzag, char* to) {
  for (; zigzag >= 0x80; zigzag >>= 7) *to++ = static_cast<char>(zigzag | 0x80);
  *to++ = static_cast<char>(zigzag);
  return to;
}

// The varint at `from` and its length; 0 when it is not whole there, or longer than five bytes.
std::size_t WholeVarint(const char* from, std::size_t size, std::uint64_t* value) {
  constexpr std::size_t kUsualBytes = 5;
  std::uint64_t read = 0;
  for (std::size_t i = 0; i < std::min(kUsualBytes, size); ++i) {
    const auto byte = static_cast<unsigned char>(from[i]);
    read |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) != 0) continue;
    *value = read;
    return i + 1;
  }
  return 0;
}

template <typename Integer>
void AppendDeltasOf(std::span<const Integer> values, std::string* out) {
  std::uint64_t previous = 0;
  for (const Integer value : values) {
    std::array<char, kMaxVarintBytes> varint;
    char* const end = PutVarint(ZigZag(static_cast<std::uint64_t>(value) - previous), varint.data());
    out->append(varint.data(), end);
    previous = static_cast<std::uint64_t>(value);
  }
}

}  // namespace

void AppendDeltas(std::span<const std::int64_t> values, std::string* out) { AppendDeltasOf(values, out); }
void AppendDeltas(std::span<const std::uint64_t> values, std::string* out) { AppendDeltasOf(values, out); }

std::string ZlibCompress(std::string_view raw) {
  uLongf size = compressBound(raw.size());
  std::string packed(size, '\0');
  const int result = compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                               reinterpret_cast<const Bytef*>(raw.data()), raw.size(), Z_DEFAULT_COMPRESSION);
  PADDOCK_CHECK(result == Z_OK, "zlib compresses into a buffer of compressBound");
  packed.resize(size);
  return packed;
}

struct DeltaWriter::Deflater {
  z_stream stream{};
  std::array<char, 65536> packed;
};

DeltaWriter::DeltaWriter(bool fast, std::string* out) : deflater_(std::make_unique<Deflater>()), out_(out) {
  constexpr int kMemoryLevel = 9;  // the largest blocks: one code for 32 Ki values
  PADDOCK_CHECK(deflateInit2(&deflater_->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, MAX_WBITS, kMemoryLevel,
                             fast ? Z_RLE : Z_DEFAULT_STRATEGY) == Z_OK,
                "zlib starts");
}

DeltaWriter::~DeltaWriter() { deflateEnd(&deflater_->stream); }

void DeltaWriter::Append(std::uint64_t value) {
  if (size_ + kMaxVarintBytes > buffer_.size()) Drain(false);
  size_ =
      static_cast<std::size_t>(PutVarint(ZigZag(value - previous_), buffer_.data() + size_) - buffer_.data());
  previous_ = value;
}

void DeltaWriter::AppendRow(std::span<const std::uint64_t> values) {
  BeginRow();
  for (const std::uint64_t value : values) Append(value);
}

void DeltaWriter::Finish() { Drain(true); }

void DeltaWriter::Drain(bool last) {
  z_stream& stream = deflater_->stream;
  stream.next_in = reinterpret_cast<Bytef*>(buffer_.data());
  stream.avail_in = static_cast<uInt>(size_);
  size_ = 0;
  do {
    stream.next_out = reinterpret_cast<Bytef*>(deflater_->packed.data());
    stream.avail_out = static_cast<uInt>(deflater_->packed.size());
    PADDOCK_CHECK(deflate(&stream, last ? Z_FINISH : Z_NO_FLUSH) != Z_STREAM_ERROR, "a stream in good order");
    out_->append(deflater_->packed.data(), deflater_->packed.size() - stream.avail_out);
  } while (stream.avail_out == 0);
}

struct DeltaReader::Inflater {
  z_stream stream{};
  bool ended = false;
};

DeltaReader::DeltaReader(std::string_view packed) : inflater_(std::make_unique<Inflater>()) {
  inflater_->stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  inflater_->stream.avail_in = static_cast<uInt>(packed.size());
  PADDOCK_CHECK(inflateInit(&inflater_->stream) == Z_OK, "zlib starts");
}

DeltaReader::~DeltaReader() { inflateEnd(&inflater_->stream); }

Status DeltaReader::ReadAcross(std::uint64_t entry, std::uint64_t count, std::string_view what,
                               std::uint64_t* zigzag) {
  for (int shift = 0;; shift += 7) {
    if (begin_ == end_ && !Fill()) {
      return InvalidArgumentError(std::string(what) + ": ends or is damaged at entry " +
                                  std::to_string(entry) + " of " + std::to_string(count));
    }
    const auto byte = static_cast<unsigned char>(buffer_[begin_++]);
    if (shift == 63 && byte > 1) return InvalidArgumentError(std::string(what) + ": a number over 64 bits");
    *zigzag |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return OkStatus();
  }
}

template <typename Integer>
Status DeltaReader::ReadAs(std::uint64_t count, std::string_view what, std::vector<Integer>* out) {
  // What the packed bytes could at most hold, so that a count without the bytes for it costs nothing.
  const std::size_t possible = end_ - begin_ + std::size_t{inflater_->stream.avail_in} * kMostInflation;
  out->reserve(out->size() + std::min<std::uint64_t>(count, possible));
  std::uint64_t previous = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t zigzag = 0;
    const std::size_t size = WholeVarint(buffer_.data() + begin_, end_ - begin_, &zigzag);
    begin_ += size;
    if (size == 0) PADDOCK_RETURN_IF_ERROR(ReadAcross(i, count, what, &zigzag));
    previous += (zigzag >> 1) ^ (~(zigzag & 1) + 1);
    out->push_back(static_cast<Integer>(previous));
  }
  return OkStatus();
}

Status DeltaReader::Read(std::uint64_t count, std::string_view what, std::vector<std::int64_t>* out) {
  return ReadAs(count, what, out);
}
Status DeltaReader::Read(std::uint64_t count, std::string_view what, std::vector<std::uint64_t>* out) {
  return ReadAs(count, what, out);
}

Status DeltaReader::Finish() {
  if (begin_ != end_ || Fill() || !inflater_->ended || inflater_->stream.avail_in != 0) {
    return InvalidArgumentError("arrays: damaged, or more bytes than the header says");
  }
  return OkStatus();
}

bool DeltaReader::Fill() {
  if (inflater_->ended) return false;
  z_stream& stream = inflater_->stream;
  stream.next_out = reinterpret_cast<Bytef*>(buffer_.data());
  stream.avail_out = static_cast<uInt>(buffer_.size());
  const int result = inflate(&stream, Z_NO_FLUSH);
  inflater_->ended = result == Z_STREAM_END;
  begin_ = 0;
  end_ = result == Z_OK || inflater_->ended ? buffer_.size() - stream.avail_out : 0;
  return end_ > 0;
}

}  // namespace paddock
