#include "device_drivers/mcu/flash_ladder.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string_view>
#include <thread>
#include <utility>

#include "base/file.h"
#include "base/subprocess.h"
#include "boards/probes.h"

namespace paddock {
namespace {

constexpr std::uint32_t kSlowKhz = 400;
// Erasing, writing and verifying through a full-speed probe at kSlowKhz.
constexpr std::uint64_t kSlowestBytesPerS = 4000;
constexpr auto kPowerCycleTimeout = std::chrono::seconds(60);
constexpr auto kLookPause = std::chrono::milliseconds(50);

struct Rung {
  std::string_view name;
  FlashWay way;
  bool after_power_cycle = false;
};
constexpr Rung kRungs[] = {
    {"first", {}},
    {"again", {}},
    {"under reset", {.under_reset = true}},
    {"under reset, slowly", {.under_reset = true, .adapter_speed_khz = kSlowKhz}},
    {"after a power cycle", {.under_reset = true, .adapter_speed_khz = kSlowKhz}, true},
};

std::vector<std::string> Words(const std::string& command) {
  std::istringstream in(command);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

// "1-2.3" is port 3 of hub 1-2, "1-2" port 2 of bus 1's own.
std::vector<std::string> UhubctlCommand(const std::string& location) {
  const auto cut = location.find_last_of("-.");
  return {"uhubctl", "-l", location.substr(0, cut), "-p", location.substr(cut + 1), "-a", "cycle", "-d", "2",
          "-r",      "100"};
}

class Climber {
 public:
  Climber(const FlasherSettings& settings, const FlashFiles& files, Deadline deadline,
          const std::function<bool()>& cancelled, std::vector<std::string>* tries)
      : settings_(settings),
        target_(settings.target),
        files_(files),
        deadline_(deadline),
        cancelled_(cancelled),
        tries_(*tries),
        tool_(FlashToolName(settings.target.tool)) {
    const auto devices = ListUsbDevices(settings.root);
    const UsbDevice* const probe = FindProbe(devices, ProbeNameOf(target_));
    location_ = probe != nullptr ? probe->location : target_.usb_location;
  }

  Status Climb() {
    for (const Rung& rung : kRungs) {
      if (rung.after_power_cycle && settings_.power_cycle.empty()) break;
      if (rung.way.under_reset && !rung.after_power_cycle && IsTheSame(rung.way)) continue;
      if (!tries_.empty()) PADDOCK_RETURN_IF_ERROR(Pause(settings_.retry_pause));
      if (rung.after_power_cycle) PADDOCK_RETURN_IF_ERROR(CyclePower());
      PADDOCK_RETURN_IF_ERROR(Try(rung));
      if (outcome_ == FlashOutcome::kFlashed) return OkStatus();
      if (outcome_ == FlashOutcome::kDoesNotFit)
        return ResourceExhaustedError(Told() + "; is this the image of this board?");
      if (outcome_ == FlashOutcome::kBadSetup) return FailedPreconditionError(Told());
      if (outcome_ == FlashOutcome::kNoAccess)
        return FailedPreconditionError(Told() + "; let this user open the probe: docs/boards.md, udev rules");
    }
    std::string text = Told();
    if (outcome_ == FlashOutcome::kNoProbe && target_.tool != FlashTool::kGdb)
      text += "; the probes that are here: " + ListOfProbes(ListUsbDevices(settings_.root));
    return UnavailableError(text + "; tries: " + std::to_string(tries_.size()));
  }

 private:
  std::string Told() const {
    return tool_ + ", probe " + ProbeNameOf(target_) + ": " + std::string(FlashOutcomeText(outcome_)) + "; " +
           last_words_;
  }

  // How a probe that is not there connects is all the same to it, and some tools know one way only.
  bool IsTheSame(const FlashWay& way) const {
    return outcome_ == FlashOutcome::kNoProbe ||
           FlashCommands(target_, way, files_) == FlashCommands(target_, last_way_, files_);
  }

  Status CheckTime() const {
    if (cancelled_ && cancelled_()) return CancelledError("cancelled while flashing");
    if (deadline_.passed())
      return DeadlineExceededError("flashing came to no end in its time" +
                                   (tries_.empty() ? std::string() : "; " + Told()));
    return OkStatus();
  }

  Status Pause(std::chrono::nanoseconds duration) const {
    for (const Deadline until = Deadline::After(duration); !until.passed();) {
      PADDOCK_RETURN_IF_ERROR(CheckTime());
      std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(kLookPause, until.remaining()));
    }
    return CheckTime();
  }

  Result<ProcessResult> Run(std::vector<std::string> argv, std::chrono::nanoseconds timeout) const {
    const ProcessRequest request{.argv = std::move(argv), .environment = CleanEnvironment()};
    return RunProcess(request, Deadline::After(std::min(timeout, deadline_.remaining())), cancelled_);
  }

  Status Try(const Rung& rung) {
    const auto timeout = settings_.try_timeout + std::chrono::seconds(files_.bytes / kSlowestBytesPerS);
    PADDOCK_RETURN_IF_ERROR(RemoveFile(files_.read_back));
    last_way_ = rung.way;
    for (auto& argv : FlashCommands(target_, rung.way, files_)) {
      const std::string program = argv.front();
      const auto result = Run(std::move(argv), timeout);
      if (!result.ok() && result.status().code() == StatusCode::kNotFound) {
        return FailedPreconditionError("flashing needs " + program +
                                       ", which is not here: " + std::string(HowToInstall(target_.tool)));
      }
      PADDOCK_RETURN_IF_ERROR(result.status());
      if (result->cancelled) return CancelledError("cancelled while flashing");
      outcome_ = JudgeFlash(target_.tool, *result);
      last_words_ = LastWords(*result);
      if (outcome_ != FlashOutcome::kFlashed) break;
    }
    if (outcome_ == FlashOutcome::kFlashed && target_.tool == FlashTool::kDfuUtil) CompareReadBack();
    tries_.push_back(tool_ + ", " + std::string(rung.name) + ": " + std::string(FlashOutcomeText(outcome_)));
    return outcome_ == FlashOutcome::kFlashed ? OkStatus() : CheckTime();
  }

  void CompareReadBack() {
    const auto written = ReadFile(files_.binary);
    const auto read = ReadFile(files_.read_back, files_.bytes);
    if (written.ok() && read.ok() && *written == *read) return;
    outcome_ = FlashOutcome::kVerifyFailed;
    last_words_ = "what it read back is not what was written";
  }

  Status CyclePower() {
    const bool by_usb = settings_.power_cycle == "usb";
    std::string told = "power cycle: ";
    if (by_usb && location_.empty()) {
      told += "where the probe was plugged in is not known";
    } else {
      const auto result =
          Run(by_usb ? UhubctlCommand(location_) : Words(settings_.power_cycle), kPowerCycleTimeout);
      told += !result.ok()          ? result.status().message()
              : result->succeeded() ? "done"
                                    : result->Describe() + "; " + LastWords(*result);
    }
    tries_.push_back(told);
    return AwaitProbe();
  }

  // Until it is plugged in again, or long enough.
  Status AwaitProbe() const {
    if (target_.tool == FlashTool::kGdb) return OkStatus();
    for (const Deadline until = Deadline::After(settings_.settle_timeout); !until.passed();) {
      if (FindProbe(ListUsbDevices(settings_.root), ProbeNameOf(target_)) != nullptr) break;
      PADDOCK_RETURN_IF_ERROR(Pause(std::min<std::chrono::nanoseconds>(kLookPause, until.remaining())));
    }
    return OkStatus();
  }

  const FlasherSettings& settings_;
  const FlashTarget& target_;
  const FlashFiles& files_;
  const Deadline deadline_;
  const std::function<bool()>& cancelled_;
  std::vector<std::string>& tries_;
  const std::string tool_;
  std::string location_;
  FlashWay last_way_{};
  FlashOutcome outcome_ = FlashOutcome::kFailed;
  std::string last_words_;
};

}  // namespace

std::string ProbeNameOf(const FlashTarget& target) {
  if (target.tool == FlashTool::kGdb) return target.gdb_server;
  return target.serial.empty() ? "usb:" + target.usb_location : target.serial;
}

Status ClimbLadder(const FlasherSettings& settings, const FlashFiles& files, Deadline deadline,
                   const std::function<bool()>& cancelled, std::vector<std::string>* tries) {
  return Climber(settings, files, deadline, cancelled, tries).Climb();
}

}  // namespace paddock
