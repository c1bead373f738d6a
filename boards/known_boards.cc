#include "boards/known_boards.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace paddock {
namespace {

constexpr std::uint64_t kKib = 1024;
constexpr std::uint64_t kStm32Flash = 0x08000000;
constexpr std::uint64_t kStm32Ram = 0x20000000;
constexpr std::string_view kCortexM4 = "-mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard";
constexpr std::string_view kCortexM7 = "-mcpu=cortex-m7 -mfpu=fpv5-d16 -mfloat-abi=hard";
constexpr std::string_view kCortexM55 = "-mcpu=cortex-m55 -mfloat-abi=hard";

constexpr KnownBoard kBoards[] = {
    {"nucleo-l4r5zi", "nucleo_l4r5zi", "stm32l4x", kStm32Flash, 2048 * kKib, kStm32Ram, 640 * kKib,
     kCortexM4},
    // The RAM on the AXI bus: the largest one, behind the data cache.
    {"nucleo-h7a3zi-q", "nucleo_h7a3zi_q", "stm32h7x", kStm32Flash, 2048 * kKib, 0x24000000, 1024 * kKib,
     kCortexM7},
    {"nucleo-f401re", "nucleo_f401re", "stm32f4x", kStm32Flash, 512 * kKib, kStm32Ram, 96 * kKib, kCortexM4},
    {"stm32f4-discovery", "stm32f4_disco", "stm32f4x", kStm32Flash, 1024 * kKib, kStm32Ram, 128 * kKib,
     kCortexM4},
    {"qemu-stm32f405", "", "", kStm32Flash, 1024 * kKib, kStm32Ram, 192 * kKib, kCortexM4},
    {"qemu-mps2-an386", "", "", 0, 4096 * kKib, 0x20000000, 4096 * kKib, kCortexM4},
    {"qemu-mps2-an500", "", "", 0, 4096 * kKib, 0x20000000, 4096 * kKib, kCortexM7},
    // Secure addresses of both memories.
    {"qemu-mps3-an547", "", "", 0x10000000, 512 * kKib, 0x30000000, 512 * kKib, kCortexM55},
};

std::string OnlyLettersAndDigits(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return plain;
}

template <typename Predicate>
const KnownBoard* FirstBoard(Predicate is_it) {
  const auto* const found = std::find_if(std::begin(kBoards), std::end(kBoards), is_it);
  return found == std::end(kBoards) ? nullptr : found;
}

}  // namespace

std::span<const KnownBoard> KnownBoards() { return kBoards; }

const KnownBoard* FindKnownBoard(std::string_view name) {
  return FirstBoard([name](const KnownBoard& board) { return board.name == name; });
}

const KnownBoard* FindBoardOfPlatform(std::string_view zephyr_platform) {
  const std::string_view platform = zephyr_platform.substr(0, zephyr_platform.find_first_of("/@"));
  return FirstBoard([platform](const KnownBoard& board) {
    return !board.zephyr_platform.empty() && board.zephyr_platform == platform;
  });
}

const KnownBoard* FindBoardInText(std::string_view product) {
  const std::string text = OnlyLettersAndDigits(product);
  return FirstBoard([&text](const KnownBoard& board) {
    return !board.openocd_target.empty() && text.find(OnlyLettersAndDigits(board.name)) != std::string::npos;
  });
}

}  // namespace paddock
