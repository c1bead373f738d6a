// Brings an image onto the board behind one probe, and does not give up at the first trouble: again, under reset, slowly, after a
// power cycle. Then the board needs hands: UNAVAILABLE, and Probe() says so until the probe was unplugged and plugged in again.
//
// What was flashed and verified is remembered, and not flashed again. The record is removed before flashing begins. What other tools
// do to the board cannot be seen: BringUp() therefore trusts the record only if the board then answers as the image should.
//
// One thread at a time per object. Other processes of this host are kept off the probe by a lock (probe_state.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/option_reader.h"
#include "base/status.h"
#include "device_drivers/mcu/flash_tool.h"

namespace paddock {

// Gone when the host starts again, which is right: boards may have been exchanged.
inline constexpr char kProbeStateFolder[] = "/run/lock/paddock";

struct FlasherSettings {
  FlashTarget target{};
  std::string state_folder =
      kProbeStateFolder;  // empty: the board is ours alone and forgets with its power (an emulator)
  // Command that cuts and gives back the board's power, its words between blanks; "usb": uhubctl on the probe's own socket; empty:
  // there is none.
  std::string power_cycle{};
  std::string root{};  // stands before /sys and /dev
  std::chrono::nanoseconds retry_pause = std::chrono::milliseconds(500);
  // How long another process may have the probe. Each board has an agent of its own: longer is a mistake in a configuration.
  std::chrono::nanoseconds lock_timeout = std::chrono::seconds(30);
  // A try may take this and as long as the slowest probe needs.
  std::chrono::nanoseconds try_timeout = std::chrono::seconds(60);
  // How long a probe may take to come back after a power cycle.
  std::chrono::nanoseconds settle_timeout = std::chrono::seconds(15);
};

// The options by which a board's flashing is set up: keys, what they mean, defaults.
std::vector<OptionDoc> FlasherOptionDocs();
// `settings` holds what the board's own defaults are. The reader keeps what is wrong.
FlasherSettings ReadFlasherOptions(OptionReader& reader, FlasherSettings settings);

struct Flashed {
  bool remembered = false;         // nothing was done: the record says that it is there
  std::vector<std::string> tries;  // "openocd: flashed and verified"; for the record
  std::optional<FileLock> lock{};  // keeps other agents off the probe; hold it as long as the board is used
};

class Flasher {
 public:
  using Cancelled = std::function<bool()>;

  // INVALID_ARGUMENT as CheckFlashTarget().
  static Result<Flasher> Make(FlasherSettings settings);

  // FAILED_PRECONDITION when the tool is not installed; UNAVAILABLE when the probe is not plugged in, or the last flashing was given
  // up. Starts nothing.
  Status Probe() const;

  // `elf` must have the digest `expected`: DATA_LOSS otherwise, so that a build that failed never flashes what was built before.
  // INVALID_ARGUMENT: no program. RESOURCE_EXHAUSTED: does not fit; nothing was touched. FAILED_PRECONDITION: this host is not set up
  // for it. UNAVAILABLE: all tries failed. CANCELLED, DEADLINE_EXCEEDED: the board may hold half an image, and nothing is remembered.
  Result<Flashed> Flash(std::string_view elf, const Digest& expected, Deadline deadline,
                        const Cancelled& cancelled = {});

  // Flash(), then asks `answers` whether the board runs this image. When it does not and was only remembered to hold it, it is
  // flashed and asked once more. What `answers` says at last is the answer.
  Result<Flashed> BringUp(std::string_view elf, const Digest& expected,
                          const std::function<Status()>& answers, Deadline deadline,
                          const Cancelled& cancelled = {});

  // The next Flash() does it in earnest.
  Status Forget();

 private:
  explicit Flasher(FlasherSettings settings) : settings_(std::move(settings)) {}
  Status FlashLocked(std::string_view elf, const Digest& expected, Deadline deadline,
                     const Cancelled& cancelled, Flashed* flashed);

  FlasherSettings settings_;
};

}  // namespace paddock
