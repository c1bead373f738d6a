#include "server/farm_server.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include <spdlog/spdlog.h>

#include "base/file.h"
#include "base/task_queue.h"
#include "base/version.h"
#include "proto/wire_limits.h"
#include "server/artifacts/artifact_store.h"
#include "server/core/coordinator.h"
#include "server/golden_model.h"
#include "server/http/http_server.h"
#include "server/rpc/agent_gateway.h"
#include "server/rpc/artifact_service.h"
#include "server/rpc/core_call.h"
#include "server/rpc/device_service.h"
#include "server/rpc/job_service.h"
#include "server/rpc/job_watch.h"
#include "server/rpc/result_service.h"
#include "server/rpc/rpc_server.h"
#include "server/store/store.h"
#include "server/store/store_reader.h"
#include "server/workers/work_threads.h"

namespace paddock {
namespace {

constexpr std::chrono::milliseconds kHeartbeatInterval{kHeartbeatIntervalMs};
constexpr std::chrono::hours kGarbageGrace{1};
constexpr std::chrono::minutes kGarbageInterval{10};

Result<Digest> PutOnce(ArtifactStore& artifacts, std::string_view bytes) {
  const Digest digest = Sha256::Of(bytes);
  if (artifacts.Has(digest)) return digest;
  return artifacts.Put(bytes);
}

Result<GoldenModel> PutGoldenModel(ArtifactStore& artifacts) {
  const GoldenFiles files = EmbeddedGoldenFiles();
  GoldenModel golden;
  PADDOCK_ASSIGN_OR_RETURN(golden.model, PutOnce(artifacts, files.model));
  PADDOCK_ASSIGN_OR_RETURN(golden.data, PutOnce(artifacts, files.samples));
  return golden;
}

}  // namespace

// Members are destroyed from the last to the first; ~FarmServer stops the threads before that, in order.
struct FarmServer::Parts {
  explicit Parts(FileLock held_lock) : folder_lock(std::move(held_lock)), gateway(kHeartbeatInterval) {}

  FileLock folder_lock;
  std::unique_ptr<SqliteStore> store;
  std::unique_ptr<StoreReader> reader;
  std::unique_ptr<ArtifactStore> artifacts;
  JobWatch watch;
  AgentGateway gateway;
  StepTools tools;
  std::unique_ptr<Coordinator> coordinator;  // touched on the core thread only, besides construction
  std::unique_ptr<TaskQueue> core;
  std::unique_ptr<Preparer> preparer;
  std::unique_ptr<WorkThreads> work;
  std::unique_ptr<JobService> jobs;
  std::unique_ptr<ArtifactService> artifact_service;
  std::unique_ptr<DeviceService> devices;
  std::unique_ptr<ResultService> results;
  std::unique_ptr<RpcServer> rpc;
  std::unique_ptr<HttpServer> http;
  std::mutex garbage_mutex;
  std::condition_variable_any garbage_wakeup;
  std::jthread garbage_collector;

  Status OpenState(const ServerConfig& config);
  Status StartCore(const ServerConfig& config);
  Status Listen(const ServerConfig& config);
  void CollectGarbage(std::stop_token stop, std::uint64_t limit_bytes, RawRetention retention);
  HttpResponse AnswerHttp(const std::string& path);
};

Status FarmServer::Parts::OpenState(const ServerConfig& config) {
  const std::string database = config.state + "/paddock.db";
  PADDOCK_ASSIGN_OR_RETURN(store, SqliteStore::Open(database));
  PADDOCK_ASSIGN_OR_RETURN(reader, StoreReader::Open(database));
  PADDOCK_ASSIGN_OR_RETURN(artifacts, ArtifactStore::Open(config.state + "/artifacts"));
  PreparerSettings settings;
  settings.scratch_folder = config.state + "/scratch";
  if (auto found = FindStepTools(config.onnxruntime); found.ok()) {
    tools = *std::move(found);
  } else {
    spdlog::warn(
        "the preparation steps `optimize` and `int8` are not available (--onnxruntime PATH names their "
        "library): {}",
        found.status().message());
  }
  PADDOCK_ASSIGN_OR_RETURN(tools.converters, ReadConverters(config.converters));
  settings.steps.tools = tools;
  PADDOCK_ASSIGN_OR_RETURN(preparer,
                           Preparer::Open(std::move(settings), *artifacts, *reader,
                                          [this](const std::string& key, const std::string& content) {
                                            core->Post([this, key, content] {
                                              const Status saved = store->UpsertRecipe(key, content);
                                              if (!saved.ok())
                                                spdlog::warn("a recipe is not kept: {}", saved.message());
                                            });
                                          }));
  return OkStatus();
}

Status FarmServer::Parts::StartCore(const ServerConfig& config) {
  core = MakeThreadTaskQueue(
      "core", [this] { coordinator->BeforeBatch(); }, [this] { coordinator->AfterBatch(); });
  work = std::make_unique<WorkThreads>(
      *preparer, *artifacts, *reader, *core,
      WorkThreads::Answers{
          .on_prepared =
              [this](const RunId& run, Result<PreparedRun> prepared, FailureClass failure_class) {
                coordinator->OnPrepared(run, std::move(prepared), failure_class);
              },
          .on_evaluated =
              [this](const RunId& run, Result<Evaluation> evaluation) {
                coordinator->OnEvaluated(run, std::move(evaluation));
              },
      });
  CoordinatorSettings settings;
  settings.lease_ttl = std::chrono::milliseconds(static_cast<std::int64_t>(config.lease_ttl_s * 1000));
  settings.max_attempts = config.max_attempts;
  PADDOCK_ASSIGN_OR_RETURN(settings.golden, PutGoldenModel(*artifacts));
  coordinator = std::make_unique<Coordinator>(
      settings, Coordinator::Ports{*store, gateway, *work, watch, *core, SystemClock()});
  gateway.Connect(*core, *coordinator);
  return AskCore<Status>(*core, [this] { return coordinator->Start(); });
}

Status FarmServer::Parts::Listen(const ServerConfig& config) {
  jobs = std::make_unique<JobService>(
      JobService::Parts{*core, *coordinator, *artifacts, *reader, watch, tools, config.state});
  artifact_service = std::make_unique<ArtifactService>(*artifacts, *core, *coordinator);
  devices = std::make_unique<DeviceService>(*core, *coordinator, *reader);
  results = std::make_unique<ResultService>(*reader, *artifacts, RawRetention{config.raw_retention_days});
  PADDOCK_ASSIGN_OR_RETURN(rpc, RpcServer::Start(config.listen, {jobs.get(), artifact_service.get(),
                                                                 devices.get(), results.get(), &gateway}));
  if (config.http != "off") {
    PADDOCK_ASSIGN_OR_RETURN(
        http, HttpServer::Start(config.http, [this](const std::string& path) { return AnswerHttp(path); }));
  }
  return OkStatus();
}

void FarmServer::Parts::CollectGarbage(std::stop_token stop, std::uint64_t limit_bytes,
                                       RawRetention retention) {
  std::unique_lock lock(garbage_mutex);
  while (!garbage_wakeup.wait_for(lock, stop, kGarbageInterval, [&] { return stop.stop_requested(); })) {
    auto keep = AskCore<std::set<Digest>>(*core, [this] { return coordinator->PinnedBlobs(); });
    auto evidence = reader->EvidenceBlobs(retention.KeptSince(SystemClock().WallMs()));
    if (!evidence.ok()) {
      spdlog::warn("no garbage collection: {}", evidence.status().message());
      continue;
    }
    keep.merge(*evidence);
    const auto collected = artifacts->GarbageCollect(keep, limit_bytes, kGarbageGrace);
    if (!collected.ok()) {
      spdlog::warn("garbage collection: {}", collected.status().message());
    } else if (collected->removed_blobs > 0) {
      spdlog::info("removed {} unused blobs, {} bytes", collected->removed_blobs, collected->removed_bytes);
    }
  }
}

HttpResponse FarmServer::Parts::AnswerHttp(const std::string& path) {
  if (path == "/healthz") return {200, "text/plain; charset=utf-8", "ok\n"};
  return {404, "text/plain; charset=utf-8", "there is /healthz\n"};
}

Result<std::unique_ptr<FarmServer>> FarmServer::Start(const ServerConfig& config) {
  PADDOCK_RETURN_IF_ERROR(CreateDirectories(config.state));
  auto lock = FileLock::Acquire(config.state + "/paddockd.lock");
  if (!lock.ok()) return lock.status().WithContext("another paddockd uses " + config.state);
  auto parts = std::make_unique<Parts>(std::move(lock).value());
  Parts* const started = parts.get();
  std::unique_ptr<FarmServer> server(new FarmServer(std::move(parts)));
  PADDOCK_RETURN_IF_ERROR(started->OpenState(config));
  PADDOCK_RETURN_IF_ERROR(started->StartCore(config));
  PADDOCK_RETURN_IF_ERROR(started->Listen(config));
  if (config.insecure) {
    spdlog::warn(
        "--insecure: nothing on {} and {} is encrypted or authenticated; whoever reaches them can run jobs",
        config.listen, config.http);
  }
  started->garbage_collector = std::jthread(
      [started, limit = config.artifact_limit_bytes, retention = RawRetention{config.raw_retention_days}](
          std::stop_token stop) { started->CollectGarbage(stop, limit, retention); });
  return server;
}

FarmServer::FarmServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

FarmServer::~FarmServer() {
  Parts& parts = *parts_;
  if (parts.garbage_collector.joinable()) {
    parts.garbage_collector.request_stop();
    parts.garbage_collector.join();
  }
  parts.http.reset();
  parts.watch.Stop();
  parts.gateway.CloseAll(UnavailableError("the coordinator stops"));
  if (parts.rpc) parts.rpc->Shutdown();
  parts.work.reset();
  parts.core.reset();
}

int FarmServer::rpc_port() const { return parts_->rpc->port(); }
int FarmServer::http_port() const { return parts_->http ? parts_->http->port() : 0; }

}  // namespace paddock
