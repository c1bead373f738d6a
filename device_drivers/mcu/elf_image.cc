#include "device_drivers/mcu/elf_image.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <sstream>

namespace paddock {
namespace {

// Fields of 32-bit headers (System V ABI, gABI 4.1, chapters 4 and 5).
constexpr std::size_t kMachineAt = 18;
constexpr std::size_t kTableOffsetAt = 28;
constexpr std::size_t kEntrySizeAt = 42;
constexpr std::size_t kEntryCountAt = 44;
constexpr std::size_t kProgramHeaderBytes = 32;
constexpr std::uint64_t kArm = 40;
constexpr std::uint64_t kLoad = 1;  // PT_LOAD

Status BadImage(const std::string& what) {
  return InvalidArgumentError("not a program for a microcontroller: " + what);
}

std::optional<std::uint64_t> LittleEndian(std::string_view bytes, std::uint64_t offset, std::size_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value |= std::uint64_t{static_cast<unsigned char>(bytes[offset + i])} << (8 * i);
  return value;
}

std::string Hex(std::uint64_t value) {
  std::ostringstream text;
  text << "0x" << std::hex << value;
  return text.str();
}

}  // namespace

Result<std::vector<ImageSegment>> LoadableSegments(std::string_view elf) {
  constexpr std::string_view kElf32LittleEndian("\177ELF\1\1", 6);
  if (!elf.starts_with(kElf32LittleEndian)) return BadImage("no 32-bit little-endian ELF file");
  if (LittleEndian(elf, kMachineAt, 2) != kArm) return BadImage("an ELF file for another machine than ARM");
  const auto table = LittleEndian(elf, kTableOffsetAt, 4);
  const auto entry = LittleEndian(elf, kEntrySizeAt, 2);
  const auto count = LittleEndian(elf, kEntryCountAt, 2);
  if (!table || !entry || !count) return BadImage("an ELF file that is cut off in its header");
  if (*entry < kProgramHeaderBytes || *table > elf.size() || *entry * *count > elf.size() - *table)
    return BadImage("an ELF file whose table of segments is damaged or cut off");

  std::vector<ImageSegment> segments;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const std::string_view header = elf.substr(*table + i * *entry, kProgramHeaderBytes);
    const std::uint64_t type = *LittleEndian(header, 0, 4);
    const std::uint64_t offset = *LittleEndian(header, 4, 4);
    const std::uint64_t address = *LittleEndian(header, 12, 4);  // p_paddr
    const std::uint64_t size = *LittleEndian(header, 16, 4);     // p_filesz
    if (type != kLoad || size == 0) continue;
    if (offset > elf.size() || size > elf.size() - offset)
      return BadImage("segment " + std::to_string(i) + " of the ELF file is cut off");
    segments.push_back({address, elf.substr(offset, size)});
  }
  if (segments.empty()) return BadImage("an ELF file with nothing to load");
  std::sort(segments.begin(), segments.end(),
            [](const ImageSegment& a, const ImageSegment& b) { return a.address < b.address; });
  for (std::size_t i = 1; i < segments.size(); ++i) {
    if (segments[i - 1].address + segments[i - 1].bytes.size() > segments[i].address)
      return BadImage("two segments of the ELF file lie over each other at " + Hex(segments[i].address));
  }
  return segments;
}

Status CheckFits(const std::vector<ImageSegment>& segments, std::uint64_t begin, std::uint64_t size) {
  for (const ImageSegment& segment : segments) {
    if (segment.address >= begin && segment.address - begin <= size &&
        segment.bytes.size() <= size - (segment.address - begin))
      continue;
    return ResourceExhaustedError("the image puts " + std::to_string(segment.bytes.size()) + " bytes at " +
                                  Hex(segment.address) + ", but the board's flash has " +
                                  std::to_string(size) + " bytes at " + Hex(begin) +
                                  "; take a smaller model, or the image of this board");
  }
  return OkStatus();
}

std::string FlatImage(const std::vector<ImageSegment>& segments) {
  const std::uint64_t begin = segments.front().address;
  std::string flat;
  for (const ImageSegment& segment : segments) {
    flat.resize(segment.address - begin, '\xFF');
    flat.append(segment.bytes);
  }
  return flat;
}

}  // namespace paddock
