#include "kpi/delta_stream.h"

#include <zlib.h>

namespace paddock {

namespace {

// The arithmetic is unsigned: it wraps, and the reader's wraps back.
template <typename Integer>
void AppendDeltasOf(std::span<const Integer> values, std::string* out) {
  std::uint64_t previous = 0;
  for (const Integer value : values) {
    const std::uint64_t delta = static_cast<std::uint64_t>(value) - previous;
    std::uint64_t zigzag = (delta << 1) ^ ((delta >> 63) != 0 ? ~std::uint64_t{0} : 0);
    previous = static_cast<std::uint64_t>(value);
    for (; zigzag >= 0x80; zigzag >>= 7) out->push_back(static_cast<char>(zigzag | 0x80));
    out->push_back(static_cast<char>(zigzag));
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

template <typename Integer>
Status DeltaReader::ReadAs(std::uint64_t count, std::string_view what, std::vector<Integer>* out) {
  std::uint64_t previous = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t zigzag = 0;
    for (int shift = 0;; shift += 7) {
      if (begin_ == end_ && !Fill()) {
        return InvalidArgumentError(std::string(what) + ": ends or is damaged at entry " + std::to_string(i) +
                                    " of " + std::to_string(count));
      }
      const auto byte = static_cast<unsigned char>(buffer_[begin_++]);
      if (shift == 63 && byte > 1) return InvalidArgumentError(std::string(what) + ": a number over 64 bits");
      zigzag |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) break;
    }
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
