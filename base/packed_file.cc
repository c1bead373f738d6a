#include "base/packed_file.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <unordered_map>

#include "base/digest.h"

namespace paddock {
namespace {

constexpr std::string_view kMagic = "PDKZ1\n";
constexpr std::size_t kDigestBytes = 64;
constexpr std::size_t kHeaderBytes = kMagic.size() + 8 + kDigestBytes;
constexpr std::size_t kSectionHeaderBytes = 4 + 1 + 2 + 4 + 4;
constexpr std::size_t kMaxCodebook = 256;
constexpr std::uint64_t kMaxDeflateRatio = 1032;
constexpr int kRawDeflate = -15;  // without zlib's own header and checksum

bool IsWordSize(std::uint32_t bytes) { return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8; }

template <typename Number>
void PutNumber(Number number, std::string* out) {
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    out->push_back(static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i)));
}

template <typename Number>
Number GetNumber(std::string_view bytes, std::size_t offset) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    number |= std::uint64_t{static_cast<unsigned char>(bytes[offset + i])} << (8 * i);
  return static_cast<Number>(number);
}

// What is deflated into one section.
struct Payload {
  std::uint32_t word_bytes = 1;
  std::size_t codebook = 0;
  std::string bytes{};
  std::size_t piece_bytes = 0;  // a new Huffman table after each so many
};

Payload Planes(std::string_view bytes, std::uint32_t word_bytes) {
  Payload payload{.word_bytes = word_bytes, .bytes = std::string(bytes.size(), '\0')};
  payload.piece_bytes = std::max<std::size_t>(bytes.size() / word_bytes, 1);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    payload.bytes[i % word_bytes * payload.piece_bytes + i / word_bytes] = bytes[i];
  return payload;
}

std::uint64_t WordAt(std::string_view bytes, std::uint32_t word_bytes, std::size_t index) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + index * word_bytes, word_bytes);
  return word;
}

// Absent when there are too many distinct words for an index to pay.
std::optional<Payload> Codebook(std::string_view bytes, std::uint32_t word_bytes) {
  const std::size_t words = bytes.size() / word_bytes;
  std::unordered_map<std::uint64_t, char> indices;
  Payload payload{.word_bytes = word_bytes, .bytes = {}};
  std::string of_words(words, '\0');
  for (std::size_t i = 0; i < words; ++i) {
    const auto [entry, is_new] =
        indices.emplace(WordAt(bytes, word_bytes, i), static_cast<char>(indices.size()));
    if (indices.size() > std::min(kMaxCodebook, words / 4)) return std::nullopt;
    if (is_new) payload.bytes += bytes.substr(i * word_bytes, word_bytes);
    of_words[i] = entry->second;
  }
  payload.codebook = indices.size();
  payload.bytes += of_words;
  payload.piece_bytes = payload.bytes.size();
  return payload;
}

class DeflateStream {
 public:
  explicit DeflateStream(int strategy)
      : ready_(::deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kRawDeflate, 9, strategy) ==
               Z_OK) {}
  DeflateStream(const DeflateStream&) = delete;
  DeflateStream& operator=(const DeflateStream&) = delete;
  ~DeflateStream() { ::deflateEnd(&stream_); }

  Result<std::string> Run(const Payload& payload) {
    if (!ready_) return ResourceExhaustedError("zlib finds no memory to deflate");
    std::string out;
    std::array<char, 65536> chunk;
    bool is_last = false;
    for (std::size_t begin = 0; !is_last; begin += payload.piece_bytes) {
      const auto piece = std::string_view(payload.bytes).substr(begin, payload.piece_bytes);
      is_last = begin + piece.size() == payload.bytes.size();
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(piece.data()));
      stream_.avail_in = static_cast<uInt>(piece.size());
      do {
        stream_.next_out = reinterpret_cast<Bytef*>(chunk.data());
        stream_.avail_out = static_cast<uInt>(chunk.size());
        ::deflate(&stream_, is_last ? Z_FINISH : Z_BLOCK);
        out.append(chunk.data(), chunk.size() - stream_.avail_out);
      } while (stream_.avail_out == 0);
    }
    return out;
  }

 private:
  z_stream stream_{};
  const bool ready_;
};

// The section's header and bytes.
Status AppendSection(std::uint64_t gap, std::string_view bytes, std::uint32_t word_bytes, std::string* out) {
  auto payload = word_bytes > 1 ? Codebook(bytes, word_bytes) : std::nullopt;
  if (!payload) payload = Planes(bytes, word_bytes);
  // Repeated strings cost more than they save where bytes look random.
  PADDOCK_ASSIGN_OR_RETURN(std::string deflated, DeflateStream(Z_DEFAULT_STRATEGY).Run(*payload));
  PADDOCK_ASSIGN_OR_RETURN(std::string without_repeats, DeflateStream(Z_HUFFMAN_ONLY).Run(*payload));
  if (without_repeats.size() < deflated.size()) deflated = std::move(without_repeats);
  PutNumber(static_cast<std::uint32_t>(gap), out);
  PutNumber(static_cast<std::uint8_t>(word_bytes), out);
  PutNumber(static_cast<std::uint16_t>(payload->codebook), out);
  PutNumber(static_cast<std::uint32_t>(bytes.size() / word_bytes), out);
  PutNumber(static_cast<std::uint32_t>(deflated.size()), out);
  *out += deflated;
  return OkStatus();
}

struct Section {
  std::uint64_t gap = 0;
  std::uint32_t word_bytes = 1;
  std::uint64_t codebook = 0;
  std::uint64_t words = 0;
  std::string_view deflated{};

  std::uint64_t bytes() const { return words * word_bytes; }
  std::uint64_t payload_bytes() const { return codebook == 0 ? bytes() : codebook * word_bytes + words; }
};

Status Damaged(const std::string& what) {
  return InvalidArgumentError("the packed file is damaged: " + what + "; make or fetch it anew");
}

// All sections of the file, so that their sizes agree with `original_bytes` and with what deflate can do.
Result<std::vector<Section>> ReadSections(std::string_view packed, std::uint64_t original_bytes) {
  std::vector<Section> sections;
  std::uint64_t total = 0;
  std::uint64_t gaps = 0;
  for (std::size_t at = kHeaderBytes; at < packed.size();) {
    const std::string where = "section " + std::to_string(sections.size());
    if (packed.size() - at < kSectionHeaderBytes) return Damaged(where + " ends within its header");
    Section section{.gap = GetNumber<std::uint32_t>(packed, at),
                    .word_bytes = GetNumber<std::uint8_t>(packed, at + 4),
                    .codebook = GetNumber<std::uint16_t>(packed, at + 5),
                    .words = GetNumber<std::uint32_t>(packed, at + 7)};
    const std::uint64_t deflated_bytes = GetNumber<std::uint32_t>(packed, at + 11);
    at += kSectionHeaderBytes;
    if (packed.size() - at < deflated_bytes) return Damaged(where + " is cut off");
    section.deflated = packed.substr(at, deflated_bytes);
    at += deflated_bytes;
    if (!IsWordSize(section.word_bytes) || section.codebook > kMaxCodebook)
      return Damaged(where + " is of no known form");
    if (section.payload_bytes() > deflated_bytes * kMaxDeflateRatio ||
        section.bytes() > original_bytes - total)
      return Damaged(where + " states more bytes than it can hold");
    total += section.bytes();
    gaps += section.gap;
    if (gaps > (sections.empty() ? 0 : sections[0].bytes()))
      return Damaged(where + " stands behind bytes that are not there");
    sections.push_back(section);
  }
  if (total != original_bytes || sections.empty())
    return Damaged("its sections hold " + std::to_string(total) + " of " + std::to_string(original_bytes) +
                   " bytes");
  return sections;
}

// Exactly so many bytes as `out` has.
bool Inflate(std::string_view deflated, std::span<char> out) {
  z_stream stream{};
  if (::inflateInit2(&stream, kRawDeflate) != Z_OK) return false;
  char nothing = 0;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(deflated.data()));
  stream.avail_in = static_cast<uInt>(deflated.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.empty() ? &nothing : out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const bool is_whole =
      ::inflate(&stream, Z_FINISH) == Z_STREAM_END && stream.avail_out == 0 && stream.avail_in == 0;
  ::inflateEnd(&stream);
  return is_whole;
}

// `out` has the section's bytes.
bool Restore(const Section& section, std::span<char> out) {
  std::string payload(section.payload_bytes(), '\0');
  if (!Inflate(section.deflated, payload)) return false;
  const std::size_t word_bytes = section.word_bytes;
  if (section.codebook == 0) {
    for (std::size_t i = 0; i < out.size(); ++i)
      out[i] = payload[i % word_bytes * section.words + i / word_bytes];
    return true;
  }
  const std::string_view indices = std::string_view(payload).substr(section.codebook * word_bytes);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::size_t index = static_cast<unsigned char>(indices[i]);
    if (index >= section.codebook) return false;
    std::memcpy(out.data() + i * word_bytes, payload.data() + index * word_bytes, word_bytes);
  }
  return true;
}

}  // namespace

Result<std::string> Pack(std::string_view bytes, std::vector<WordRange> ranges) {
  if (bytes.size() > kMaxUnpackedBytes)
    return ResourceExhaustedError("only files below 2 GiB can be packed, and this one has " +
                                  std::to_string(bytes.size()) + " bytes");
  std::stable_sort(ranges.begin(), ranges.end(),
                   [](const WordRange& a, const WordRange& b) { return a.offset < b.offset; });
  std::vector<WordRange> fit;
  std::string rest;
  std::uint64_t end = 0;
  for (const WordRange& range : ranges) {
    if (!IsWordSize(range.word_bytes) || range.offset < end || range.offset > bytes.size() ||
        range.words > (bytes.size() - range.offset) / range.word_bytes) {
      continue;
    }
    fit.push_back(range);
    rest += bytes.substr(end, range.offset - end);
    end = range.offset + range.words * range.word_bytes;
  }
  rest += bytes.substr(end);

  std::string out(kMagic);
  PutNumber(std::uint64_t{bytes.size()}, &out);
  out += Sha256::Of(bytes).hex();
  PADDOCK_RETURN_IF_ERROR(AppendSection(0, rest, 1, &out));
  end = 0;
  for (const WordRange& range : fit) {
    const std::string_view array = bytes.substr(range.offset, range.words * range.word_bytes);
    PADDOCK_RETURN_IF_ERROR(AppendSection(range.offset - end, array, range.word_bytes, &out));
    end = range.offset + array.size();
  }
  return out;
}

bool IsPacked(std::string_view bytes) { return bytes.starts_with(kMagic); }

Result<std::uint64_t> UnpackedBytes(std::string_view packed) {
  if (!IsPacked(packed)) return Damaged("it does not begin as a packed file does");
  if (packed.size() < kHeaderBytes) return Damaged("it ends within its header");
  return GetNumber<std::uint64_t>(packed, kMagic.size());
}

Result<std::string> Unpack(std::string_view packed, std::uint64_t max_bytes) {
  PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t original_bytes, UnpackedBytes(packed));
  if (original_bytes > max_bytes) {
    return ResourceExhaustedError("the packed file states that it holds " + std::to_string(original_bytes) +
                                  " bytes, and at most " + std::to_string(max_bytes) + " are unpacked");
  }
  const auto digest = Digest::Parse(packed.substr(kMagic.size() + 8, kDigestBytes));
  if (!digest.ok()) return Damaged("it holds no digest");
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<Section> sections, ReadSections(packed, original_bytes));

  std::string rest(sections[0].bytes(), '\0');
  if (!Restore(sections[0], rest)) return Damaged("section 0 cannot be unpacked");
  std::string out(original_bytes, '\0');
  std::size_t at = 0;
  std::size_t of_rest = 0;
  const auto copy_rest = [&](std::size_t count) {
    std::copy_n(rest.data() + of_rest, count, out.data() + at);
    of_rest += count;
    at += count;
  };
  for (std::size_t i = 1; i < sections.size(); ++i) {
    copy_rest(sections[i].gap);
    if (!Restore(sections[i], std::span(out).subspan(at, sections[i].bytes())))
      return Damaged("section " + std::to_string(i) + " cannot be unpacked");
    at += sections[i].bytes();
  }
  copy_rest(rest.size() - of_rest);
  if (Sha256::Of(out) != *digest) return Damaged("its content does not have the digest that it states");
  return out;
}

}  // namespace paddock
