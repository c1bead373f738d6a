#include "tests/conformance/two_runtimes.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/random.h"

namespace paddock {
namespace {

Shape Bound(Shape shape) {
  for (auto& dimension : shape) dimension = std::max<std::int64_t>(dimension, 1);
  return shape;
}

bool IsTurned(const Shape& onnx, const Shape& tflite) {
  return onnx.size() == 4 && onnx != tflite && Shape{onnx[0], onnx[2], onnx[3], onnx[1]} == tflite;
}

// Values in NHWC order from those in NCHW order, `shape` being ONNX's.
std::vector<double> ToNhwc(const std::vector<double>& values, const Shape& shape) {
  std::vector<double> result;
  for (std::int64_t h = 0; h < shape[2]; ++h) {
    for (std::int64_t w = 0; w < shape[3]; ++w) {
      for (std::int64_t c = 0; c < shape[1]; ++c)
        result.push_back(values[static_cast<std::size_t>((c * shape[2] + h) * shape[3] + w)]);
    }
  }
  return result;
}

Tensor TensorFrom(const std::vector<double>& reals, const TensorInfo& info,
                  const std::optional<Quantization>& quantization) {
  Tensor tensor{info, std::vector<std::byte>(reals.size() * ElementSize(info.type))};
  tensor.info.shape = Bound(info.shape);
  for (std::size_t i = 0; i < reals.size(); ++i) {
    if (info.type == ElementType::kFloat32) {
      const auto value = static_cast<float>(reals[i]);
      std::memcpy(tensor.bytes.data() + 4 * i, &value, 4);
    } else {
      const double integer =
          std::nearbyint(reals[i] / quantization->scale) + static_cast<double>(quantization->zero_point);
      tensor.bytes[i] = static_cast<std::byte>(static_cast<std::int8_t>(integer));
    }
  }
  return tensor;
}

std::vector<double> Values(const Tensor& tensor) {
  std::vector<double> values;
  const std::size_t count = tensor.bytes.size() / ElementSize(tensor.info.type);
  for (std::size_t i = 0; i < count; ++i) values.push_back(ElementAsDouble(tensor.view(), i));
  return values;
}

}  // namespace

std::optional<RuntimeModel> RuntimeModel::Open(const std::string& driver_name, const DriverOptions& options,
                                               const std::string& path, std::string* why) {
  RuntimeModel model;
  auto driver = (*FindDriver(driver_name))->create(options);
  if (!driver.ok()) {
    *why = driver.status().message();
    return std::nullopt;
  }
  model.driver_ = std::move(*driver);
  SessionRequest request;
  request.artifact_path = path;
  request.artifact_kind = driver_name == "tflite" ? "tflite" : "onnx";
  auto session = model.driver_->Open(request, Deadline::Never());
  PADDOCK_CHECK(session.ok(), driver_name + " opens " + path + ": " + session.status().message());
  model.session_ = std::move(*session);
  return model;
}

std::vector<Tensor> RuntimeModel::Run(const std::vector<Tensor>& inputs) {
  std::vector<TensorView> views;
  for (const Tensor& input : inputs) views.push_back(input.view());
  const auto query = session_->Bind(views);
  PADDOCK_CHECK(query.ok(), query.status().message());
  const Status status = session_->Invoke(*query);
  PADDOCK_CHECK(status.ok(), status.message());
  const auto outputs = session_->ReadOutputs();
  PADDOCK_CHECK(outputs.ok(), outputs.status().message());
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < outputs->size(); ++i) {
    const TensorView& view = (*outputs)[i];
    tensors.push_back(
        {{session_->Outputs()[i].name, view.type, view.shape, session_->Outputs()[i].quantization},
         {view.bytes.begin(), view.bytes.end()}});
  }
  return tensors;
}

std::int64_t RuntimeAgreement::Elements() const {
  std::int64_t sum = 0;
  for (const auto& [steps, count] : by_steps) sum += count;
  return sum;
}

std::int64_t RuntimeAgreement::BeyondOneStep() const {
  std::int64_t sum = 0;
  for (const auto& [steps, count] : by_steps) sum += steps > 1 ? count : 0;
  return sum;
}

std::string RuntimeAgreement::Text() const {
  std::string text = std::to_string(samples) + " samples, same best class in " + std::to_string(same_top1);
  if (by_steps.empty())
    return text + ", largest difference " + std::to_string(largest_difference * 1e6) + "e-6";
  text += ", elements by steps apart:";
  for (const auto& [steps, count] : by_steps)
    text += " " + std::to_string(steps) + ":" + std::to_string(count);
  return text;
}

RuntimeAgreement Compare(RuntimeModel& onnx, RuntimeModel& tflite, int samples) {
  Random random(20260101);
  RuntimeAgreement agreement;
  for (int sample = 0; sample < samples; ++sample) {
    std::vector<Tensor> for_onnx;
    std::vector<Tensor> for_tflite;
    for (std::size_t i = 0; i < onnx.inputs().size(); ++i) {
      const TensorInfo& from = onnx.inputs()[i];
      const TensorInfo& to = tflite.inputs()[i];
      PADDOCK_CHECK(from.name == to.name, from.name + " is " + to.name);
      std::vector<double> reals(*ElementCount(Bound(from.shape)));
      for (double& real : reals) {
        real = 2 * random.Uniform() - 1;
        if (to.quantization && to.type == ElementType::kInt8) {
          real = to.quantization->scale * (static_cast<double>(random.Below(256)) - 128 -
                                           static_cast<double>(to.quantization->zero_point));
        }
      }
      for_onnx.push_back(TensorFrom(reals, from, to.quantization));
      if (IsTurned(Bound(from.shape), Bound(to.shape))) reals = ToNhwc(reals, Bound(from.shape));
      for_tflite.push_back(TensorFrom(reals, to, to.quantization));
    }
    const auto expected = onnx.Run(for_onnx);
    const auto given = tflite.Run(for_tflite);
    PADDOCK_CHECK(expected.size() == given.size(), "both have the same outputs");
    for (std::size_t i = 0; i < given.size(); ++i) {
      std::vector<double> left = Values(expected[i]);
      const std::vector<double> right = Values(given[i]);
      if (IsTurned(expected[i].info.shape, given[i].info.shape)) left = ToNhwc(left, expected[i].info.shape);
      PADDOCK_CHECK(left.size() == right.size(), "both outputs have the same number of elements");
      const auto& quantization = given[i].info.quantization;
      const bool is_int8 = given[i].info.type == ElementType::kInt8;
      for (std::size_t k = 0; k < left.size(); ++k) {
        if (is_int8 && expected[i].info.type == ElementType::kFloat32)
          left[k] =
              std::nearbyint(left[k] / quantization->scale) + static_cast<double>(quantization->zero_point);
        const double difference = std::abs(left[k] - right[k]);
        if (is_int8) {
          ++agreement.by_steps[static_cast<std::int64_t>(difference)];
        } else {
          agreement.largest_difference = std::max(agreement.largest_difference, difference);
        }
      }
      const auto best = std::max_element(left.begin(), left.end()) - left.begin();
      const auto own_best = std::max_element(right.begin(), right.end()) - right.begin();
      if (i == 0) agreement.same_top1 += best == own_best ? 1 : 0;
    }
    ++agreement.samples;
  }
  return agreement;
}

}  // namespace paddock
