#include "tests/rpc/farm_fixture.h"

#include <fstream>

namespace paddock {
namespace {

v1::MissingResponse Missing(FarmFixture& farm, const Digest& digest) {
  grpc::ClientContext context;
  v1::MissingRequest request;
  request.add_sha256(digest.hex());
  v1::MissingResponse response;
  REQUIRE(farm.artifacts->Missing(&context, request, &response).ok());
  return response;
}

struct Downloaded {
  grpc::Status status;
  std::string bytes;
  std::size_t largest_message = 0;
};

Downloaded Download(FarmFixture& farm, const Digest& digest, std::uint64_t offset) {
  grpc::ClientContext context;
  v1::DownloadRequest request;
  request.set_sha256(digest.hex());
  request.set_offset(offset);
  const auto reader = farm.artifacts->Download(&context, request);
  Downloaded out;
  v1::DownloadResponse response;
  while (reader->Read(&response)) {
    out.bytes += response.data();
    out.largest_message = std::max(out.largest_message, response.data().size());
  }
  out.status = reader->Finish();
  return out;
}

}  // namespace

TEST_CASE_METHOD(FarmFixture,
                 "a blob comes back as it was sent, in chunks of at most 1 MiB, also from an offset",
                 "[rpc]") {
  std::string bytes(3'000'001, 'a');
  bytes[2'500'000] = 'b';
  const Digest digest = Put(bytes);
  const Downloaded whole = Download(*this, digest, 0);
  CHECK(whole.status.ok());
  CHECK(whole.bytes == bytes);
  CHECK(whole.largest_message <= kChunkBytes);
  CHECK(Download(*this, digest, 2'499'999).bytes == bytes.substr(2'499'999));
  CHECK(Download(*this, digest, bytes.size()).bytes.empty());
  CHECK(Download(*this, digest, bytes.size() + 1).status.error_code() == grpc::StatusCode::OUT_OF_RANGE);
}

TEST_CASE_METHOD(FarmFixture, "an upload that broke off goes on where it stopped, also after a restart",
                 "[rpc]") {
  const std::string bytes(200'000, 'x');
  const Digest digest = Sha256::Of(bytes);
  CHECK(Upload(digest, bytes.substr(0, 150'000), 0, bytes.size()).error_code() == grpc::StatusCode::ABORTED);
  Restart();
  const auto missing = Missing(*this, digest);
  REQUIRE(missing.missing_size() == 1);
  CHECK(missing.missing(0).have_bytes() == 150'000);
  CHECK(Upload(digest, bytes, 100'000, bytes.size()).error_code() == grpc::StatusCode::ABORTED);
  CHECK(Upload(digest, bytes, 150'000, bytes.size()).ok());
  CHECK(Missing(*this, digest).missing().empty());
  CHECK(Download(*this, digest, 0).bytes == bytes);
}

TEST_CASE_METHOD(FarmFixture,
                 "bytes that do not have the digest they were announced under are refused and dropped",
                 "[rpc]") {
  const Digest digest = Sha256::Of("what was meant");
  CHECK(Upload(digest, "something else", 0, 14).error_code() == grpc::StatusCode::DATA_LOSS);
  CHECK(Missing(*this, digest).missing(0).have_bytes() == 0);
}

TEST_CASE_METHOD(FarmFixture, "a bit that flips on disk is found before the blob is used after a start",
                 "[rpc]") {
  const Digest digest = Put("precious");
  std::fstream file(state / "coordinator/artifacts/blobs/" + digest.hex(), std::ios::in | std::ios::out);
  REQUIRE(file.good());
  file.put('q');
  file.close();
  Restart();
  CHECK(Download(*this, digest, 0).status.error_code() == grpc::StatusCode::DATA_LOSS);
  CHECK(Missing(*this, digest).missing_size() == 1);
}

TEST_CASE_METHOD(FarmFixture, "names that are not digests get no further than the door", "[rpc]") {
  grpc::ClientContext context;
  v1::DownloadRequest request;
  request.set_sha256("../../etc/passwd");
  const auto reader = artifacts->Download(&context, request);
  v1::DownloadResponse response;
  CHECK_FALSE(reader->Read(&response));
  CHECK(reader->Finish().error_code() == grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_CASE_METHOD(FarmFixture, "a message over gRPC's limit ends its call and nothing else", "[rpc]") {
  const std::string bytes(5 << 20, 'z');
  CHECK(Upload(Sha256::Of(bytes), bytes, 0, bytes.size()).error_code() ==
        grpc::StatusCode::RESOURCE_EXHAUSTED);
  CHECK(Download(*this, Put("still here"), 0).bytes == "still here");
}

TEST_CASE_METHOD(FarmFixture, "what is not a model is refused by inspection with its name and a next step",
                 "[rpc]") {
  grpc::ClientContext context;
  v1::InspectModelRequest request;
  request.set_sha256(Put("not a model").hex());
  v1::ModelDescription response;
  const grpc::Status status = artifacts->InspectModel(&context, request, &response);
  CHECK(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  CHECK(status.error_message().find(request.sha256().substr(0, 12)) != std::string::npos);
}

}  // namespace paddock
