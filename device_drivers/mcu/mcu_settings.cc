#include "device_drivers/mcu/mcu_settings.h"

#include <optional>
#include <utility>
#include <vector>

#include "boards/known_boards.h"
#include "device_drivers/mcu/mcu_driver.h"

namespace paddock {
namespace {

constexpr std::uint32_t kUsualBaud = 115'200;
constexpr std::uint32_t kMaxInferences = 1'000'000;
constexpr std::string_view kEmulated = "qemu:";
constexpr std::string_view kNoProbe = "none";

constexpr OptionDoc kMcuOptions[] = {
    {"link",
     "how the board is reached: qemu:BOARD (emulated here), serial:PATH, pty:PATH, tcp:HOST:PORT or "
     "unix:PATH; no default"},
    {"board", "name of the board, as in the kind elf+BOARD of its models; default: that of qemu:BOARD"},
    {"mode",
     "own (the firmware that comes with the model) or existing (what is on the board answers); default own"},
    {"protocol",
     "auto (the EEMBC text, and frames where the firmware knows them), eembc (only text) or stm32msg (ST's "
     "protocol, versions 2 and 3); default auto"},
    {"baud", "of a serial port; default 115200"},
    {"name", "what the board's answer to name% must contain; default anything"},
    {"image", "with qemu:BOARD and mode=existing: path of the firmware's ELF file; default none"},
    {"answer_timeout_s",
     "how long the board may be silent beside the time of the line and of computing; default 5"},
    {"inferences",
     "inferences that one measured query runs on the board, for clocks that are coarse; its time is the "
     "mean; default 1"},
    {"warmup_inferences", "inferences before those of each query, not measured; default 0"},
};

const std::vector<OptionDoc>& AllMcuOptions() {
  static const std::vector<OptionDoc> all = [] {
    std::vector<OptionDoc> options(std::begin(kMcuOptions), std::end(kMcuOptions));
    const std::vector<OptionDoc> flashing = FlasherOptionDocs();
    options.insert(options.end(), flashing.begin(), flashing.end());
    return options;
  }();
  return all;
}

// What stands behind "kind:".
Result<LineAddress> ParseAddress(std::string_view link, std::uint32_t baud) {
  constexpr std::pair<std::string_view, LineKind> kKinds[] = {{"serial:", LineKind::kSerial},
                                                              {"pty:", LineKind::kPty},
                                                              {"tcp:", LineKind::kTcp},
                                                              {"unix:", LineKind::kUnix}};
  for (const auto& [prefix, kind] : kKinds) {
    if (!link.starts_with(prefix)) continue;
    LineAddress address{kind, std::string(link.substr(prefix.size())), baud};
    const bool is_whole = kind == LineKind::kTcp ? address.target.rfind(':') != std::string::npos
                                                 : address.target.starts_with('/');
    if (is_whole) return address;
  }
  return InvalidArgumentError(
      "driver 'mcu': link is '" + std::string(link) +
      "'; it must be qemu:BOARD, serial:/PATH, pty:/PATH, unix:/PATH (absolute paths) "
      "or tcp:HOST:PORT");
}

// Without a probe the board is not flashed here, which must be said.
void ReadFlashing(OptionReader& reader, McuSettings* settings) {
  FlasherSettings flashing;
  if (const KnownBoard* const board = FindKnownBoard(settings->board)) {
    flashing.target.flash_begin = board->flash_begin;
    flashing.target.flash_bytes = board->flash_bytes;
    flashing.target.openocd_target = board->openocd_target;
  }
  const std::string probe = reader.Text("probe", "");
  flashing = ReadFlasherOptions(reader, std::move(flashing));
  if (probe != kNoProbe) settings->flashing = std::move(flashing);
}

Status CheckFlashing(const McuSettings& settings) {
  if (!settings.flashing) return OkStatus();
  Status status;
  if (FindKnownBoard(settings.board) != nullptr) {
    status = Flasher::Make(*settings.flashing).status();
  } else {
    std::string names;
    for (const KnownBoard& board : KnownBoards()) names.append(names.empty() ? "" : ", ").append(board.name);
    status = NotFoundError("nothing is known of the board '" + settings.board + "', only of these: " + names);
  }
  if (status.ok()) return status;
  return InvalidArgumentError("driver 'mcu': " + status.message() +
                              ". If others put the image on the board before each run, say probe=none");
}

Status CheckTogether(const McuSettings& settings, bool has_baud) {
  const auto refuse = [](const std::string& why) { return InvalidArgumentError("driver 'mcu': " + why); };
  const bool is_own = settings.mode == McuMode::kOwn;
  if (settings.board.empty() && is_own)
    return refuse("mode=own needs the option board, the name of the board");
  if (is_own && settings.protocol == McuProtocol::kStm32msg)
    return refuse(
        "protocol=stm32msg has a meaning with mode=existing only: the firmware of models speaks text");
  if (settings.is_emulated() && settings.board != std::get<const EmulatedBoard*>(settings.board_at)->name)
    return refuse("board is '" + settings.board + "', but the link is " + settings.link);
  if (settings.is_emulated() && !is_own && settings.image.empty())
    return refuse("mode=existing with link=" + settings.link +
                  " needs the option image, the firmware's ELF file");
  if (!settings.image.empty() && (is_own || !settings.is_emulated()))
    return refuse("image has a meaning with link=qemu:BOARD and mode=existing only");
  if (!settings.image.empty() && !settings.image.starts_with('/'))
    return refuse("image is '" + settings.image + "'; it must be an absolute path");
  if (has_baud && settings.line_baud() == 0) return refuse("baud has a meaning with link=serial:PATH only");
  return CheckFlashing(settings);
}

}  // namespace

std::uint32_t McuSettings::line_baud() const {
  const auto* const address = std::get_if<LineAddress>(&board_at);
  return address != nullptr && address->kind == LineKind::kSerial ? address->baud : 0;
}

std::span<const OptionDoc> McuOptions() { return AllMcuOptions(); }

Result<McuSettings> ReadMcuSettings(const std::map<std::string, std::string>& options) {
  OptionReader reader("driver 'mcu'", options);
  McuSettings settings;
  settings.link = reader.Text("link", "");
  settings.board = reader.Text("board", "");
  if (reader.Choice("mode", "own", {"own", "existing"}) == "existing") settings.mode = McuMode::kExisting;
  const std::string protocol = reader.Choice("protocol", "auto", {"auto", "eembc", "stm32msg"});
  if (protocol == "eembc") settings.protocol = McuProtocol::kEembc;
  if (protocol == "stm32msg") settings.protocol = McuProtocol::kStm32msg;
  const auto baud = static_cast<std::uint32_t>(reader.Unsigned("baud", kUsualBaud, 300, 12'000'000));
  settings.name = reader.Text("name", "");
  settings.image = reader.Text("image", "");
  settings.answer_timeout_s = reader.Number("answer_timeout_s", settings.answer_timeout_s, 0.01, 3600);
  settings.inferences = static_cast<std::uint32_t>(reader.Unsigned("inferences", 1, 1, kMaxInferences));
  settings.warmup_inferences =
      static_cast<std::uint32_t>(reader.Unsigned("warmup_inferences", 0, 0, kMaxInferences));
  const bool has_probe = settings.mode == McuMode::kOwn && !settings.link.starts_with(kEmulated);
  if (has_probe) ReadFlashing(reader, &settings);
  PADDOCK_RETURN_IF_ERROR(reader.Finish());

  if (settings.link.starts_with(kEmulated)) {
    const auto board = FindEmulatedBoard(std::string_view(settings.link).substr(kEmulated.size()));
    if (!board.ok()) return InvalidArgumentError("driver 'mcu': link: " + board.status().message());
    settings.board_at = *board;
    if (settings.board.empty()) settings.board = (*board)->name;
  } else {
    PADDOCK_ASSIGN_OR_RETURN(settings.board_at, ParseAddress(settings.link, baud));
  }
  PADDOCK_RETURN_IF_ERROR(CheckTogether(settings, reader.Has("baud")));
  return settings;
}

}  // namespace paddock
