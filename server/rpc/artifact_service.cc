#include "server/rpc/artifact_service.h"

#include <algorithm>
#include <set>

#include "base/file.h"
#include "prepare/model_info.h"
#include "proto/wire_limits.h"
#include "server/rpc/core_call.h"
#include "server/rpc/status.h"

namespace paddock {
namespace {

constexpr int kMaxDigestsPerCall = 10'000;

void FillTensor(const TensorInfo& tensor, v1::TensorDescription& out) {
  out.set_name(tensor.name);
  out.set_type(std::string(ElementTypeName(tensor.type)));
  for (const std::int64_t dimension : tensor.shape) out.add_shape(dimension);
  if (!tensor.quantization) return;
  out.mutable_quantization()->set_scale(tensor.quantization->scale);
  out.mutable_quantization()->set_zero_point(tensor.quantization->zero_point);
}

}  // namespace

grpc::Status ArtifactService::Missing(grpc::ServerContext*, const v1::MissingRequest* request,
                                      v1::MissingResponse* response) {
  if (request->sha256_size() > kMaxDigestsPerCall) {
    return ToGrpc(InvalidArgumentError("at most " + std::to_string(kMaxDigestsPerCall) + " digests a call"));
  }
  for (const std::string& hex : request->sha256()) {
    const auto digest = Digest::Parse(hex);
    if (!digest.ok()) return ToGrpc(digest.status());
    if (artifacts_.Has(*digest)) continue;
    v1::MissingResponse::Entry& entry = *response->add_missing();
    entry.set_sha256(hex);
    entry.set_have_bytes(artifacts_.HaveBytes(*digest));
  }
  return grpc::Status::OK;
}

grpc::Status ArtifactService::Upload(grpc::ServerContext*, grpc::ServerReader<v1::UploadRequest>* reader,
                                     v1::UploadResponse* response) {
  v1::UploadRequest request;
  if (!reader->Read(&request)) return ToGrpc(InvalidArgumentError("an upload needs at least one message"));
  const auto digest = Digest::Parse(request.sha256());
  if (!digest.ok()) return ToGrpc(digest.status());
  auto upload = artifacts_.StartUpload(*digest, request.size_bytes(), request.offset());
  if (!upload.ok()) return ToGrpc(upload.status());
  do {
    const Status appended = (*upload)->Append(std::move(*request.mutable_data()));
    if (!appended.ok()) return ToGrpc(appended);
  } while (reader->Read(&request));
  if (const Status finished = (*upload)->Finish(); !finished.ok()) return ToGrpc(finished);
  response->set_stored_bytes((*upload)->bytes());
  return grpc::Status::OK;
}

grpc::Status ArtifactService::Download(grpc::ServerContext*, const v1::DownloadRequest* request,
                                       grpc::ServerWriter<v1::DownloadResponse>* writer) {
  const auto digest = Digest::Parse(request->sha256());
  if (!digest.ok()) return ToGrpc(digest.status());
  if (request->check_again()) artifacts_.Distrust(*digest);
  const auto blob = artifacts_.Map(*digest);
  if (!blob.ok()) return ToGrpc(blob.status());
  const std::string_view bytes = blob->bytes();
  if (request->offset() > bytes.size()) {
    return ToGrpc(Status(StatusCode::kOutOfRange, "offset " + std::to_string(request->offset()) +
                                                      " is beyond the " + std::to_string(bytes.size()) +
                                                      " bytes of " + request->sha256()));
  }
  v1::DownloadResponse response;
  response.set_size_bytes(bytes.size());
  std::size_t offset = request->offset();
  do {
    const std::size_t size = std::min(kChunkBytes, bytes.size() - offset);
    response.set_data(bytes.data() + offset, size);
    if (!writer->Write(response)) return grpc::Status::CANCELLED;
    offset += size;
  } while (offset < bytes.size());
  return grpc::Status::OK;
}

grpc::Status ArtifactService::InspectModel(grpc::ServerContext* context,
                                           const v1::InspectModelRequest* request,
                                           v1::ModelDescription* response) {
  const auto digest = Digest::Parse(request->sha256());
  if (!digest.ok()) return ToGrpc(digest.status());
  const auto path = artifacts_.PathOf(*digest);
  if (!path.ok()) return ToGrpc(path.status());
  const auto model = ReadModelInfo(*path, "model " + digest->ShortHex());
  if (!model.ok()) return ToGrpc(model.status());
  response->set_kind(model->kind);
  response->set_size_bytes(model->size_bytes);
  response->set_producer(model->producer);
  response->set_ir_version(model->ir_version);
  response->set_opset(model->opset);
  response->set_parameters(model->parameters);
  const auto cost = cost_analysis_.CostOf(*path, [context] { return context->IsCancelled(); });
  if (!cost.ok()) response->add_notes("MACs and activations are not known: " + cost.status().message());
  if (cost.ok() && cost->multiply_accumulates)
    response->set_multiply_accumulates(*cost->multiply_accumulates);
  if (cost.ok() && cost->activation_peak_bytes)
    response->set_activation_peak_bytes(*cost->activation_peak_bytes);
  for (const TensorInfo& input : model->inputs) FillTensor(input, *response->add_inputs());
  for (const TensorInfo& output : model->outputs) FillTensor(output, *response->add_outputs());
  for (const auto& [name, count] : model->operators) {
    v1::OperatorCount& entry = *response->add_operators();
    entry.set_name(name);
    entry.set_count(static_cast<std::uint32_t>(count));
  }
  for (const std::string& note : model->notes) response->add_notes(note);
  std::set<std::string> drivers;
  for (const DeviceView& device :
       AskCore<std::vector<DeviceView>>(core_, [this] { return coordinator_.ViewDevices(); })) {
    if (CanBeGiven(device.record.description, model->kind)) drivers.insert(device.record.description.driver);
  }
  for (const std::string& driver : drivers) response->add_drivers(driver);
  return grpc::Status::OK;
}

}  // namespace paddock
