#include "prepare/sources/wav_decode.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>

namespace paddock {
namespace {

constexpr std::uint64_t kMaxFrames = std::uint64_t{1} << 24;  // 64 MiB of float32: 17 minutes at 16 kHz
constexpr std::uint32_t kMaxRateHz = 1'000'000;
constexpr std::uint32_t kPcm = 1;
constexpr std::uint32_t kFloat = 3;
constexpr std::uint32_t kExtensible = 0xFFFE;

struct WavFormat {
  std::uint32_t kind = 0;
  std::uint32_t channels = 0;
  std::uint32_t rate_hz = 0;
  std::uint32_t bits = 0;
  std::uint32_t frame_bytes() const { return channels * bits / 8; }
};

std::uint32_t LittleEndian(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
  return value;
}

Status BrokenWav(const std::string& what) {
  return InvalidArgumentError("is no whole WAV recording: " + what +
                              "; it is truncated or damaged, save it anew or take it out");
}

Result<WavFormat> ParseFormat(std::string_view chunk) {
  if (chunk.size() < 16) return BrokenWav("its 'fmt ' chunk has " + std::to_string(chunk.size()) + " bytes");
  WavFormat format{LittleEndian(chunk, 0, 2), LittleEndian(chunk, 2, 2), LittleEndian(chunk, 4, 4),
                   LittleEndian(chunk, 14, 2)};
  if (format.kind == kExtensible && chunk.size() >= 26) format.kind = LittleEndian(chunk, 24, 2);
  const bool is_pcm = format.kind == kPcm &&
                      (format.bits == 8 || format.bits == 16 || format.bits == 24 || format.bits == 32);
  if (!is_pcm && !(format.kind == kFloat && format.bits == 32)) {
    return InvalidArgumentError("holds audio of format " + std::to_string(format.kind) + " with " +
                                std::to_string(format.bits) +
                                " bits; convert it to PCM of 8, 16, 24 or 32 bits or to 32-bit float");
  }
  if (format.channels == 0 || format.channels > 64)
    return BrokenWav("it declares " + std::to_string(format.channels) + " channels");
  if (format.rate_hz == 0 || format.rate_hz > kMaxRateHz)
    return BrokenWav("it declares " + std::to_string(format.rate_hz) + " samples a second");
  if (LittleEndian(chunk, 12, 2) != format.frame_bytes())
    return BrokenWav("its block size contradicts its channels and bits");
  return format;
}

double ValueAt(std::string_view data, std::size_t at, const WavFormat& format) {
  const std::uint32_t value = LittleEndian(data, at, format.bits / 8);
  if (format.kind == kFloat) return static_cast<double>(std::bit_cast<float>(value));
  if (format.bits == 8) return (static_cast<double>(value) - 128) / 128;
  const auto shifted = static_cast<std::int32_t>(value << (32 - format.bits));
  return static_cast<double>(shifted) / 2147483648.0;
}

Result<Recording> DecodeFrames(std::string_view data, const WavFormat& format) {
  const std::size_t frame_bytes = format.frame_bytes();
  const std::size_t frames = data.size() / frame_bytes;
  if (frames == 0) return BrokenWav("it holds no samples");
  if (data.size() % frame_bytes != 0) return BrokenWav("its last sample is cut off");
  if (frames > kMaxFrames) {
    return InvalidArgumentError("holds " + std::to_string(frames) + " samples, and at most " +
                                std::to_string(kMaxFrames) + " are read; split the recording");
  }
  Recording recording{{{"", ElementType::kFloat32, {1, static_cast<std::int64_t>(frames)}}, {}},
                      format.rate_hz};
  recording.samples.bytes.resize(frames * sizeof(float));
  for (std::size_t i = 0; i < frames; ++i) {
    double sum = 0;
    for (std::size_t c = 0; c < format.channels; ++c)
      sum += ValueAt(data, i * frame_bytes + c * format.bits / 8, format);
    const auto mean = static_cast<float>(sum / format.channels);
    if (!std::isfinite(mean)) return BrokenWav("sample " + std::to_string(i) + " is no finite number");
    std::memcpy(recording.samples.bytes.data() + i * sizeof(float), &mean, sizeof(float));
  }
  return recording;
}

}  // namespace

Result<Recording> DecodeWav(std::string_view bytes) {
  if (bytes.size() < 12 || !bytes.starts_with("RIFF") || bytes.substr(8, 4) != "WAVE") {
    return InvalidArgumentError(
        "is no WAV recording: it does not begin with RIFF and WAVE; convert it to WAV, or take it out");
  }
  std::optional<WavFormat> format;
  for (std::size_t at = 12; bytes.size() - at >= 8;) {
    const std::string_view id = bytes.substr(at, 4);
    const std::uint32_t size = LittleEndian(bytes, at + 4, 4);
    at += 8;
    if (size > bytes.size() - at) {
      return BrokenWav("its chunk '" + std::string(id == "data" || id == "fmt " ? id : "?") + "' declares " +
                       std::to_string(size) + " bytes, and " + std::to_string(bytes.size() - at) + " follow");
    }
    const std::string_view chunk = bytes.substr(at, size);
    if (id == "fmt ") {
      PADDOCK_ASSIGN_OR_RETURN(format, ParseFormat(chunk));
    } else if (id == "data") {
      if (!format) return BrokenWav("its samples come before their format");
      return DecodeFrames(chunk, *format);
    }
    at += std::min<std::size_t>(size + size % 2, bytes.size() - at);  // chunks begin at even places
  }
  return BrokenWav("it has no samples");
}

}  // namespace paddock
