// An instrument beside the device that sends a line of text per sample through a serial port (or a pty, or a FIFO): the
// part that all of them share. What one of them says and wants to hear is a LineProtocol.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "device_drivers/api/power_meter.h"
#include "device_drivers/meters/sample_queue.h"

namespace paddock {

struct InstrumentLine {
  enum class Kind { kOther, kSample, kEdge, kLost, kFailure };
  Kind kind = Kind::kOther;
  std::int64_t time_ns = 0;   // of a sample, by the instrument's clock
  std::int64_t power_uw = 0;  // of a sample
  std::uint64_t lost = 0;     // kLost: samples that did not come; kEdge: edges before it that did not
  std::string text;           // of a failure
};

// One thread at a time: the caller's in Start() and Stop(), the reading thread's in between.
class LineProtocol {
 public:
  virtual ~LineProtocol() = default;
  // In this order; each is answered before the next is sent. The stream begins after the last, and lasts until the stop
  // commands are answered. These are sent before the others, too, and their answers not waited for: an instrument may still stream
  // for a process that has gone.
  virtual std::vector<std::string> StartCommands() = 0;
  virtual std::vector<std::string> StopCommands() = 0;
  // Absent: the line is no answer. An error: the instrument refused.
  virtual std::optional<Status> Answer(std::string_view command, std::string_view line) = 0;
  virtual InstrumentLine Parse(std::string_view line) = 0;
};

// Brings the instrument's clock to ours. A line can come late but never early, so the least delay seen gives the offset; it
// may grow by 100 ppm, since the two clocks do not run alike. A line that is half a second late means that samples were
// lost before it, or that the instrument began anew.
class StreamClock {
 public:
  std::int64_t ToOurs(std::int64_t instrument_ns, std::int64_t arrival_ns);

 private:
  std::optional<std::int64_t> offset_ns_;
  std::int64_t last_ns_ = 0;
};

// From lines to samples and edges in a queue; an edge lies behind the sample that came before it. One thread.
class LineStream {
 public:
  // Both must outlive the stream.
  LineStream(LineProtocol& protocol, SampleQueue& queue) : protocol_(protocol), queue_(queue) {}
  void Take(std::string_view line, std::int64_t arrival_ns);
  // Likewise, of an instrument that was told to stop: that its stream ends is no failure.
  void TakeAfterStop(std::string_view line, std::int64_t arrival_ns);

 private:
  void Push(const InstrumentLine& parsed, std::int64_t arrival_ns);

  LineProtocol& protocol_;
  SampleQueue& queue_;
  StreamClock clock_;
};

class LineInstrument final : public PowerMeter {
 public:
  LineInstrument(MeterDescription description, std::unique_ptr<LineProtocol> protocol, std::string port);
  ~LineInstrument() override;

  const MeterDescription& Describe() const override { return description_; }
  // Starts, waits for one sample and stops.
  Status Probe(Deadline deadline) override;
  Status Start() override;
  Status Drain(PowerTrace* trace) override;
  void Stop() override;

 private:
  enum class Wait { kLine, kTimeout, kWoken, kGone };
  Status OpenPort();
  void Close();
  Status Send(const std::string& command);
  Status SendAndWait(const std::string& command);
  // The next line without its end. kWoken: Stop() wants the thread back. kGone: the port has closed.
  Wait ReadLine(int timeout_ms, std::string* line);
  void ReadStream();  // the thread's
  // What was on its way when the stop command was sent belongs to the stream.
  void TakeUntilAnswer(const std::string& stop_command);

  const MeterDescription description_;
  const std::unique_ptr<LineProtocol> protocol_;
  const std::string port_;
  SampleQueue queue_;
  std::optional<LineStream> stream_;  // since Start()
  int fd_ = -1;
  int wake_read_ = -1;
  int wake_write_ = -1;
  std::string pending_;  // bytes behind the last line
  std::thread thread_;
};

}  // namespace paddock
