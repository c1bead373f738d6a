// ResultService: reads the store, and compares. Synchronous handlers; thread-safe.
#pragma once

#include "paddock/v1/result.grpc.pb.h"
#include "server/store/store_reader.h"

namespace paddock {

class ResultService final : public v1::ResultService::Service {
 public:
  explicit ResultService(StoreReader& reader) : reader_(reader) {}

  grpc::Status ListResults(grpc::ServerContext*, const v1::ListResultsRequest*,
                           v1::ListResultsResponse*) override;
  grpc::Status GetResult(grpc::ServerContext*, const v1::GetResultRequest*, v1::RunResult*) override;
  grpc::Status Compare(grpc::ServerContext*, const v1::CompareRequest*, v1::Comparison*) override;

 private:
  // The results of a job ("j-3") or the one of a run ("r-7").
  Result<std::vector<StoredResult>> ResultsOf(const std::string& id);
  StoreReader& reader_;
};

}  // namespace paddock
