// An ELF file that holds the facts of a network (kpi/network_facts.h) and no program.
#pragma once

#include <cstdint>
#include <string>

#include "kpi/network_facts.h"

namespace paddock {

inline void AppendInteger(std::string* bytes, std::uint64_t value, int size) {
  for (int i = 0; i < size; ++i) bytes->push_back(static_cast<char>(value >> (8 * i)));
}

// An ELF file with two sections: the facts and the table of names. `bits` is 32 or 64.
inline std::string ElfWith(const std::string& facts, int bits) {
  const std::string names = std::string(1, '\0') + std::string(kNetworkFactsSection) + '\0';
  const int word = bits / 8;
  const std::uint64_t header = bits == 32 ? 52 : 64;
  const std::uint64_t table = header + facts.size() + names.size();
  std::string elf = std::string("\177ELF") + static_cast<char>(bits / 32) + "\1\1";
  elf.resize(16);
  AppendInteger(&elf, 0x0028'0002, 4);  // executable, ARM
  AppendInteger(&elf, 1, 4);
  for (int i = 0; i < 2; ++i) AppendInteger(&elf, 0, word);  // entry, segments
  AppendInteger(&elf, table, word);
  AppendInteger(&elf, 0, 4);  // flags
  for (const std::uint64_t half : {header, std::uint64_t{0}, std::uint64_t{0},
                                   std::uint64_t(bits == 32 ? 40 : 64), std::uint64_t{2}, std::uint64_t{1}})
    AppendInteger(&elf, half, 2);
  elf += facts + names;
  const auto section = [&](std::uint64_t name, std::uint64_t type, std::uint64_t offset, std::uint64_t size) {
    AppendInteger(&elf, name, 4);
    AppendInteger(&elf, type, 4);
    for (const std::uint64_t field : {std::uint64_t{0}, std::uint64_t{0}, offset, size})
      AppendInteger(&elf, field, word);
    AppendInteger(&elf, 0, 8);
    for (int i = 0; i < 2; ++i) AppendInteger(&elf, 0, word);
  };
  section(1, 1, header, facts.size());
  section(0, 3, header + facts.size(), names.size());
  return elf;
}

}  // namespace paddock
