#include "tests/bench/blob_floor.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "paddock/v1/artifact.grpc.pb.h"
#include "proto/wire_limits.h"
#include "tests/bench/report.h"

namespace paddock::bench {
namespace {

// As often, the kernel is asked to start writing, so that little is left for the fsync.
constexpr off_t kFlushBytes = 8 << 20;

// Hashes in its own thread, writes in the caller's.
class FileSink {
 public:
  explicit FileSink(const std::string& path)
      : fd_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644)), thread_([this] { Hash(); }) {
    if (fd_ < 0) GiveUp("cannot open " + path);
  }
  ~FileSink() { ::close(fd_); }

  void Append(std::string chunk) {
    const auto shared = std::make_shared<const std::string>(std::move(chunk));
    {
      const std::lock_guard lock(mutex_);
      chunks_.push_back(shared);
    }
    changed_.notify_one();
    if (::write(fd_, shared->data(), shared->size()) != static_cast<ssize_t>(shared->size()))
      GiveUp("short write");
    unflushed_ += static_cast<off_t>(shared->size());
    written_ += static_cast<off_t>(shared->size());
    if (unflushed_ < kFlushBytes) return;
    ::sync_file_range(fd_, written_ - unflushed_, unflushed_, SYNC_FILE_RANGE_WRITE);
    unflushed_ = 0;
  }
  Digest Finish() {
    if (::fsync(fd_) != 0) GiveUp("fsync failed");
    {
      const std::lock_guard lock(mutex_);
      chunks_.push_back(nullptr);
    }
    changed_.notify_one();
    thread_.join();
    return hash_.Finish();
  }

 private:
  void Hash() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return !chunks_.empty(); });
      const auto chunk = std::move(chunks_.front());
      chunks_.pop_front();
      if (chunk == nullptr) return;
      lock.unlock();
      hash_.Update(*chunk);
      lock.lock();
    }
  }

  const int fd_;
  off_t written_ = 0;
  off_t unflushed_ = 0;
  Sha256 hash_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<const std::string>> chunks_;
  std::thread thread_;
};

double SecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

class BlobFloor::Service final : public v1::ArtifactService::Service {
 public:
  Service(std::string_view blob, std::string folder) : blob_(blob), folder_(std::move(folder)) {}

  grpc::Status Upload(grpc::ServerContext*, grpc::ServerReader<v1::UploadRequest>* reader,
                      v1::UploadResponse*) override {
    FileSink sink(folder_ + "/floor-upload");
    v1::UploadRequest request;
    while (reader->Read(&request)) sink.Append(std::move(*request.mutable_data()));
    received_ = sink.Finish();
    return grpc::Status::OK;
  }
  grpc::Status Download(grpc::ServerContext*, const v1::DownloadRequest*,
                        grpc::ServerWriter<v1::DownloadResponse>* writer) override {
    v1::DownloadResponse response;
    for (std::size_t offset = 0; offset < blob_.size(); offset += kChunkBytes) {
      const std::string_view chunk = blob_.substr(offset, kChunkBytes);
      response.set_data(chunk.data(), chunk.size());
      writer->Write(response);
    }
    return grpc::Status::OK;
  }
  const Digest& received() const { return received_; }

 private:
  const std::string_view blob_;
  const std::string folder_;
  Digest received_;
};

BlobFloor::BlobFloor(std::string_view blob, std::string folder)
    : blob_(blob), folder_(std::move(folder)), service_(std::make_unique<Service>(blob, folder_)) {
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kBlobLookaheadBytes);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kBlobFrameBytes);
  builder.RegisterService(service_.get());
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) GiveUp("the floor's server did not start");
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kBlobLookaheadBytes);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, kBlobFrameBytes);
  channel_ = grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port),
                                       grpc::InsecureChannelCredentials(), arguments);
}

BlobFloor::~BlobFloor() { server_->Shutdown(); }

double BlobFloor::Upload(const Digest& expected) {
  const auto stub = v1::ArtifactService::NewStub(channel_);
  const auto begin = std::chrono::steady_clock::now();
  grpc::ClientContext context;
  v1::UploadResponse response;
  const auto writer = stub->Upload(&context, &response);
  v1::UploadRequest request;
  for (std::size_t offset = 0; offset < blob_.size(); offset += kChunkBytes) {
    const std::string_view chunk = blob_.substr(offset, kChunkBytes);
    request.set_data(chunk.data(), chunk.size());
    writer->Write(request);
  }
  writer->WritesDone();
  if (!writer->Finish().ok() || service_->received() != expected) GiveUp("the floor's upload failed");
  return SecondsSince(begin);
}

double BlobFloor::Download(const Digest& expected) {
  const auto stub = v1::ArtifactService::NewStub(channel_);
  const auto begin = std::chrono::steady_clock::now();
  grpc::ClientContext context;
  const auto reader = stub->Download(&context, v1::DownloadRequest());
  FileSink sink(folder_ + "/floor-download");
  v1::DownloadResponse response;
  while (reader->Read(&response)) sink.Append(std::move(*response.mutable_data()));
  if (!reader->Finish().ok() || sink.Finish() != expected) GiveUp("the floor's download failed");
  return SecondsSince(begin);
}

}  // namespace paddock::bench
