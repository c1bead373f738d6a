#include "device_drivers/mcu/transcript.h"

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

namespace paddock {
namespace {

constexpr std::size_t kShownLength = 120;
constexpr std::size_t kPieceBytes = 4096;  // a piece that has grown so large gets a successor
constexpr std::size_t kPieceCost = 64;  // counted beside its bytes, so that many small ones are bounded too

bool IsBinary(std::string_view bytes) { return bytes.find('\0') != std::string_view::npos; }

// `ends_shown`: of bytes that are no text an end of line is a byte like any other.
std::string Printable(std::string_view bytes, bool ends_shown) {
  std::string text;
  for (const char c : bytes) {
    if (c >= ' ' && c <= '~') {
      text.push_back(c);
    } else if (ends_shown || (c != '\r' && c != '\n')) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(c));
      text.append(escaped);
    }
  }
  return text;
}

class RecordedLine final : public Line {
 public:
  RecordedLine(std::unique_ptr<Line> line, Transcript* transcript)
      : line_(std::move(line)), transcript_(transcript) {}

  Status Write(std::string_view bytes, Deadline deadline) override {
    transcript_->Add(Transcript::Speaker::kHost, bytes);
    return line_->Write(bytes, deadline);
  }

  Status Read(std::string* bytes, Deadline deadline) override {
    const std::size_t before = bytes->size();
    Status status = line_->Read(bytes, deadline);
    if (bytes->size() > before)
      transcript_->Add(Transcript::Speaker::kBoard, std::string_view(*bytes).substr(before));
    return status;
  }

 private:
  const std::unique_ptr<Line> line_;
  Transcript* const transcript_;
};

}  // namespace

void Transcript::Add(Speaker speaker, std::string_view bytes) {
  if (bytes.size() > limit_bytes_) {
    dropped_ += bytes.size() - limit_bytes_;
    bytes.remove_prefix(bytes.size() - limit_bytes_);
  }
  // A line that comes in several pieces is one line.
  const bool goes_on = speaker == Speaker::kBoard && !pieces_.empty() && pieces_.back().speaker == speaker &&
                       !pieces_.back().bytes.ends_with('\n') && pieces_.back().bytes.size() < kPieceBytes;
  if (!goes_on) {
    pieces_.push_back({(clock_.Now() - begin_).count(), speaker, {}});
    size_ += kPieceCost;
  }
  pieces_.back().bytes.append(bytes);
  size_ += bytes.size();
  while (size_ > limit_bytes_ && pieces_.size() > 1) {
    size_ -= pieces_.front().bytes.size() + kPieceCost;
    dropped_ += pieces_.front().bytes.size();
    pieces_.pop_front();
  }
}

std::string Transcript::Text() const {
  std::string text;
  if (dropped_ > 0) text = "# " + std::to_string(dropped_) + " bytes before this are not kept\n";
  for (const Piece& piece : pieces_) {
    char begin[40];
    std::snprintf(begin, sizeof begin, "%13.6f %c ", static_cast<double>(piece.at_ns) * 1e-9,
                  static_cast<char>(piece.speaker));
    const bool is_binary = IsBinary(piece.bytes);
    for (std::string_view rest = piece.bytes; !rest.empty();) {
      const std::size_t end = is_binary ? rest.size() : std::min(rest.find('\n'), rest.size() - 1) + 1;
      text.append(begin).append(Printable(rest.substr(0, end), is_binary)).push_back('\n');
      rest.remove_prefix(end);
    }
  }
  return text;
}

std::string Transcript::LastLines(std::size_t count) const {
  std::vector<std::string> lines;  // the last one first
  for (auto piece = pieces_.rbegin(); piece != pieces_.rend() && lines.size() < count; ++piece) {
    const bool is_binary = IsBinary(piece->bytes);
    for (std::string_view rest = piece->bytes; !rest.empty() && lines.size() < count;) {
      const std::size_t newline = rest.substr(0, rest.size() - 1).rfind('\n');
      const std::size_t begin = is_binary || newline == std::string_view::npos ? 0 : newline + 1;
      std::string line = Printable(rest.substr(begin), is_binary);
      if (line.size() > kShownLength) line = line.substr(0, kShownLength) + "...";
      lines.push_back(std::string(1, static_cast<char>(piece->speaker)) + " " + line);
      rest = rest.substr(0, begin);
    }
  }
  std::string text;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line)
    text.append(text.empty() ? "" : " | ").append(*line);
  return text;
}

std::unique_ptr<Line> RecordLine(std::unique_ptr<Line> line, Transcript* transcript) {
  return std::make_unique<RecordedLine>(std::move(line), transcript);
}

}  // namespace paddock
