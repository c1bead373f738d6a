#include "device_drivers/mcu/known_boards.h"

#include <string>

namespace paddock {
namespace {

constexpr std::uint64_t kKib = 1024;
constexpr std::uint64_t kStm32Flash = 0x0800'0000;

// Data sheets: DS12023 (L4R5), DS13195 (H7A3), DS10086 (F401), DS8626 (F407), DS8597 (F405); the emulated ones as QEMU 7.2 has them.
constexpr KnownBoard kKnownBoards[] = {
    {"nucleo-l4r5zi", kStm32Flash, 2048 * kKib, "stm32l4x"},
    {"nucleo-h7a3zi-q", kStm32Flash, 2048 * kKib, "stm32h7x"},
    {"nucleo-f401re", kStm32Flash, 512 * kKib, "stm32f4x"},
    {"stm32f4-discovery", kStm32Flash, 1024 * kKib, "stm32f4x"},
    {"qemu-stm32f405", kStm32Flash, 1024 * kKib, ""},
    {"qemu-mps2-an386", 0, 4096 * kKib, ""},
    {"qemu-mps2-an500", 0, 4096 * kKib, ""},
    {"qemu-mps3-an547", 0, 512 * kKib, ""},
};

}  // namespace

Result<const KnownBoard*> FindKnownBoard(std::string_view name) {
  std::string names;
  for (const KnownBoard& board : kKnownBoards) {
    if (board.name == name) return &board;
    names.append(names.empty() ? "" : ", ").append(board.name);
  }
  return NotFoundError("nothing is known of the board '" + std::string(name) + "'; known are: " + names);
}

}  // namespace paddock
