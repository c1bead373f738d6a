// A board that answers, for the length of a session or a probe: the emulator if it is one, the line, what was said on it, and
// the protocol that both sides speak. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "device_drivers/mcu/board_client.h"
#include "device_drivers/mcu/mcu_settings.h"
#include "device_drivers/mcu/stm32msg_client.h"
#include "device_drivers/mcu/transcript.h"

namespace paddock {

class McuConnection {
 public:
  explicit McuConnection(const McuSettings& settings);

  // Starts the emulator with `image`, or opens the line; waits until the board answers and checks its name. It can be called
  // again.
  Status Open(const std::string& image, Deadline deadline);
  // After Open(): settles the protocol. The client refers to this object.
  Result<std::unique_ptr<BoardClient>> MakeClient(const std::vector<TensorInfo>& outputs);

  // After Open(); errors as EembcClient::InferBetweenEdges().
  Status InferBetweenEdges(std::uint32_t inferences);

  const BoardIdentity& identity() const { return identity_; }
  // Absent: the firmware speaks text only.
  const std::optional<FrameAbility>& frames() const { return frames_; }
  // After MakeClient(): eembc, frames, or stm32msg with its version.
  std::string protocol() const;
  const Transcript& transcript() const { return transcript_; }

  // `failure` with who and what it was doing, how an emulator ended and the last that was said.
  Status Explain(std::string_view stage, const Status& failure);

 private:
  Status OpenLineToBoard(const std::string& image, Deadline deadline);
  Result<BoardIdentity> Greet();

  const McuSettings settings_;
  Transcript transcript_;
  BoardPace pace_;
  std::unique_ptr<Emulator> emulator_;
  std::unique_ptr<Line> line_;
  BoardIdentity identity_;
  std::optional<FrameAbility> frames_;
  std::optional<Stm32msgClient> stm32msg_;
};

}  // namespace paddock
