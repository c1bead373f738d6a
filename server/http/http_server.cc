#include "server/http/http_server.h"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <thread>

namespace paddock {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using Handler = std::function<HttpResponse(const std::string&)>;

constexpr std::chrono::seconds kIdleTimeout{30};
constexpr std::uint32_t kMaxHeaderBytes = 8 << 10;

// One connection: reads a request, answers it, reads the next. Owned by the operation that is under way.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, const Handler& handler) : stream_(std::move(socket)), handler_(handler) {}

  void Read() {
    parser_.emplace();
    parser_->header_limit(kMaxHeaderBytes);
    parser_->body_limit(0);
    stream_.expires_after(kIdleTimeout);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       if (error && error != http::error::body_limit) return;
                       self->Answer(error == http::error::body_limit);
                     });
  }

 private:
  void Answer(bool has_body) {
    const auto& request = parser_->get();
    const bool head = request.method() == http::verb::head;
    HttpResponse answer;
    if (has_body || (request.method() != http::verb::get && !head)) {
      answer = {405, "text/plain; charset=utf-8", "only GET and HEAD are answered here\n"};
    } else {
      const std::string target(request.target());
      answer = handler_(target.substr(0, target.find('?')));
    }
    response_ = {};
    response_.result(answer.status);
    response_.version(request.version());
    response_.set(http::field::content_type, answer.content_type);
    response_.keep_alive(request.keep_alive() && !has_body);
    response_.content_length(answer.body.size());
    if (!head) response_.body() = std::move(answer.body);
    stream_.expires_after(kIdleTimeout);
    http::async_write(stream_, response_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (!error && self->response_.keep_alive()) self->Read();
    });
  }

  beast::tcp_stream stream_;
  const Handler& handler_;
  beast::flat_buffer buffer_{kMaxHeaderBytes};
  std::optional<http::request_parser<http::empty_body>> parser_;
  http::response<http::string_body> response_;
};

}  // namespace

struct HttpServer::State {
  asio::io_context io;
  tcp::acceptor acceptor{io};
  Handler handler;
  std::thread thread;

  void Accept() {
    acceptor.async_accept([this](beast::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (!error) std::make_shared<Connection>(std::move(socket), handler)->Read();
      Accept();
    });
  }
};

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const std::string& address, Handler handler) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return InvalidArgumentError("http: '" + address + "' is not HOST:PORT");
  auto state = std::make_unique<State>();
  state->handler = std::move(handler);
  beast::error_code error;
  tcp::resolver resolver(state->io);
  const auto endpoints = resolver.resolve(address.substr(0, colon), address.substr(colon + 1), error);
  if (error) return InvalidArgumentError("http: cannot resolve '" + address + "': " + error.message());
  const tcp::endpoint endpoint = *endpoints.begin();
  state->acceptor.open(endpoint.protocol(), error);
  if (!error) state->acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) state->acceptor.bind(endpoint, error);
  if (!error) state->acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return AlreadyExistsError("cannot listen on " + address + " for HTTP: " + error.message() +
                              "; choose another --http, or --http off");
  }
  State* running = state.get();
  running->Accept();
  running->thread = std::thread([running] { running->io.run(); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(state)));
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}

HttpServer::~HttpServer() {
  state_->io.stop();
  state_->thread.join();
}

int HttpServer::port() const { return state_->acceptor.local_endpoint().port(); }

}  // namespace paddock
