// HdrHistogram's V2 encoding. Plain, all numbers big-endian: cookie, length of the payload, normalising offset, significant
// digits (32 bits each), lowest, highest, conversion ratio (64 bits each), then the counts in order of value up to the last
// that is not 0, as zigzag LEB128 of at most nine bytes (the ninth has eight bits of value), a run of n zeros as -n.
// Compressed: cookie, length of what follows, and the plain form in a zlib stream.
#include <zlib.h>

#include <bit>
#include <limits>
#include <optional>

#include "kpi/histogram.h"

namespace paddock {
namespace {

constexpr std::uint32_t kPlainCookie = 0x1c849303;
constexpr std::uint32_t kCompressedCookie = 0x1c849304;
constexpr std::uint32_t kWordSizeMask = 0xf0;  // bits of the cookie in which V2 writers note a word size of 1
constexpr std::uint32_t kWordSizeOne = 0x10;
constexpr std::size_t kCompressedHeaderBytes = 8;
constexpr std::size_t kPlainHeaderBytes = 40;
constexpr std::size_t kMostCountBytes = 9;
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

Status Malformed(const std::string& what) { return InvalidArgumentError("histogram: " + what); }

std::uint64_t BigEndian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
  return value;
}

void AppendBigEndian(std::string& bytes, std::uint64_t value, int size) {
  for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
}

void AppendZigZag(std::string& bytes, std::int64_t value) {
  std::uint64_t rest = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  for (std::size_t i = 1; i < kMostCountBytes && rest > 0x7f; ++i) {
    bytes += static_cast<char>(rest | 0x80);
    rest >>= 7;
  }
  bytes += static_cast<char>(rest);
}

// Takes a number off the front; empty when the bytes end within one.
std::optional<std::int64_t> TakeZigZag(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kMostCountBytes && i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    const bool last = i + 1 == kMostCountBytes || byte <= 0x7f;
    value |= static_cast<std::uint64_t>(i + 1 == kMostCountBytes ? byte : byte & 0x7f) << (7 * i);
    if (!last) continue;
    bytes.remove_prefix(i + 1);
    return static_cast<std::int64_t>(value >> 1 ^ (0 - (value & 1)));
  }
  return std::nullopt;
}

struct Header {
  HistogramLayout layout;
  std::size_t payload_bytes = 0;
};

Result<Header> ReadHistogramHeader(std::string_view bytes) {
  if (bytes.size() < kPlainHeaderBytes) {
    return Malformed("truncated: " + std::to_string(bytes.size()) + " bytes, a header has 40");
  }
  if ((BigEndian(bytes.substr(0, 4)) & ~std::uint64_t{kWordSizeMask}) != kPlainCookie) {
    return Malformed("does not begin with the cookie of the V2 encoding");
  }
  if (BigEndian(bytes.substr(8, 4)) != 0)
    return Malformed("shifted counts (a normalising offset) are not supported");
  if (std::bit_cast<double>(BigEndian(bytes.substr(32, 8))) != 1.0) {
    return Malformed("the conversion ratio is not 1: values that are no integers are not supported");
  }
  const std::uint64_t digits = BigEndian(bytes.substr(12, 4));
  const std::uint64_t lowest = BigEndian(bytes.substr(16, 8));
  const std::uint64_t highest = BigEndian(bytes.substr(24, 8));
  Header header;
  header.layout = {static_cast<std::int64_t>(lowest), static_cast<std::int64_t>(highest),
                   digits <= 9 ? static_cast<int>(digits) : 0};
  if (!header.layout.IsValid()) {
    return Malformed(
        "from " + std::to_string(header.layout.lowest) + " to " + std::to_string(header.layout.highest) +
        " with " + std::to_string(digits) +
        " significant digits is no layout: at least 1, at most 2^40, twice as much, 1 to 3 digits");
  }
  header.payload_bytes = BigEndian(bytes.substr(4, 4));
  const std::size_t most = Histogram(header.layout).counts_length() * kMostCountBytes;
  if (header.payload_bytes > most) {
    return Malformed("a payload of " + std::to_string(header.payload_bytes) +
                     " bytes, its layout takes at most " + std::to_string(most));
  }
  return header;
}

// zlib's state, freed on every way out.
class PayloadInflater {
 public:
  explicit PayloadInflater(std::string_view bytes) : ready_(inflateInit(&stream_) == Z_OK) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib only reads it
    stream_.avail_in = static_cast<uInt>(bytes.size());
  }
  PayloadInflater(const PayloadInflater&) = delete;
  PayloadInflater& operator=(const PayloadInflater&) = delete;
  ~PayloadInflater() {
    if (ready_) inflateEnd(&stream_);
  }

  // Exactly `size` bytes onto the end of `out`; false when the stream is damaged or has fewer.
  bool Read(std::size_t size, std::string& out) {
    const std::size_t begin = out.size();
    out.resize(begin + size);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data() + begin);
    stream_.avail_out = static_cast<uInt>(size);
    while (ready_ && stream_.avail_out > 0) {
      if (inflate(&stream_, Z_NO_FLUSH) != Z_OK) break;
    }
    return ready_ && stream_.avail_out == 0;
  }
  // Nothing is left, and the checksum was right.
  bool AtEnd() {
    Bytef beyond = 0;
    stream_.next_out = &beyond;
    stream_.avail_out = 1;
    return ready_ && inflate(&stream_, Z_FINISH) == Z_STREAM_END && stream_.avail_out == 1 &&
           stream_.avail_in == 0;
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

// The plain form of a compressed one.
Result<std::string> Decompress(std::string_view bytes) {
  const std::string_view stream = bytes.substr(kCompressedHeaderBytes);
  if (BigEndian(bytes.substr(4, 4)) != stream.size()) {
    return Malformed("the header announces " + std::to_string(BigEndian(bytes.substr(4, 4))) +
                     " compressed bytes, there are " + std::to_string(stream.size()));
  }
  PayloadInflater inflater(stream);
  std::string plain;
  if (!inflater.Read(kPlainHeaderBytes, plain)) return Malformed("the zlib stream is damaged or too short");
  PADDOCK_ASSIGN_OR_RETURN(const Header header, ReadHistogramHeader(plain));
  if (!inflater.Read(header.payload_bytes, plain) || !inflater.AtEnd()) {
    return Malformed("the zlib stream is damaged, or not as long as its header says");
  }
  return plain;
}

}  // namespace

std::string Histogram::EncodePlain() const {
  std::string counts;
  std::int64_t zeros = 0;
  for (const std::vector<std::uint64_t>& octave : octaves_) {
    if (octave.empty()) zeros += std::int64_t{1} << half_magnitude_;
    for (const std::uint64_t count : octave) {
      if (count == 0) {
        ++zeros;
        continue;
      }
      if (zeros > 0) AppendZigZag(counts, -zeros);
      zeros = 0;
      AppendZigZag(counts, static_cast<std::int64_t>(count));
    }
  }
  std::string plain;
  AppendBigEndian(plain, kPlainCookie | kWordSizeOne, 4);
  AppendBigEndian(plain, counts.size(), 4);
  AppendBigEndian(plain, 0, 4);
  AppendBigEndian(plain, static_cast<std::uint64_t>(layout_.significant_digits), 4);
  AppendBigEndian(plain, static_cast<std::uint64_t>(layout_.lowest), 8);
  AppendBigEndian(plain, static_cast<std::uint64_t>(layout_.highest), 8);
  AppendBigEndian(plain, std::bit_cast<std::uint64_t>(1.0), 8);
  return plain + counts;
}

std::string Histogram::Encode() const {
  const std::string plain = EncodePlain();
  uLongf size = compressBound(plain.size());
  std::string stream(size, '\0');
  const int code = compress(reinterpret_cast<Bytef*>(stream.data()), &size,
                            reinterpret_cast<const Bytef*>(plain.data()), plain.size());
  PADDOCK_CHECK(code == Z_OK, "zlib compresses into a buffer of the size it asked for");
  std::string bytes;
  AppendBigEndian(bytes, kCompressedCookie | kWordSizeOne, 4);
  AppendBigEndian(bytes, size, 4);
  return bytes.append(stream, 0, size);
}

Result<Histogram> Histogram::DecodePlain(std::string_view bytes) {
  PADDOCK_ASSIGN_OR_RETURN(const Header header, ReadHistogramHeader(bytes));
  std::string_view counts = bytes.substr(kPlainHeaderBytes);
  if (counts.size() != header.payload_bytes) {
    return Malformed("the header announces " + std::to_string(header.payload_bytes) +
                     " bytes of counts, there are " + std::to_string(counts.size()));
  }
  Histogram histogram(header.layout);
  std::size_t index = 0;
  while (!counts.empty()) {
    const auto count = TakeZigZag(counts);
    if (!count) return Malformed("the bytes end within a count");
    const std::uint64_t left = histogram.counts_length() - index;
    const std::uint64_t taken = *count < 0 ? 0 - static_cast<std::uint64_t>(*count) : 1;
    if (taken > left) return Malformed("more counts than the layout has");
    if (*count > 0) {
      const auto added = static_cast<std::uint64_t>(*count);
      if (added > std::numeric_limits<std::int64_t>::max() - histogram.total_) {
        return Malformed("more than 2^63 - 1 values");
      }
      histogram.AddAt(index, added);
    }
    index += taken;
  }
  return histogram;
}

Result<Histogram> Histogram::Decode(std::string_view bytes) {
  if (bytes.size() < kCompressedHeaderBytes) {
    return Malformed("truncated: " + std::to_string(bytes.size()) + " bytes");
  }
  const std::uint64_t cookie = BigEndian(bytes.substr(0, 4)) & ~std::uint64_t{kWordSizeMask};
  if (cookie != kCompressedCookie) return DecodePlain(bytes);
  PADDOCK_ASSIGN_OR_RETURN(const std::string plain, Decompress(bytes));
  return DecodePlain(plain);
}

std::string Base64Encode(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    const std::uint64_t bits = BigEndian(group) << (8 * (3 - group.size()));
    for (std::size_t j = 0; j < 4; ++j)
      text += j <= group.size() ? kAlphabet[bits >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

Result<std::string> Base64Decode(std::string_view text) {
  if (text.size() % 4 != 0) {
    return InvalidArgumentError("base64: " + std::to_string(text.size()) +
                                " characters are no multiple of 4");
  }
  std::string_view digits = text;
  for (int i = 0; i < 2 && digits.ends_with('='); ++i) digits.remove_suffix(1);
  std::string bytes;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char character : digits) {
    const std::size_t digit = kAlphabet.find(character);
    if (digit == std::string_view::npos)
      return InvalidArgumentError("base64: a character outside of the alphabet");
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xff);
    bits &= (1U << held) - 1;
  }
  if (bits != 0) return InvalidArgumentError("base64: bits are set behind the last byte");
  return bytes;
}

}  // namespace paddock
