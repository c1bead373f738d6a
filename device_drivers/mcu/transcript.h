// What was said on a line, both ways, with times: the last megabyte of it, for people who want to know why a board failed.
// Pure but for the clock; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "device_drivers/mcu/line.h"

namespace paddock {

class Transcript {
 public:
  enum class Speaker : char { kHost = '>', kBoard = '<', kDriver = '#' };

  explicit Transcript(const Clock& clock, std::size_t limit_bytes = std::size_t{1} << 20)
      : clock_(clock), begin_(clock.Now()), limit_bytes_(limit_bytes) {}

  void Add(Speaker speaker, std::string_view bytes);

  // A line per line of text and per burst of bytes, in the order in which they were said:
  //      0.012345 < m-ready
  // Times are seconds since the transcript began, of the line's first byte. Bytes that are no printable ASCII are \xNN; the
  // end of a line is not shown. A burst that holds a zero is no text and is one line.
  std::string Text() const;
  // The last `count` of them in one line, separated by " | " and without times; each cut after 120 characters.
  std::string LastLines(std::size_t count) const;

 private:
  struct Piece {
    std::int64_t at_ns = 0;
    Speaker speaker = Speaker::kDriver;
    std::string bytes;
  };

  const Clock& clock_;
  const MonotonicTime begin_;
  const std::size_t limit_bytes_;
  std::deque<Piece> pieces_;
  std::size_t size_ = 0;       // of what is kept
  std::uint64_t dropped_ = 0;  // bytes
};

// Keeps what goes through `line`. The transcript must outlive the result.
std::unique_ptr<Line> RecordLine(std::unique_ptr<Line> line, Transcript* transcript);

}  // namespace paddock
