// A firmware for qemu-mps2-an386 that needs no compiler: it says that it has started, answers every command with everything that
// one could want to hear, and stops for good when it is sent a '7'.
#pragma once

#include <cstdint>
#include <string>

#include "device_drivers/mcu/frame_codec.h"

namespace paddock {

// The bytes from address 0.
inline std::string TinyProgram() {
  // Thumb: r0 is UART0 (0x40004000), whose clock is divided by 16; sends what r2 points to, then waits for a byte; 55 ('7') is
  // undefined from there, 37 ('%') sends the answer.
  constexpr std::uint16_t kCode[] = {
      0xf04f, 0x2040, 0x2110, 0x6101, 0x2103, 0x6081, 0xa209, 0x7813, 0xb12b, 0x6841, 0x07c9, 0xd4fc, 0x6003,
      0x3201, 0xe7f7, 0x6841, 0x0789, 0xd5fc, 0x6803, 0x2b37, 0xd003, 0x2b25, 0xd1f7, 0xa207, 0xe7ed, 0xde00,
  };
  std::string program;
  AppendLittleEndian(0x2000'1000, 4, &program);  // stack
  AppendLittleEndian(0x41, 4, &program);         // reset
  program.resize(0x40);
  for (const std::uint16_t half : kCode) AppendLittleEndian(half, 2, &program);
  program += std::string("m-init-done\r\nm-ready\r\n\0\0", 24);
  program +=
      "m-name-dut-[tiny]\r\nm-profile-[p]\r\nm-model-[m]\r\nm-[Expecting 1 bytes]\r\nm-load-done\r\n"
      "m-infer-start-1\r\nm-lap-us-5\r\nm-lap-us-12\r\nm-infer-done\r\nm-results-[42]\r\nm-ready\r\n";
  program.push_back('\0');
  return program;
}

// As an ELF file with one segment.
inline std::string TinyFirmware() {
  const std::string program = TinyProgram();
  std::string elf("\177ELF\1\1\1", 7);
  elf.resize(16);
  constexpr std::uint64_t kHeader = 52;
  constexpr std::uint64_t kSegment = 32;
  AppendLittleEndian(0x0028'0002, 4, &elf);  // executable, ARM
  for (const std::uint64_t word : {std::uint64_t{1}, std::uint64_t{0x41}, kHeader, std::uint64_t{0},
                                   std::uint64_t{0x0500'0000}})  // version, entry, segments, sections, EABI 5
    AppendLittleEndian(word, 4, &elf);
  for (const std::uint64_t half :
       {kHeader, kSegment, std::uint64_t{1}, std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{0}})
    AppendLittleEndian(half, 2, &elf);
  const std::uint64_t size = program.size();
  for (const std::uint64_t word : {std::uint64_t{1}, kHeader + kSegment, std::uint64_t{0}, std::uint64_t{0},
                                   size, size, std::uint64_t{5}, std::uint64_t{4}})
    AppendLittleEndian(word, 4, &elf);
  return elf + program;
}

}  // namespace paddock
