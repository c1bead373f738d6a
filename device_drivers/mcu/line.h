// A line to a board: bytes both ways, in order, for as long as it is open. One thread at a time; destroying it closes it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"

namespace paddock {

class Line {
 public:
  virtual ~Line() = default;
  // Writes all of `bytes`. DEADLINE_EXCEEDED: the other end does not take them; some may have gone. UNAVAILABLE: it is closed.
  virtual Status Write(std::string_view bytes, Deadline deadline) = 0;
  // Appends what has come to `*bytes`; waits for at least one byte until the deadline, and answers OK without any when it
  // passes. UNAVAILABLE: it is closed.
  virtual Status Read(std::string* bytes, Deadline deadline) = 0;
};

enum class LineKind { kSerial, kPty, kTcp, kUnix };

struct LineAddress {
  LineKind kind = LineKind::kSerial;
  std::string target;  // a path, or HOST:PORT
  std::uint32_t baud =
      115'200;  // of a serial port, with 8 data bits, no parity, 1 stop bit; elsewhere without meaning
};

// UNAVAILABLE says what to look at: no such path, nobody listens, another process holds the port. PERMISSION_DENIED becomes
// UNAVAILABLE too, naming the group that may open serial ports. DEADLINE_EXCEEDED: no connection until then.
Result<std::unique_ptr<Line>> OpenLine(const LineAddress& address, Deadline deadline);

// Waits for one peer to connect to a unix socket. The socket's file goes with the object.
class LineListener {
 public:
  virtual ~LineListener() = default;
  // DEADLINE_EXCEEDED: nobody came; it can be called again.
  virtual Result<std::unique_ptr<Line>> Accept(Deadline deadline) = 0;
};
Result<std::unique_ptr<LineListener>> ListenForLine(const std::string& path);

}  // namespace paddock
