// ArtifactService: blobs in and out, and what is in a model. Synchronous handlers; thread-safe.
#pragma once

#include "base/task_queue.h"
#include "paddock/v1/artifact.grpc.pb.h"
#include "server/artifacts/artifact_store.h"
#include "server/core/coordinator.h"
#include "server/workers/model_cost_child.h"

namespace paddock {

class ArtifactService final : public v1::ArtifactService::Service {
 public:
  ArtifactService(ArtifactStore& artifacts, TaskQueue& core, const Coordinator& coordinator)
      : artifacts_(artifacts), core_(core), coordinator_(coordinator) {}

  grpc::Status Missing(grpc::ServerContext*, const v1::MissingRequest*, v1::MissingResponse*) override;
  grpc::Status Upload(grpc::ServerContext*, grpc::ServerReader<v1::UploadRequest>*,
                      v1::UploadResponse*) override;
  grpc::Status Download(grpc::ServerContext*, const v1::DownloadRequest*,
                        grpc::ServerWriter<v1::DownloadResponse>*) override;
  grpc::Status InspectModel(grpc::ServerContext*, const v1::InspectModelRequest*,
                            v1::ModelDescription*) override;

 private:
  ArtifactStore& artifacts_;
  TaskQueue& core_;
  const Coordinator& coordinator_;
  ModelCostAnalysis cost_analysis_;
};

}  // namespace paddock
