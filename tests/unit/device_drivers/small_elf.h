// A 32-bit ELF file for ARM with nothing but segments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace paddock {

struct ElfPiece {
  std::uint32_t address;
  std::string bytes;
};

inline std::string SmallElf(const std::vector<ElfPiece>& pieces) {
  const auto put = [](std::string& bytes, std::size_t offset, std::size_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) bytes[offset + i] = static_cast<char>(value >> (8 * i));
  };
  std::string elf(52 + 32 * pieces.size(), '\0');
  elf.replace(0, 6, std::string("\177ELF\1\1", 6));
  put(elf, 18, 40, 2);
  put(elf, 28, 52, 4);
  put(elf, 42, 32, 2);
  put(elf, 44, pieces.size(), 2);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::size_t header = 52 + 32 * i;
    put(elf, header, 1, 4);
    put(elf, header + 4, elf.size(), 4);
    put(elf, header + 8, 0x20000000, 4);
    put(elf, header + 12, pieces[i].address, 4);
    put(elf, header + 16, pieces[i].bytes.size(), 4);
    elf += pieces[i].bytes;
  }
  return elf;
}

}  // namespace paddock
