// The only file that sees Boost.Asio.
#include "device_drivers/mcu/line.h"

#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>  // Boost 1.74 uses std::exchange without it

#include <boost/asio.hpp>

#include "device_drivers/mcu/baud_rate.h"

namespace paddock {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
using StreamSocket = asio::generic::stream_protocol::socket;

constexpr std::size_t kReadBytes = 16 * 1024;

// Runs what was started on `io` until `done` says that its handler has run. False: the deadline has passed.
bool RunUntil(asio::io_context& io, const bool& done, Deadline deadline) {
  io.restart();
  if (deadline.never()) {
    io.run();
  } else {
    io.run_until(deadline.when());
  }
  return done;
}

template <typename Stream>
class AsioLine final : public Line {
 public:
  AsioLine(std::unique_ptr<asio::io_context> io, Stream stream, std::string name)
      : io_(std::move(io)), stream_(std::move(stream)), name_(std::move(name)) {}

  // Not asio::async_write(): cancelled between two of its steps it would begin the next and never end.
  Status Write(std::string_view bytes, Deadline deadline) override {
    while (!bytes.empty()) {
      bool done = false;
      ErrorCode error;
      std::size_t count = 0;
      stream_.async_write_some(asio::buffer(bytes.data(), bytes.size()),
                               [&](const ErrorCode& result, std::size_t size) {
                                 done = true;
                                 error = result;
                                 count = size;
                               });
      if (!RunUntil(*io_, done, deadline)) Abandon();
      bytes.remove_prefix(count);
      if (error && error != asio::error::operation_aborted) return Closed(error);
      if (!bytes.empty() && deadline.passed()) return DeadlineExceededError(name_ + " takes no more bytes");
    }
    return OkStatus();
  }

  Status Read(std::string* bytes, Deadline deadline) override {
    bool done = false;
    ErrorCode error;
    std::size_t count = 0;
    stream_.async_read_some(asio::buffer(buffer_), [&](const ErrorCode& result, std::size_t size) {
      done = true;
      error = result;
      count = size;
    });
    if (!RunUntil(*io_, done, deadline)) Abandon();
    bytes->append(buffer_.data(), count);
    if (error && error != asio::error::operation_aborted) return Closed(error);
    return OkStatus();
  }

 private:
  // The handler refers to the caller's frame: it must run before that goes.
  void Abandon() {
    ErrorCode ignored;
    stream_.cancel(ignored);
    io_->restart();
    io_->run();
  }

  Status Closed(const ErrorCode& error) const {
    return UnavailableError(name_ + " was closed: " + error.message());
  }

  const std::unique_ptr<asio::io_context> io_;  // before the stream, which uses it
  Stream stream_;
  const std::string name_;
  std::array<char, kReadBytes> buffer_;
};

template <typename Stream>
std::unique_ptr<Line> MakeLine(std::unique_ptr<asio::io_context> io, Stream stream, const std::string& name) {
  return std::make_unique<AsioLine<Stream>>(std::move(io), std::move(stream), name);
}

Status NotOpened(const std::string& name, const ErrorCode& error) {
  if (error.value() == EACCES)
    return UnavailableError(name + " cannot be opened: is this user in the group dialout?");
  return UnavailableError(name + " cannot be opened: " + error.message());
}

Result<std::unique_ptr<Line>> OpenPort(const LineAddress& address) {
  auto io = std::make_unique<asio::io_context>();
  asio::serial_port port(*io);
  ErrorCode error;
  port.open(address.target, error);
  if (error) return NotOpened(address.target, error);
  // Two that read from one port would each get a part of the answers.
  if (::flock(port.native_handle(), LOCK_EX | LOCK_NB) != 0)
    return UnavailableError(address.target + " is in use by another process");
  if (address.kind == LineKind::kSerial) {
    const Status set = SetBaudRate(port.native_handle(), address.baud);
    if (!set.ok())
      return UnavailableError(address.target + " cannot be set to " + std::to_string(address.baud) +
                              " baud: " + set.message());
  }
  return MakeLine(std::move(io), std::move(port), address.target);
}

// `connect(handler)` starts to connect `socket`.
template <typename Socket, typename Connect>
Status WaitConnected(asio::io_context& io, Socket& socket, const std::string& name, Deadline deadline,
                     Connect connect) {
  bool done = false;
  ErrorCode error;
  connect([&](const ErrorCode& result, const auto&...) {
    done = true;
    error = result;
  });
  if (!RunUntil(io, done, deadline)) {
    ErrorCode ignored;
    socket.close(ignored);
    io.restart();
    io.run();
    return DeadlineExceededError(name + " does not answer");
  }
  return error ? NotOpened(name, error) : OkStatus();
}

Result<std::unique_ptr<Line>> ConnectUnix(const std::string& path, Deadline deadline) try {
  auto io = std::make_unique<asio::io_context>();
  asio::local::stream_protocol::socket socket(*io);
  const asio::local::stream_protocol::endpoint endpoint(path);
  PADDOCK_RETURN_IF_ERROR(WaitConnected(*io, socket, path, deadline,
                                        [&](auto handler) { socket.async_connect(endpoint, handler); }));
  return MakeLine(std::move(io), StreamSocket(std::move(socket)), path);
} catch (const boost::system::system_error& error) {  // the path is too long for a socket
  return NotOpened(path, error.code());
}

Result<std::unique_ptr<Line>> ConnectTcp(const std::string& target, Deadline deadline) {
  const std::size_t colon = target.rfind(':');
  std::string host = target.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  auto io = std::make_unique<asio::io_context>();
  asio::ip::tcp::resolver resolver(*io);
  ErrorCode error;
  const auto endpoints =
      resolver.resolve(host, colon == std::string::npos ? "" : target.substr(colon + 1), error);
  if (error) return NotOpened(target, error);
  asio::ip::tcp::socket socket(*io);
  PADDOCK_RETURN_IF_ERROR(WaitConnected(
      *io, socket, target, deadline, [&](auto handler) { asio::async_connect(socket, endpoints, handler); }));
  // Commands are short and each waits for its answer: Nagle's algorithm would hold back every one.
  socket.set_option(asio::ip::tcp::no_delay(true), error);
  if (error) return NotOpened(target, error);
  return MakeLine(std::move(io), StreamSocket(std::move(socket)), target);
}

class UnixListener final : public LineListener {
 public:
  explicit UnixListener(const std::string& path)
      : path_(path),
        io_(std::make_unique<asio::io_context>()),
        acceptor_(*io_, asio::local::stream_protocol::endpoint(path)) {}
  ~UnixListener() override { ::unlink(path_.c_str()); }

  Result<std::unique_ptr<Line>> Accept(Deadline deadline) override {
    auto io = std::make_unique<asio::io_context>();
    asio::local::stream_protocol::socket socket(*io);
    bool done = false;
    ErrorCode error;
    acceptor_.async_accept(socket, [&](const ErrorCode& result) {
      done = true;
      error = result;
    });
    if (!RunUntil(*io_, done, deadline)) {
      ErrorCode ignored;
      acceptor_.cancel(ignored);
      io_->restart();
      io_->run();
      if (error) return DeadlineExceededError("nobody has connected to " + path_);
    }
    if (error) return NotOpened(path_, error);
    return MakeLine(std::move(io), StreamSocket(std::move(socket)), path_);
  }

 private:
  const std::string path_;
  const std::unique_ptr<asio::io_context> io_;
  asio::local::stream_protocol::acceptor acceptor_;
};

}  // namespace

Result<std::unique_ptr<Line>> OpenLine(const LineAddress& address, Deadline deadline) {
  switch (address.kind) {
    case LineKind::kTcp:
      return ConnectTcp(address.target, deadline);
    case LineKind::kUnix:
      return ConnectUnix(address.target, deadline);
    default:
      return OpenPort(address);
  }
}

Result<std::unique_ptr<LineListener>> ListenForLine(const std::string& path) try {
  return std::unique_ptr<LineListener>(std::make_unique<UnixListener>(path));
} catch (const boost::system::system_error& error) {
  return NotOpened(path, error.code());
}

}  // namespace paddock
