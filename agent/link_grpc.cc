#include "agent/link_grpc.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

#include <spdlog/spdlog.h>

#include "agent/link_grpc_blobs.h"
#include "agent/link_grpc_messages.h"
#include "base/file.h"
#include "base/random.h"
#include "paddock/v1/agent.grpc.pb.h"
#include "proto/wire_limits.h"

namespace paddock::agent {
namespace {

constexpr auto kBackoffFirst = std::chrono::milliseconds(200);
constexpr auto kBackoffLongest = std::chrono::milliseconds(10'000);
constexpr auto kDialPatience = std::chrono::milliseconds(1'000);
constexpr auto kDialSlice = std::chrono::milliseconds(100);
constexpr auto kGoodbyeTimeout = std::chrono::seconds(1);
constexpr auto kDefaultHeartbeat = std::chrono::milliseconds(kHeartbeatIntervalMs);
constexpr auto kShortestHeartbeat = std::chrono::milliseconds(50);

std::shared_ptr<grpc::Channel> SessionChannel(const std::string& server) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // The pauses between sessions are ours; the channel's own must not stretch them.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  return grpc::CreateCustomChannel(server, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

class GrpcLink::Impl {
 public:
  explicit Impl(const std::string& server)
      : server_(server),
        channel_(SessionChannel(server)),
        stub_(v1::AgentService::NewStub(channel_)),
        blobs_(server),
        random_(std::random_device{}()) {}

  void Start(LinkClient& client) {
    client_ = &client;
    reader_ = std::thread([this] { DialLoop(); });
  }

  void Stop() {
    {
      std::unique_lock lock(mutex_);
      stopping_ = true;
      changed_.notify_all();
      changed_.wait_for(lock, kGoodbyeTimeout, [this] { return context_ == nullptr; });
      if (context_ != nullptr) context_->TryCancel();
    }
    blobs_.CancelAll();
    if (reader_.joinable()) reader_.join();
  }

  Status Download(const Digest& digest, BlobCache::Partial& into, bool check_again,
                  const std::function<bool()>& cancelled) {
    if (Unreachable()) return UnavailableError("no link to the coordinator");
    return blobs_.Download(digest, into, check_again, cancelled);
  }

  void SendProgress(const Progress& progress) {
    const std::lock_guard lock(mutex_);
    progress_ = progress;
    changed_.notify_all();
  }

  Status DeliverReport(const Report& report) {
    if (Unreachable()) return UnavailableError("no link to the coordinator");
    auto message = ReportMessage(report);
    if (!message.ok()) return message.status();
    std::unique_lock lock(mutex_);
    if (context_ == nullptr || !welcomed_) return UnavailableError("no session with the coordinator");
    report_ = std::move(message).value();
    report_->set_id(++last_id_);
    const std::uint64_t id = report_->id();
    awaited_ = id;
    answer_.reset();
    changed_.notify_all();
    changed_.wait(lock, [&] { return awaited_ != id || answer_; });
    if (awaited_ != id) return UnavailableError("the session ended before the report was answered");
    awaited_ = 0;
    return *answer_;
  }

  void CutFor(std::chrono::nanoseconds duration) {
    {
      const std::lock_guard lock(mutex_);
      cut_until_ = SystemClock().Now() + duration;
      if (context_ != nullptr) context_->TryCancel();
    }
    blobs_.CancelAll();
  }

  void Regreet() {
    const std::lock_guard lock(mutex_);
    if (context_ != nullptr) context_->TryCancel();
    backoff_ = kBackoffFirst;
  }

 private:
  using Stream = grpc::ClientReaderWriter<v1::AgentMessage, v1::CoordinatorMessage>;

  bool Unreachable() {
    const std::lock_guard lock(mutex_);
    return stopping_ || SystemClock().Now() < cut_until_;
  }

  // The records that are small travel inside; the others, and all predictions, as blobs that are uploaded
  // here.
  Result<v1::AgentMessage> ReportMessage(const Report& report) {
    v1::AgentMessage message;
    v1::RunReport& out = *message.mutable_report();
    out.set_run_id(report.lease.run.str());
    out.set_lease(report.lease.lease);
    out.set_outcome(std::string(OutcomeName(report.outcome)));
    if (report.failure) {
      out.mutable_failure()->set_class_(std::string(FailureClassName(report.failure->failure_class)));
      out.mutable_failure()->set_stage(report.failure->stage);
      out.mutable_failure()->set_message(report.failure->message);
      out.set_retry(report.failure->retry);
    }
    const MonotonicTime begin = SystemClock().Now();
    std::uint64_t bytes = 0;
    for (const RepetitionFiles& files : report.repetitions) {
      v1::RepetitionReport& repetition = *out.add_repetitions();
      repetition.set_index(files.index);
      PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t size, FileSize(files.record_path));
      bytes += size;
      if (size <= kMaxInlineRecordBytes) {
        PADDOCK_ASSIGN_OR_RETURN(*repetition.mutable_record(), ReadFile(files.record_path));
      } else {
        PADDOCK_ASSIGN_OR_RETURN(const Digest digest, blobs_.Upload(files.record_path));
        repetition.set_record_sha256(digest.hex());
      }
      if (files.predictions_path.empty()) continue;
      PADDOCK_ASSIGN_OR_RETURN(const Digest digest, blobs_.Upload(files.predictions_path));
      repetition.set_predictions_sha256(digest.hex());
      PADDOCK_ASSIGN_OR_RETURN(const std::uint64_t predictions_size, FileSize(files.predictions_path));
      bytes += predictions_size;
    }
    FillStages(report.stages, &out);
    if (bytes > 0) {
      const double seconds = std::chrono::duration<double>(SystemClock().Now() - begin).count();
      FillStages({{kUploadStage, std::nullopt, seconds, bytes, std::nullopt}}, &out);
    }
    return message;
  }

  // ---- the reader thread

  void DialLoop() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      if (SystemClock().Now() < cut_until_) {
        changed_.wait_until(lock, cut_until_, [this] { return stopping_; });
        continue;
      }
      grpc::ClientContext context;
      context_ = &context;
      welcomed_ = false;
      lock.unlock();
      const Status status = RunSession(context);
      lock.lock();
      context_ = nullptr;
      awaited_ = 0;
      report_.reset();
      changed_.notify_all();
      if (stopping_) return;
      const auto pause = PauseAfter(status);
      changed_.wait_for(lock, pause, [this] { return stopping_; });
    }
  }

  // REQUIRES: mutex_ held.
  std::chrono::nanoseconds PauseAfter(const Status& status) {
    if (welcomed_) backoff_ = kBackoffFirst;
    const auto longest = backoff_;
    backoff_ = std::min<std::chrono::nanoseconds>(backoff_ * 2, kBackoffLongest);
    switch (status.code()) {
      case StatusCode::kAlreadyExists:
        spdlog::warn(
            "{} refuses this agent: {}; stop the other one or choose another --id. Trying again in 10 s",
            server_, status.message());
        return kBackoffLongest;
      case StatusCode::kInvalidArgument:
      case StatusCode::kFailedPrecondition:
      case StatusCode::kUnimplemented:
        spdlog::error(
            "{} refuses this agent: {}; is it a coordinator of the same version? Trying again in 10 s",
            server_, status.ToString());
        return kBackoffLongest;
      default:
        break;
    }
    // Said once per loss, not once per try.
    if (!std::exchange(loss_said_, true) || welcomed_) {
      spdlog::warn("no session with {}: {}; trying again", server_, status.ToString());
    }
    return std::chrono::nanoseconds(
        static_cast<std::int64_t>(static_cast<double>(longest.count()) * (0.5 + 0.5 * random_.Uniform())));
  }

  // gRPC works on a connection only while somebody waits for it, and a call fails at once after a first connection
  // was refused: without this a coordinator that came back would be found by chance, every five seconds.
  void AwaitConnection() {
    const Deadline patience = Deadline::After(kDialPatience);
    while (!patience.passed() && !Unreachable()) {
      if (channel_->WaitForConnected(std::chrono::system_clock::now() + kDialSlice)) return;
    }
  }

  Status RunSession(grpc::ClientContext& context) {
    AwaitConnection();
    const auto stream = stub_->Session(&context);
    v1::AgentMessage hello = HelloMessage(client_->MakeGreeting());
    {
      const std::lock_guard lock(mutex_);
      hello.set_id(++last_id_);
    }
    v1::CoordinatorMessage message;
    if (!stream->Write(hello) || !stream->Read(&message)) return FromGrpc(stream->Finish());
    if (!message.has_welcome() || message.welcome().protocol_version() != kProtocolVersion) {
      context.TryCancel();
      (void)stream->Finish();
      return FailedPreconditionError("its first message is no welcome of protocol version " +
                                     std::to_string(kProtocolVersion));
    }
    Welcome(message.welcome());

    std::atomic<bool> over = false;
    std::thread writer([&] { WriteLoop(*stream, over); });
    while (stream->Read(&message)) Handle(message);
    over = true;
    {
      const std::lock_guard lock(mutex_);
      changed_.notify_all();
    }
    // The stream is at its end; a write that still waits for the peer would keep the writer.
    context.TryCancel();
    writer.join();
    const Status status = FromGrpc(stream->Finish());
    return status.ok() ? UnavailableError("the coordinator ended the session") : status;
  }

  void Welcome(const v1::Welcome& welcome) {
    std::vector<HeldLease> revoked;
    for (const v1::HeldLease& lease : welcome.revoked())
      revoked.push_back(FromProto(lease.run_id(), lease.lease()));
    {
      const std::lock_guard lock(mutex_);
      welcomed_ = true;
      loss_said_ = false;
      heartbeat_ =
          welcome.heartbeat_interval_ms() == 0
              ? kDefaultHeartbeat
              : std::max(std::chrono::milliseconds(welcome.heartbeat_interval_ms()), kShortestHeartbeat);
    }
    spdlog::info("session with {} (paddockd {})", server_, welcome.coordinator_version());
    client_->OnWelcome(revoked);
  }

  void Handle(const v1::CoordinatorMessage& message) {
    if (message.has_assignment()) {
      const v1::Assignment& assignment = message.assignment();
      client_->OnAssignment(
          {.lease = FromProto(assignment.run_id(), assignment.lease()), .plan_json = assignment.plan_json()});
    } else if (message.has_cancel()) {
      client_->OnCancel(FromProto(message.cancel().run_id(), message.cancel().lease()));
    } else if (message.has_report_answer()) {
      const std::lock_guard lock(mutex_);
      if (message.answers() == 0 || message.answers() != awaited_) return;
      answer_ =
          Status(static_cast<StatusCode>(message.report_answer().code()), message.report_answer().message());
      changed_.notify_all();
    }
  }

  // ---- the writer thread

  void WriteLoop(Stream& stream, const std::atomic<bool>& over) {
    std::unique_lock lock(mutex_);
    MonotonicTime next_heartbeat = SystemClock().Now() + heartbeat_;
    while (!over) {
      changed_.wait_until(lock, next_heartbeat, [&] { return over || stopping_ || progress_ || report_; });
      if (over) return;
      if (stopping_) {
        lock.unlock();
        stream.WritesDone();
        return;
      }
      v1::AgentMessage message;
      if (progress_) {
        message = ProgressMessage(*std::exchange(progress_, std::nullopt));
      } else if (report_) {
        message = *std::exchange(report_, std::nullopt);
      } else {
        lock.unlock();
        const auto held = client_->Held();
        v1::Heartbeat& heartbeat = *message.mutable_heartbeat();
        for (const HeldLease& lease : held) FillHeld(lease, heartbeat.add_held());
        heartbeat.set_problem(client_->Problem());
        lock.lock();
        next_heartbeat = SystemClock().Now() + heartbeat_;
      }
      if (message.id() == 0) message.set_id(++last_id_);
      lock.unlock();
      const bool written = stream.Write(message);
      lock.lock();
      if (!written) return;  // the reader sees the end as well
    }
  }

  const std::string server_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::AgentService::Stub> stub_;
  BlobClient blobs_;
  LinkClient* client_ = nullptr;
  std::thread reader_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Random random_;
  bool stopping_ = false;
  bool welcomed_ = false;  // of the session that stands or ended last
  bool loss_said_ = false;
  grpc::ClientContext* context_ = nullptr;  // of the session, while one is tried or stands
  MonotonicTime cut_until_;
  std::chrono::nanoseconds backoff_ = kBackoffFirst;
  std::chrono::milliseconds heartbeat_ = kDefaultHeartbeat;
  std::uint64_t last_id_ = 0;
  std::optional<Progress> progress_;
  std::optional<v1::AgentMessage> report_;  // to be written
  std::uint64_t awaited_ = 0;  // id of the report whose answer is waited for; 0: none, or the session ended
  std::optional<Status> answer_;
};

GrpcLink::GrpcLink(const std::string& server) : impl_(std::make_unique<Impl>(server)) {}
GrpcLink::~GrpcLink() { Stop(); }
void GrpcLink::Start(LinkClient& client) { impl_->Start(client); }
void GrpcLink::Stop() { impl_->Stop(); }
Status GrpcLink::Download(const Digest& digest, BlobCache::Partial& into, bool check_again,
                          const std::function<bool()>& cancelled) {
  return impl_->Download(digest, into, check_again, cancelled);
}
void GrpcLink::SendProgress(const Progress& progress) { impl_->SendProgress(progress); }
Status GrpcLink::DeliverReport(const Report& report) { return impl_->DeliverReport(report); }
void GrpcLink::CutFor(std::chrono::nanoseconds duration) { impl_->CutFor(duration); }
void GrpcLink::Regreet() { impl_->Regreet(); }

}  // namespace paddock::agent
