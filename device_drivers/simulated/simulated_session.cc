#include "device_drivers/simulated/simulated_session.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include "base/file.h"
#include "base/random.h"
#include "device_drivers/api/input_check.h"

namespace paddock {
namespace {

constexpr std::uint64_t kWrongOutputMask = 0x5bd1e995a3c4f271;

[[noreturn]] void Crash() {
  std::signal(SIGSEGV, SIG_DFL);  // a sanitizer's handler would turn it into an exit
  std::raise(SIGSEGV);
  std::abort();
}

[[noreturn]] void NeverAnswer() {
  for (;;) pause();
}

std::uint64_t SeedOf(const SimulatedSettings& settings, const SessionRequest& request) {
  const std::uint64_t device_and_run = Random(Random(settings.seed).Next() ^ request.seed).Next();
  return device_and_run ^ request.repetition;
}

// FNV-1a.
std::uint64_t HashBytes(std::uint64_t hash, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 0x100000001b3;
  return hash;
}

// A finite number of the type: floats in [0, 1), integers over their whole range.
void WriteElement(ElementType type, Random& random, std::byte* to) {
  const auto put = [to](auto value) { std::memcpy(to, &value, sizeof(value)); };
  switch (type) {
    case ElementType::kFloat32:
      return put(static_cast<float>(random.Below(1 << 24)) / (1 << 24));
    case ElementType::kFloat64:
      return put(random.Uniform());
    case ElementType::kFloat16:
      return put(
          static_cast<std::uint16_t>(random.Next() & 0x3bff));  // without sign, exponent below that of 1
    case ElementType::kBfloat16:
      return put(static_cast<std::uint16_t>(random.Next() & 0x3f7f));
    case ElementType::kBool:
      return put(static_cast<std::uint8_t>(random.Next() & 1));
    default: {
      const std::uint64_t bits = random.Next();
      std::memcpy(to, &bits, ElementSize(type));
    }
  }
}

struct Query {
  std::vector<TensorView> inputs;
  std::uint64_t samples = 1;
};

class SimulatedSession final : public Session {
 public:
  SimulatedSession(const SimulatedSettings& settings, const SessionRequest& request)
      : settings_(settings),
        repetition_(request.repetition),
        inputs_(request.inputs),
        outputs_(request.outputs),
        random_(SeedOf(settings, request)) {}

  Status Load();

  const std::vector<TensorInfo>& Inputs() const override { return inputs_; }
  const std::vector<TensorInfo>& Outputs() const override { return outputs_; }
  std::map<std::string, std::string> EffectiveOptions() const override;
  Result<std::uint32_t> Bind(std::span<const TensorView> inputs) override;
  Status Invoke(std::uint32_t query) override;
  Result<std::vector<TensorView>> ReadOutputs() override;
  std::optional<std::uint64_t> DeviceTimeNs() const override { return last_ns_; }
  std::optional<double> EnergyJ() const override;
  std::optional<std::uint64_t> Cycles() const override;
  std::optional<std::uint64_t> ThrottleCount() const override;
  void EnterStage(std::string_view stage) override;

 private:
  void Inflict(const Fault& fault);
  double Factor();
  std::uint64_t ModelledNs(std::uint64_t samples);
  Tensor ComputeOutput(const TensorInfo& info, std::size_t index, const Query& query) const;

  const SimulatedSettings settings_;
  const std::uint32_t repetition_;
  const std::vector<TensorInfo> inputs_;
  const std::vector<TensorInfo> outputs_;
  Random random_;
  std::vector<Query> queries_;
  std::vector<Tensor> output_tensors_;
  std::optional<std::uint32_t> last_query_;
  std::optional<std::uint64_t> last_ns_;
  std::uint64_t total_ns_ = 0;
  std::uint64_t inferences_ = 0;
  std::uint64_t throttled_ = 0;  // inferences
  // Faults of the stage that the run is in.
  double slowdown_ = 1;
  bool unavailable_ = false;
  bool wrong_output_ = false;
};

Status SimulatedSession::Load() {
  if (inputs_.empty())
    return InvalidArgumentError("the model has no inputs; a simulated device needs at least one");
  EnterStage("loading");
  if (unavailable_) return UnavailableError("the simulated device does not answer (fault error@loading)");
  std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(settings_.load_ms * slowdown_));
  EnterStage("");
  return OkStatus();
}

void SimulatedSession::EnterStage(std::string_view stage) {
  slowdown_ = 1;
  unavailable_ = false;
  wrong_output_ = false;
  for (const Fault& fault : settings_.faults.At(stage, repetition_)) {
    if (TakeFaultMarker(settings_.fault_once)) Inflict(fault);
  }
}

void SimulatedSession::Inflict(const Fault& fault) {
  switch (fault.action) {
    case FaultAction::kSlow:
      slowdown_ = fault.argument;
      break;
    case FaultAction::kSilent:
      NeverAnswer();
    case FaultAction::kCrash:
      Crash();
    case FaultAction::kExit:
      std::_Exit(static_cast<int>(fault.argument));
    case FaultAction::kError:
      unavailable_ = true;
      break;
    case FaultAction::kWrongOutput:
      wrong_output_ = true;
      break;
    case FaultAction::kDisconnect:
      break;  // the agent's: DeviceDescription::link_cuts_s
  }
}

std::map<std::string, std::string> SimulatedSession::EffectiveOptions() const {
  return {{"latency_us", std::to_string(settings_.latency_us)},
          {"noise", std::to_string(settings_.noise)},
          {"seed", std::to_string(settings_.seed)},
          {"pace", settings_.pace == SimulatedPace::kReal ? "real" : "model"}};
}

Result<std::uint32_t> SimulatedSession::Bind(std::span<const TensorView> inputs) {
  PADDOCK_RETURN_IF_ERROR(CheckInputs(inputs_, inputs));
  Query query{{inputs.begin(), inputs.end()}, 1};
  if (!inputs[0].shape.empty()) query.samples = static_cast<std::uint64_t>(inputs[0].shape[0]);
  queries_.push_back(std::move(query));
  return static_cast<std::uint32_t>(queries_.size() - 1);
}

// How many times as long as without any behaviour the next inference takes. Numbers are drawn only for what is switched on,
// so that a behaviour left out changes nothing.
double SimulatedSession::Factor() {
  const double busy_s = static_cast<double>(total_ns_) * 1e-9;
  const double noise = settings_.noise * random_.Normal();
  double factor =
      std::max(settings_.noise_shape == SimulatedNoise::kLognormal ? std::exp(noise) : 1 + noise, 0.1);
  if (!last_ns_) factor *= settings_.first_inference_factor;
  if (settings_.throttle_after_s > 0 && busy_s >= settings_.throttle_after_s) {
    factor *= settings_.throttle_factor;
    ++throttled_;
  }
  if (settings_.drift_per_s != 0) factor *= std::max(1 + settings_.drift_per_s * busy_s, 0.1);
  if (settings_.bimodal_share > 0 && random_.Uniform() < settings_.bimodal_share)
    factor *= settings_.bimodal_factor;
  if (settings_.spike_share > 0 && random_.Uniform() < settings_.spike_share)
    factor *= settings_.spike_factor;
  return factor;
}

std::uint64_t SimulatedSession::ModelledNs(std::uint64_t samples) {
  double ns = settings_.latency_us * 1e3 * static_cast<double>(samples) * Factor() * slowdown_;
  if (settings_.stall_every > 0 && ++inferences_ % settings_.stall_every == 0) ns += settings_.stall_ms * 1e6;
  constexpr double kLongestNs = 1e18;
  return static_cast<std::uint64_t>(std::min(ns, kLongestNs));
}

Status SimulatedSession::Invoke(std::uint32_t query) {
  if (query >= queries_.size())
    return InvalidArgumentError("no query " + std::to_string(query) + " is bound");
  last_query_.reset();
  if (unavailable_) return UnavailableError("the simulated device does not answer (fault error)");
  last_ns_ = ModelledNs(queries_[query].samples);
  total_ns_ += *last_ns_;
  if (settings_.pace == SimulatedPace::kReal)
    std::this_thread::sleep_for(std::chrono::nanoseconds(*last_ns_));
  last_query_ = query;
  return OkStatus();
}

Result<std::vector<TensorView>> SimulatedSession::ReadOutputs() {
  if (!settings_.computes_outputs)
    return UnimplementedError("this simulated device has no outputs (option outputs=none)");
  if (!last_query_) return FailedPreconditionError("no query has run successfully, so there are no outputs");
  output_tensors_.clear();
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    output_tensors_.push_back(ComputeOutput(outputs_[i], i, queries_[*last_query_]));
  }
  std::vector<TensorView> views;
  for (const Tensor& tensor : output_tensors_) views.push_back(tensor.view());
  return views;
}

// One row of output per sample, made from that sample's input alone: how samples are put into queries does
// not matter.
Tensor SimulatedSession::ComputeOutput(const TensorInfo& info, std::size_t index, const Query& query) const {
  Tensor output{info, {}};
  Shape& shape = output.info.shape;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] < 0) shape[d] = d == 0 ? static_cast<std::int64_t>(query.samples) : 1;
  }
  const std::size_t element_size = ElementSize(info.type);
  const std::uint64_t count = ElementCount(shape).value_or(0);
  output.bytes.resize(count * element_size);

  const bool row_per_sample = !shape.empty() && static_cast<std::uint64_t>(shape[0]) == query.samples;
  const std::uint64_t rows = row_per_sample ? query.samples : 1;
  for (std::uint64_t row = 0; row < rows; ++row) {
    std::uint64_t hash = 0xcbf29ce484222325 + index;
    for (const TensorView& input : query.inputs) {
      const std::size_t slice = input.bytes.size() / rows;
      hash = HashBytes(hash, input.bytes.subspan(row * slice, slice));
    }
    Random random(wrong_output_ ? hash ^ kWrongOutputMask : hash);
    const std::uint64_t row_elements = count / rows;
    for (std::uint64_t i = row * row_elements; i < (row + 1) * row_elements; ++i) {
      WriteElement(info.type, random, output.bytes.data() + i * element_size);
    }
  }
  return output;
}

std::optional<double> SimulatedSession::EnergyJ() const {
  if (settings_.power_w == 0) return std::nullopt;
  return settings_.power_w * static_cast<double>(total_ns_) * 1e-9;
}

std::optional<std::uint64_t> SimulatedSession::Cycles() const {
  if (settings_.clock_mhz == 0) return std::nullopt;
  return static_cast<std::uint64_t>(settings_.clock_mhz * 1e-3 * static_cast<double>(total_ns_));
}

std::optional<std::uint64_t> SimulatedSession::ThrottleCount() const {
  if (settings_.throttle_after_s == 0) return std::nullopt;
  return throttled_;
}

}  // namespace

Result<std::unique_ptr<Session>> OpenSimulatedSession(const SimulatedSettings& settings,
                                                      const SessionRequest& request) {
  PADDOCK_RETURN_IF_ERROR(FileSize(request.artifact_path).status());
  const std::map<std::string, std::string> unknown = OptionsAsText(request.options);
  if (!unknown.empty()) {
    return UnimplementedError("driver 'simulated' has no runtime option '" + unknown.begin()->first +
                              "'; leave it out of the variant or select other devices");
  }
  auto session = std::make_unique<SimulatedSession>(settings, request);
  PADDOCK_RETURN_IF_ERROR(session->Load());
  return std::unique_ptr<Session>(std::move(session));
}

}  // namespace paddock
