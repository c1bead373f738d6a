#include "tests/conformance/onnx_case.h"

#include <onnx/onnx_pb.h>

#include <cmath>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "base/file.h"

namespace paddock {
namespace {

constexpr double kRelativeTolerance = 1e-3;
constexpr double kAbsoluteTolerance = 1e-7;

std::optional<ElementType> TypeOf(int onnx_type) {
  switch (onnx_type) {
    case onnx::TensorProto::FLOAT:
      return ElementType::kFloat32;
    case onnx::TensorProto::UINT8:
      return ElementType::kUint8;
    case onnx::TensorProto::INT8:
      return ElementType::kInt8;
    case onnx::TensorProto::UINT16:
      return ElementType::kUint16;
    case onnx::TensorProto::INT16:
      return ElementType::kInt16;
    case onnx::TensorProto::INT32:
      return ElementType::kInt32;
    case onnx::TensorProto::INT64:
      return ElementType::kInt64;
    case onnx::TensorProto::BOOL:
      return ElementType::kBool;
    case onnx::TensorProto::FLOAT16:
      return ElementType::kFloat16;
    case onnx::TensorProto::DOUBLE:
      return ElementType::kFloat64;
    case onnx::TensorProto::UINT32:
      return ElementType::kUint32;
    case onnx::TensorProto::UINT64:
      return ElementType::kUint64;
    case onnx::TensorProto::BFLOAT16:
      return ElementType::kBfloat16;
    default:
      return std::nullopt;
  }
}

template <typename To>
void AppendValues(const auto& from, std::vector<std::byte>& bytes) {
  for (const auto item : from) {
    const To value = static_cast<To>(item);
    const auto* const data = reinterpret_cast<const std::byte*>(&value);
    bytes.insert(bytes.end(), data, data + sizeof(value));
  }
}

// TensorProto keeps values raw or in one of five lists of numbers that are wider than the type.
void AppendTyped(const onnx::TensorProto& proto, ElementType type, std::vector<std::byte>& bytes) {
  switch (type) {
    case ElementType::kFloat32:
      return AppendValues<float>(proto.float_data(), bytes);
    case ElementType::kFloat64:
      return AppendValues<double>(proto.double_data(), bytes);
    case ElementType::kInt64:
      return AppendValues<std::int64_t>(proto.int64_data(), bytes);
    case ElementType::kUint64:
      return AppendValues<std::uint64_t>(proto.uint64_data(), bytes);
    case ElementType::kUint32:
      return AppendValues<std::uint32_t>(proto.uint64_data(), bytes);
    case ElementType::kInt32:
      return AppendValues<std::int32_t>(proto.int32_data(), bytes);
    default:
      break;
  }
  if (ElementSize(type) == 2) return AppendValues<std::uint16_t>(proto.int32_data(), bytes);
  AppendValues<std::uint8_t>(proto.int32_data(), bytes);
}

Result<Tensor> ReadTensor(const std::string& path) {
  PADDOCK_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  onnx::TensorProto proto;
  if (!proto.ParseFromString(text)) return InvalidArgumentError("data: " + path + " is no tensor");
  const std::optional<ElementType> type = TypeOf(proto.data_type());
  if (!type) return InvalidArgumentError("data: " + path + " holds strings or no tensor");
  Tensor tensor;
  tensor.info = {proto.name(), *type, {proto.dims().begin(), proto.dims().end()}};
  if (proto.has_raw_data()) {
    const auto* const data = reinterpret_cast<const std::byte*>(proto.raw_data().data());
    tensor.bytes.assign(data, data + proto.raw_data().size());
  } else {
    AppendTyped(proto, *type, tensor.bytes);
  }
  const std::optional<std::uint64_t> count = ElementCount(tensor.info.shape);
  if (!count || *count * ElementSize(*type) != tensor.bytes.size()) {
    return InvalidArgumentError("data: " + path + " is no tensor, or its bytes do not fit its shape");
  }
  return tensor;
}

// input_0.pb, input_1.pb, ... as far as they go.
Result<std::vector<Tensor>> ReadTensors(const std::filesystem::path& folder, const std::string& kind) {
  std::vector<Tensor> tensors;
  for (int i = 0;; ++i) {
    const auto path = folder / (kind + "_" + std::to_string(i) + ".pb");
    if (!std::filesystem::exists(path)) return tensors;
    PADDOCK_ASSIGN_OR_RETURN(Tensor tensor, ReadTensor(path));
    tensors.push_back(std::move(tensor));
  }
}

bool Agree(double got, double wanted) {
  if (std::isnan(wanted) || std::isinf(wanted)) return std::isnan(wanted) ? std::isnan(got) : got == wanted;
  return std::abs(got - wanted) <= kAbsoluteTolerance + kRelativeTolerance * std::abs(wanted);
}

bool IsFloat(ElementType type) {
  return type == ElementType::kFloat16 || type == ElementType::kFloat32 || type == ElementType::kFloat64 ||
         type == ElementType::kBfloat16;
}

Status Compare(const TensorView& got, const TensorView& wanted, std::size_t index) {
  const TensorInfo got_info = {"output " + std::to_string(index), got.type, got.shape};
  if (got.type != wanted.type || got.shape != wanted.shape) {
    return InternalError("mismatch: " + TensorText(got_info) + " should be " +
                         TensorText({got_info.name, wanted.type, wanted.shape}));
  }
  if (!IsFloat(got.type)) {
    if (std::equal(got.bytes.begin(), got.bytes.end(), wanted.bytes.begin(), wanted.bytes.end()))
      return OkStatus();
    return InternalError("mismatch: " + TensorText(got_info) + " has other values");
  }
  const std::size_t count = got.bytes.size() / ElementSize(got.type);
  for (std::size_t i = 0; i < count; ++i) {
    const double value = ElementAsDouble(got, i);
    const double right = ElementAsDouble(wanted, i);
    if (Agree(value, right)) continue;
    return InternalError("mismatch: element " + std::to_string(i) + " of " + TensorText(got_info) + " is " +
                         std::to_string(value) + " instead of " + std::to_string(right));
  }
  return OkStatus();
}

Status RunDataSet(Session& session, const std::filesystem::path& folder) {
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<Tensor> inputs, ReadTensors(folder, "input"));
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<Tensor> wanted, ReadTensors(folder, "output"));
  std::vector<TensorView> views;
  for (const Tensor& input : inputs) views.push_back(input.view());
  const Result<std::uint32_t> query = session.Bind(views);
  if (!query.ok()) return query.status().WithContext("bind");
  if (const Status status = session.Invoke(*query); !status.ok()) return status.WithContext("invoke");
  PADDOCK_ASSIGN_OR_RETURN(const std::vector<TensorView> got, session.ReadOutputs());
  if (got.size() != wanted.size())
    return InternalError("mismatch: " + std::to_string(got.size()) + " outputs");
  for (std::size_t i = 0; i < got.size(); ++i) PADDOCK_RETURN_IF_ERROR(Compare(got[i], wanted[i].view(), i));
  return OkStatus();
}

}  // namespace

Status RunOnnxCase(DeviceDriver& driver, const std::string& folder) {
  SessionRequest request;
  request.artifact_path = folder + "/model.onnx";
  request.artifact_kind = "onnx";
  for (int set = 0;; ++set) {
    const auto data_set = std::filesystem::path(folder) / ("test_data_set_" + std::to_string(set));
    if (!std::filesystem::exists(data_set)) {
      return set > 0 ? OkStatus() : InvalidArgumentError("data: " + folder + " has no data set");
    }
    // The inputs must outlive the session, so each data set has its own.
    const auto session = driver.Open(request, Deadline::Never());
    if (!session.ok()) return session.status().WithContext("open");
    PADDOCK_RETURN_IF_ERROR(RunDataSet(**session, data_set));
  }
}

}  // namespace paddock
