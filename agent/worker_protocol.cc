#include "agent/worker_protocol.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "base/strict_json.h"

namespace paddock::agent {
namespace {

constexpr std::string_view kStagePrefix = "@stage ";
constexpr std::string_view kFailurePrefix = "@failed ";

Result<Failure> DecodeFailure(std::string_view text) {
  PADDOCK_ASSIGN_OR_RETURN(const Json json, ParseJson(text, "the worker's failure line"));
  Failure failure;
  std::string failure_class;
  StrictObject object(json, "");
  object.Required("class", &failure_class);
  object.Required("stage", &failure.stage);
  object.Required("message", &failure.message);
  object.Required("retry", &failure.retry);
  PADDOCK_RETURN_IF_ERROR(object.Finish());
  PADDOCK_ASSIGN_OR_RETURN(failure.failure_class, ParseFailureClass(failure_class));
  return failure;
}

}  // namespace

std::string EncodeWorkerRequest(const WorkerRequest& request) {
  Json json = {{"driver", request.driver},
               {"options", request.options},
               {"meter", request.meter},
               {"meter_options", request.meter_options},
               {"cpus", request.cpus},
               {"artifact_path", request.artifact_path},
               {"batch_paths", request.batch_paths},
               {"labels_path", request.labels_path},
               {"plan", EncodeRunPlan(request.plan)}};
  if (request.cooldown_s) json["cooldown_s"] = *request.cooldown_s;
  if (request.cooldown_reached) json["cooldown_reached"] = *request.cooldown_reached;
  return json.dump();
}

Result<WorkerRequest> DecodeWorkerRequest(std::string_view text) {
  PADDOCK_ASSIGN_OR_RETURN(
      const Json json,
      ParseJson(text, "worker.json", {.max_bytes = std::size_t{64} << 20, .max_nodes = 2'000'000}));
  WorkerRequest request;
  std::string plan;
  StrictObject object(json, "");
  object.Required("driver", &request.driver);
  object.Required("options", &request.options);
  object.Required("meter", &request.meter);
  object.Required("meter_options", &request.meter_options);
  object.Required("cpus", &request.cpus);
  object.Required("artifact_path", &request.artifact_path);
  object.Required("batch_paths", &request.batch_paths);
  object.Required("labels_path", &request.labels_path);
  object.Optional("cooldown_s", &request.cooldown_s);
  object.Optional("cooldown_reached", &request.cooldown_reached);
  object.Required("plan", &plan);
  PADDOCK_RETURN_IF_ERROR(object.Finish());
  PADDOCK_ASSIGN_OR_RETURN(request.plan, DecodeRunPlan(plan));
  return request;
}

std::string WorkerRequestPath(const std::string& folder) { return folder + "/worker.json"; }
std::string CounterPath(const std::string& folder) { return folder + "/progress"; }
std::string RecordPath(const std::string& folder, std::uint32_t repetition) {
  return folder + "/rep-" + std::to_string(repetition) + ".record";
}
std::string UnpackedArtifactPath(const std::string& folder) { return folder + "/artifact"; }

std::string PredictionsPath(const std::string& folder, std::uint32_t repetition) {
  return folder + "/rep-" + std::to_string(repetition) + ".predictions";
}

WorkerLine ParseWorkerLine(std::string_view line) {
  if (line.starts_with(kStagePrefix))
    return {.stage = std::string(line.substr(kStagePrefix.size())), .failure = {}};
  if (line.starts_with(kFailurePrefix)) {
    auto failure = DecodeFailure(line.substr(kFailurePrefix.size()));
    if (failure.ok()) return {.stage = {}, .failure = std::move(failure).value()};
  }
  return {};
}

std::string StageLine(std::string_view stage) {
  return "\n" + std::string(kStagePrefix) + std::string(stage) + "\n";
}

std::string FailureLine(const Failure& failure) {
  const Json json = {{"class", FailureClassName(failure.failure_class)},
                     {"stage", failure.stage},
                     {"message", failure.message},
                     {"retry", failure.retry}};
  // A library's message may hold any bytes.
  return "\n" + std::string(kFailurePrefix) + json.dump(-1, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

Result<SharedCounter> SharedCounter::Open(const std::string& path) {
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(errno, "cannot open " + path);
  // Allocated, not only sized: on a full disk a store into a hole would end the process with SIGBUS.
  const int allocation_error = ::posix_fallocate(fd, 0, sizeof(std::uint64_t));
  void* memory = MAP_FAILED;
  int map_error = 0;
  if (allocation_error == 0) {
    memory = ::mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    map_error = errno;
  }
  ::close(fd);
  if (allocation_error != 0) return ErrnoStatus(allocation_error, "cannot write " + path);
  if (memory == MAP_FAILED) return ErrnoStatus(map_error, "cannot map " + path);
  return SharedCounter(static_cast<std::atomic<std::uint64_t>*>(memory));
}

SharedCounter::~SharedCounter() {
  if (value_ != nullptr) ::munmap(value_, sizeof(std::uint64_t));
}

}  // namespace paddock::agent
