#include "device_drivers/mcu/mcu_driver.h"

#include <algorithm>
#include <string>
#include <utility>

#include "device_drivers/mcu/mcu_connection.h"
#include "device_drivers/mcu/mcu_session.h"
#include "device_drivers/mcu/mcu_settings.h"

namespace paddock {
namespace {

DeviceDescription DescriptionOf(const McuSettings& settings) {
  const bool is_own = settings.mode == McuMode::kOwn;
  DeviceDescription description;
  description.driver = "mcu";
  description.model = settings.counts_instructions() ? "emulated " + settings.board
                      : settings.board.empty()       ? "microcontroller at " + settings.link
                                                     : settings.board;
  description.runtime = is_own ? "firmware of the model" : "firmware of the board";
  // Of a port below /dev/serial/by-id the name is the probe's.
  if (const auto* const line = std::get_if<LineAddress>(&settings.board_at);
      line != nullptr && line->kind == LineKind::kSerial)
    description.serial = line->target.substr(line->target.rfind('/') + 1);
  description.labels = {{"arch", "arm"}, {"class", settings.counts_instructions() ? "emulator" : "mcu"}};
  if (!settings.board.empty()) description.labels["board"] = settings.board;
  description.artifact_kinds =
      is_own ? std::vector<std::string>{"elf+" + settings.board} : std::vector<std::string>{"onnx", "tflite"};
  if (is_own) {
    const std::string firmware = "firmware board=" + settings.board;
    description.last_steps = {{"onnx", {firmware}}, {"tflite", {"to-onnx", firmware}}};
  }
  description.limits.samples_per_query = 1;
  description.time_source = settings.counts_instructions() ? TimeSource::kInstructions : TimeSource::kDevice;
  return description;
}

class McuDriver final : public DeviceDriver {
 public:
  explicit McuDriver(McuSettings settings)
      : settings_(std::move(settings)), description_(DescriptionOf(settings_)) {}

  const DeviceDescription& Describe() const override { return description_; }

  // Without the firmware of a job a board may be silent and well: of mode own only the way to it is tried.
  Status Probe(Deadline deadline) override {
    if (settings_.is_emulated()) return CheckEmulator(deadline);
    if (settings_.flashing) {
      PADDOCK_ASSIGN_OR_RETURN(const Flasher flasher, Flasher::Make(*settings_.flashing));
      PADDOCK_RETURN_IF_ERROR(flasher.Probe());
    }
    if (settings_.mode == McuMode::kOwn)
      return OpenLine(std::get<LineAddress>(settings_.board_at), deadline).status();
    McuConnection connection(settings_);
    return connection.Explain("probing", connection.Open("", deadline));
  }

  Result<std::unique_ptr<Session>> Open(const SessionRequest& request, Deadline deadline) override {
    const auto& kinds = description_.artifact_kinds;
    if (std::find(kinds.begin(), kinds.end(), request.artifact_kind) == kinds.end()) {
      return InvalidArgumentError("this board runs artifacts of kind '" + kinds.front() + "', not '" +
                                  request.artifact_kind + "'");
    }
    return OpenMcuSession(settings_, request, deadline);
  }

 private:
  const McuSettings settings_;
  const DeviceDescription description_;
};

}  // namespace

Result<std::unique_ptr<DeviceDriver>> CreateMcuDriver(const DriverOptions& options) {
  PADDOCK_ASSIGN_OR_RETURN(McuSettings settings, ReadMcuSettings(options));
  return std::unique_ptr<DeviceDriver>(std::make_unique<McuDriver>(std::move(settings)));
}

}  // namespace paddock
