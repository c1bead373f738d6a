// A coordinator's services as a test scripts them, for an agent's link.
#pragma once

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "paddock/v1/agent.grpc.pb.h"
#include "paddock/v1/artifact.grpc.pb.h"
#include "proto/wire_limits.h"

namespace paddock::agent {

// Answers every greeting with `welcome` (or refuses it), keeps what agents send, and sends what the test
// queues.
class FakeCoordinator final : public v1::AgentService::Service {
 public:
  grpc::Status Session(grpc::ServerContext* context,
                       grpc::ServerReaderWriter<v1::CoordinatorMessage, v1::AgentMessage>* stream) override {
    v1::AgentMessage message;
    if (!stream->Read(&message)) return grpc::Status::OK;
    {
      const std::lock_guard lock(mutex_);
      greetings.push_back(message);
      changed_.notify_all();
      if (refusal) return *refusal;
      context_ = context;
      stream_ = stream;
    }
    v1::CoordinatorMessage answer;
    answer.set_answers(message.id());
    answer.mutable_welcome()->set_protocol_version(kProtocolVersion);
    answer.mutable_welcome()->set_heartbeat_interval_ms(50);
    for (const auto& lease : revoked) *answer.mutable_welcome()->add_revoked() = lease;
    Send(answer);
    while (stream->Read(&message)) {
      v1::CoordinatorMessage reply;
      {
        const std::lock_guard lock(mutex_);
        messages.push_back(message);
        changed_.notify_all();
        if (!message.has_report() || report_codes.empty()) continue;
        reply.mutable_report_answer()->set_code(report_codes.front());
        reply.mutable_report_answer()->set_message("as scripted");
        report_codes.pop_front();
      }
      reply.set_answers(message.id());
      Send(reply);
    }
    const std::lock_guard lock(mutex_);
    stream_ = nullptr;
    context_ = nullptr;
    ++ended;
    changed_.notify_all();
    return grpc::Status::OK;
  }

  void Send(const v1::CoordinatorMessage& message) {
    const std::lock_guard lock(mutex_);
    REQUIRE(stream_ != nullptr);
    stream_->Write(message);
  }
  void DropSession() {
    const std::lock_guard lock(mutex_);
    if (context_ != nullptr) context_->TryCancel();
  }
  bool WaitUntil(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), condition);
  }

  std::vector<v1::AgentMessage> greetings;
  std::vector<v1::AgentMessage> messages;
  std::deque<std::uint32_t> report_codes;
  std::vector<v1::HeldLease> revoked;
  std::optional<grpc::Status> refusal;
  int ended = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  grpc::ServerContext* context_ = nullptr;
  grpc::ServerReaderWriter<v1::CoordinatorMessage, v1::AgentMessage>* stream_ = nullptr;
};

// Blobs in memory; a download may be told to break off.
class FakeArtifacts final : public v1::ArtifactService::Service {
 public:
  grpc::Status Missing(grpc::ServerContext*, const v1::MissingRequest* request,
                       v1::MissingResponse* response) override {
    const std::lock_guard lock(mutex_);
    for (const std::string& hex : request->sha256()) {
      if (blobs.count(hex) != 0) continue;
      auto& entry = *response->add_missing();
      entry.set_sha256(hex);
      entry.set_have_bytes(partial.count(hex) != 0 ? partial[hex].size() : 0);
    }
    return grpc::Status::OK;
  }
  grpc::Status Upload(grpc::ServerContext*, grpc::ServerReader<v1::UploadRequest>* reader,
                      v1::UploadResponse*) override {
    v1::UploadRequest request;
    std::string hex;
    std::uint64_t size = 0;
    const std::lock_guard lock(mutex_);
    while (reader->Read(&request)) {
      if (hex.empty()) {
        hex = request.sha256();
        size = request.size_bytes();
        first_offsets.push_back(request.offset());
        if (request.offset() != partial[hex].size()) return {grpc::StatusCode::ABORTED, "wrong offset"};
      }
      largest_chunk = std::max(largest_chunk, request.data().size());
      partial[hex] += request.data();
    }
    if (partial[hex].size() != size || Sha256::Of(partial[hex]).hex() != hex)
      return {grpc::StatusCode::DATA_LOSS, "no"};
    blobs[hex] = partial[hex];
    return grpc::Status::OK;
  }
  grpc::Status Download(grpc::ServerContext*, const v1::DownloadRequest* request,
                        grpc::ServerWriter<v1::DownloadResponse>* writer) override {
    const std::lock_guard lock(mutex_);
    const auto found = blobs.find(request->sha256());
    if (found == blobs.end()) return {grpc::StatusCode::NOT_FOUND, "no such blob"};
    first_offsets.push_back(request->offset());
    v1::DownloadResponse response;
    response.set_size_bytes(found->second.size());
    for (std::size_t offset = request->offset(); offset < found->second.size(); offset += kChunkBytes) {
      if (std::exchange(break_off_next, false)) return {grpc::StatusCode::UNAVAILABLE, "breaking off"};
      response.set_data(found->second.substr(offset, kChunkBytes));
      writer->Write(response);
      break_off_next = std::exchange(break_off_after_one, false);
    }
    return grpc::Status::OK;
  }

  std::map<std::string, std::string> blobs;
  std::map<std::string, std::string> partial;
  std::vector<std::uint64_t> first_offsets;
  std::size_t largest_chunk = 0;
  bool break_off_after_one = false;

 private:
  bool break_off_next = false;
  std::mutex mutex_;
};

}  // namespace paddock::agent
