#include "device_drivers/meters/line_instrument.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

namespace paddock {
namespace {

constexpr int kAnswerWithinMs = 2000;
constexpr std::chrono::seconds kStopsWithin(1);
constexpr std::size_t kMaxLineBytes = 4096;
constexpr std::int64_t kLateNs = 500'000'000;
constexpr std::int64_t kDriftPart = 10'000;  // one part in: 100 ppm

std::int64_t InstrumentNowNs() { return SystemClock().Now().time_since_epoch().count(); }

}  // namespace

std::int64_t StreamClock::ToOurs(std::int64_t instrument_ns, std::int64_t arrival_ns) {
  const std::int64_t seen_ns = arrival_ns - instrument_ns;
  if (offset_ns_) {
    const std::int64_t allowed_ns =
        *offset_ns_ + std::max<std::int64_t>(0, instrument_ns - last_ns_) / kDriftPart;
    offset_ns_ = seen_ns > allowed_ns + kLateNs ? seen_ns : std::min(seen_ns, allowed_ns);
  } else {
    offset_ns_ = seen_ns;
  }
  last_ns_ = instrument_ns;
  return instrument_ns + *offset_ns_;
}

void LineStream::Take(std::string_view line, std::int64_t arrival_ns) {
  Push(protocol_.Parse(line), arrival_ns);
}

void LineStream::TakeAfterStop(std::string_view line, std::int64_t arrival_ns) {
  const InstrumentLine parsed = protocol_.Parse(line);
  if (parsed.kind != InstrumentLine::Kind::kFailure) Push(parsed, arrival_ns);
}

void LineStream::Push(const InstrumentLine& parsed, std::int64_t arrival_ns) {
  switch (parsed.kind) {
    case InstrumentLine::Kind::kSample:
      queue_.Push(clock_.ToOurs(parsed.time_ns, arrival_ns), 0, parsed.power_uw);
      break;
    case InstrumentLine::Kind::kEdge:
      queue_.PushEdge(parsed.lost);
      break;
    case InstrumentLine::Kind::kLost:
      queue_.CountLost(parsed.lost);
      break;
    case InstrumentLine::Kind::kFailure:
      queue_.PushFailure(UnavailableError(parsed.text));
      break;
    case InstrumentLine::Kind::kOther:
      break;
  }
}

LineInstrument::LineInstrument(MeterDescription description, std::unique_ptr<LineProtocol> protocol,
                               std::string port)
    : description_(std::move(description)), protocol_(std::move(protocol)), port_(std::move(port)) {}

LineInstrument::~LineInstrument() { Stop(); }

Status LineInstrument::Probe(Deadline deadline) {
  PADDOCK_RETURN_IF_ERROR(Start());
  const Deadline end(std::min(deadline.when(), Deadline::After(std::chrono::seconds(2)).when()));
  Status status;
  PowerTrace trace;
  while (status.ok() && trace.at_ns.empty() && !end.passed()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    status = Drain(&trace);
  }
  Stop();
  PADDOCK_RETURN_IF_ERROR(status);
  if (!trace.at_ns.empty()) return OkStatus();
  return UnavailableError(description_.source + " at " + port_ +
                          " sends no samples; is it on and is nothing else using it?");
}

Status LineInstrument::Start() {
  if (thread_.joinable()) return FailedPreconditionError(description_.source + ": is started already");
  Status status = OpenPort();
  for (const std::string& command : protocol_->StopCommands()) {
    if (status.ok()) status = Send(command);
  }
  for (const std::string& command : protocol_->StartCommands()) {
    if (status.ok()) status = SendAndWait(command);
  }
  if (!status.ok()) {
    Close();
    return status.WithContext(description_.source + " at " + port_);
  }
  queue_.Clear();
  stream_.emplace(*protocol_, queue_);
  thread_ = std::thread([this] { ReadStream(); });
  return OkStatus();
}

Status LineInstrument::Drain(PowerTrace* trace) {
  const Status status = queue_.Drain(trace);
  if (!status.ok()) return status.WithContext(description_.source + " at " + port_);
  trace->meter = description_;
  return OkStatus();
}

void LineInstrument::Stop() {
  if (!thread_.joinable()) return;
  char byte = 0;
  while (::write(wake_write_, &byte, 1) < 0 && errno == EINTR) {
  }
  thread_.join();
  while (::read(wake_read_, &byte, 1) < 0 && errno == EINTR) {
  }
  for (const std::string& command : protocol_->StopCommands()) TakeUntilAnswer(command);
  Close();
}

void LineInstrument::TakeUntilAnswer(const std::string& stop_command) {
  if (!Send(stop_command).ok()) return;
  const Deadline deadline = Deadline::After(kStopsWithin);
  std::string line;
  while (!deadline.passed()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline.remaining());
    const Wait wait = ReadLine(static_cast<int>(left.count()) + 1, &line);
    if (wait == Wait::kGone || (wait == Wait::kLine && protocol_->Answer(stop_command, line))) return;
    if (wait == Wait::kLine) stream_->TakeAfterStop(line, InstrumentNowNs());
  }
}

Status LineInstrument::OpenPort() {
  fd_ = ::open(port_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (fd_ < 0) {
    const int error = errno;
    if (error == EACCES)
      return PermissionDeniedError("cannot be opened; is the agent's user in the group dialout?");
    return UnavailableError(ErrnoStatus(error, "cannot be opened").message());
  }
  // USB instruments take no baud rate: what is set has no meaning for them.
  if (termios settings{}; ::tcgetattr(fd_, &settings) == 0) {
    ::cfmakeraw(&settings);
    if (::tcsetattr(fd_, TCSANOW, &settings) != 0) return UnavailableError("the port cannot be set to raw");
    ::tcflush(fd_, TCIFLUSH);
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return ErrnoStatus(errno, "pipe");
  wake_read_ = ends[0];
  wake_write_ = ends[1];
  pending_.clear();
  return OkStatus();
}

void LineInstrument::Close() {
  for (int* const fd : {&fd_, &wake_read_, &wake_write_}) {
    if (*fd >= 0) ::close(*fd);
    *fd = -1;
  }
}

Status LineInstrument::Send(const std::string& command) {
  const std::string bytes = command + "\n";
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t written = ::write(fd_, bytes.data() + sent, bytes.size() - sent);
    if (written > 0) {
      sent += static_cast<std::size_t>(written);
      continue;
    }
    if (errno == EINTR) continue;
    pollfd ready{fd_, POLLOUT, 0};
    if (errno != EAGAIN || ::poll(&ready, 1, kAnswerWithinMs) <= 0) {
      return UnavailableError("'" + command + "' cannot be sent");
    }
  }
  return OkStatus();
}

Status LineInstrument::SendAndWait(const std::string& command) {
  PADDOCK_RETURN_IF_ERROR(Send(command));
  const Deadline deadline = Deadline::After(std::chrono::milliseconds(kAnswerWithinMs));
  std::string line;
  while (!deadline.passed()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline.remaining());
    const Wait wait = ReadLine(static_cast<int>(left.count()) + 1, &line);
    if (wait == Wait::kGone) return UnavailableError("the port closed after '" + command + "'");
    if (wait != Wait::kLine) continue;
    if (const auto answer = protocol_->Answer(command, line)) return *answer;
  }
  return UnavailableError("no answer to '" + command + "' within 2 s");
}

LineInstrument::Wait LineInstrument::ReadLine(int timeout_ms, std::string* line) {
  while (true) {
    if (const std::size_t end = pending_.find('\n'); end != pending_.npos) {
      line->assign(pending_, 0, end);
      pending_.erase(0, end + 1);
      if (!line->empty() && line->back() == '\r') line->pop_back();
      return Wait::kLine;
    }
    if (pending_.size() > kMaxLineBytes) pending_.clear();
    pollfd ready[] = {{fd_, POLLIN, 0}, {wake_read_, POLLIN, 0}};
    const int count = ::poll(ready, 2, timeout_ms);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return Wait::kTimeout;
    if (ready[1].revents != 0) return Wait::kWoken;
    std::array<char, 4096> buffer;
    const ssize_t size = ::read(fd_, buffer.data(), buffer.size());
    if (size > 0) {
      pending_.append(buffer.data(), static_cast<std::size_t>(size));
    } else if (size == 0 || (errno != EINTR && errno != EAGAIN)) {
      return Wait::kGone;
    }
  }
}

void LineInstrument::ReadStream() {
  std::string line;
  while (true) {
    const Wait wait = ReadLine(-1, &line);
    if (wait == Wait::kWoken) return;
    if (wait == Wait::kGone) {
      queue_.PushFailure(UnavailableError("the port has closed; was the instrument unplugged?"));
      return;
    }
    stream_->Take(line, InstrumentNowNs());
  }
}

}  // namespace paddock
