// ResultService: reads the store, and compares. Synchronous handlers; thread-safe.
#pragma once

#include "paddock/v1/result.grpc.pb.h"
#include "server/artifacts/artifact_store.h"
#include "server/store/store_reader.h"

namespace paddock {

class ResultService final : public v1::ResultService::Service {
 public:
  ResultService(StoreReader& reader, ArtifactStore& artifacts, RawRetention retention)
      : reader_(reader), artifacts_(artifacts), retention_(retention) {}

  grpc::Status ListResults(grpc::ServerContext*, const v1::ListResultsRequest*,
                           v1::ListResultsResponse*) override;
  grpc::Status GetResult(grpc::ServerContext*, const v1::GetResultRequest*, v1::RunResult*) override;
  // In result_evidence.cc.
  grpc::Status GetDistribution(grpc::ServerContext*, const v1::GetDistributionRequest*,
                               v1::Distribution*) override;
  grpc::Status GetRecord(grpc::ServerContext*, const v1::GetRecordRequest*,
                         grpc::ServerWriter<v1::RecordChunk>*) override;
  grpc::Status Compare(grpc::ServerContext*, const v1::CompareRequest*, v1::Comparison*) override;

 private:
  // The results of a job ("j-3"), of a variant of it ("j-3/int8") or the one of a run ("r-7").
  Result<std::vector<StoredResult>> ResultsOf(const std::string& id);
  // Which records of the run are still there, and until when.
  void FillRetention(const StoredResult& result, v1::RunResult& out);

  StoreReader& reader_;
  ArtifactStore& artifacts_;
  const RawRetention retention_;
};

}  // namespace paddock
