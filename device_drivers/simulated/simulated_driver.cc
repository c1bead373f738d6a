#include "device_drivers/simulated/simulated_driver.h"

#include <string>
#include <utility>

#include "base/option_reader.h"
#include "device_drivers/simulated/simulated_session.h"

namespace paddock {
namespace {

constexpr std::uint64_t kMaxSeed = ~std::uint64_t{0};
constexpr std::uint64_t kDefaultBatchBytes = 64 * 1024;
constexpr std::uint64_t kMaxBatchBytes = std::uint64_t{1} << 40;

constexpr OptionDoc kOptions[] = {
    {"latency_us", "modelled time of one sample; default 1000"},
    {"noise", "relative standard deviation of that time, 0 to 1; default 0.01"},
    {"noise_shape", "normal, or lognormal: exp(noise * N); default normal"},
    {"throttle_after_s", "modelled seconds of computing after which it gets slower, 0: never; default 0"},
    {"throttle_factor", "how much slower then; default 1.5"},
    {"drift_per_s", "relative change of the time per modelled second of computing; default 0"},
    {"bimodal_share", "share of inferences that take bimodal_factor times as long, 0 to 1; default 0"},
    {"bimodal_factor", "default 1.3"},
    {"spike_share", "share of inferences that take spike_factor times as long, 0 to 1; default 0"},
    {"spike_factor", "default 5"},
    {"stall_every", "every so many inferences one takes stall_ms longer, 0: none; default 0"},
    {"stall_ms", "default 100"},
    {"first_inference_factor", "how much longer the first inference takes; default 3"},
    {"load_ms", "time that loading a model takes, really spent; default 0"},
    {"power_w", "power while it infers, 0 for a board without energy counter; default 0.25"},
    {"clock_mhz", "of its processor, for cycles, 0 for a board without cycle counter; default 0"},
    {"seed", "of the noise, with the run's seed and the repetition; default 0"},
    {"batch_bytes", "largest batch file that the board takes; default 65536"},
    {"outputs", "none, or hash: numbers that depend on the input only; default none"},
    {"pace",
     "model: answers at once and says how long it would have taken; real: also takes that long; default "
     "model"},
    {"fault",
     "ACTION@STAGE[#REPETITION][:ARGUMENT], several separated by ';', see simulated.md; default none"},
    {"fault_once", "marker file: after one fault has created it, none happens any more; default none"},
};

class SimulatedDriver final : public DeviceDriver {
 public:
  SimulatedDriver(SimulatedSettings settings, std::uint64_t batch_bytes) : settings_(std::move(settings)) {
    description_.driver = "simulated";
    description_.model = "simulated board";
    description_.runtime = "simulated 1";
    description_.labels = {{"arch", "simulated"}, {"class", "simulated"}};
    description_.artifact_kinds = {"onnx"};
    description_.limits.batch_bytes = batch_bytes;
    description_.computes_outputs = settings_.computes_outputs;
    description_.time_source = TimeSource::kModel;
    description_.link_cuts_s = settings_.faults.LinkCutsS();
  }

  const DeviceDescription& Describe() const override { return description_; }
  Status Probe(Deadline) override { return OkStatus(); }
  bool MayCutLink() override { return TakeFaultMarker(settings_.fault_once); }

  Result<std::unique_ptr<Session>> Open(const SessionRequest& request, Deadline) override {
    if (request.artifact_kind != "onnx") {
      return InvalidArgumentError("driver 'simulated' takes artifacts of kind 'onnx', not '" +
                                  request.artifact_kind + "'");
    }
    return OpenSimulatedSession(settings_, request);
  }

 private:
  const SimulatedSettings settings_;
  DeviceDescription description_;
};

}  // namespace

std::span<const OptionDoc> SimulatedOptions() { return kOptions; }

Result<std::unique_ptr<DeviceDriver>> CreateSimulatedDriver(const DriverOptions& options) {
  OptionReader reader("driver 'simulated'", options);
  SimulatedSettings settings;
  settings.latency_us = reader.Number("latency_us", settings.latency_us, 0.001, 1e9);
  settings.noise = reader.Number("noise", settings.noise, 0, 1);
  const std::string shape = reader.Choice("noise_shape", "normal", {"normal", "lognormal"});
  settings.noise_shape = shape == "normal" ? SimulatedNoise::kNormal : SimulatedNoise::kLognormal;
  settings.throttle_after_s = reader.Number("throttle_after_s", settings.throttle_after_s, 0, 1e9);
  settings.throttle_factor = reader.Number("throttle_factor", settings.throttle_factor, 0.001, 1e6);
  settings.drift_per_s = reader.Number("drift_per_s", settings.drift_per_s, -1, 1e3);
  settings.bimodal_share = reader.Number("bimodal_share", settings.bimodal_share, 0, 1);
  settings.bimodal_factor = reader.Number("bimodal_factor", settings.bimodal_factor, 0.001, 1e6);
  settings.spike_share = reader.Number("spike_share", settings.spike_share, 0, 1);
  settings.spike_factor = reader.Number("spike_factor", settings.spike_factor, 0.001, 1e6);
  settings.stall_every = reader.Unsigned("stall_every", settings.stall_every, 0, kMaxSeed);
  settings.stall_ms = reader.Number("stall_ms", settings.stall_ms, 0, 1e6);
  settings.clock_mhz = reader.Number("clock_mhz", settings.clock_mhz, 0, 1e6);
  settings.first_inference_factor =
      reader.Number("first_inference_factor", settings.first_inference_factor, 0.001, 1e6);
  settings.load_ms = reader.Number("load_ms", settings.load_ms, 0, 1e6);
  settings.power_w = reader.Number("power_w", settings.power_w, 0, 1e6);
  settings.seed = reader.Unsigned("seed", settings.seed, 0, kMaxSeed);
  const std::uint64_t batch_bytes = reader.Unsigned("batch_bytes", kDefaultBatchBytes, 1, kMaxBatchBytes);
  settings.computes_outputs = reader.Choice("outputs", "none", {"none", "hash"}) == "hash";
  settings.pace = reader.Choice("pace", "model", {"model", "real"}) == "real" ? SimulatedPace::kReal
                                                                              : SimulatedPace::kModel;
  const std::string faults = reader.Text("fault", "");
  settings.fault_once = reader.Text("fault_once", "");
  PADDOCK_RETURN_IF_ERROR(reader.Finish());
  PADDOCK_ASSIGN_OR_RETURN(settings.faults, FaultScript::Parse(faults));
  if (settings.faults.Has(FaultAction::kWrongOutput) && !settings.computes_outputs) {
    return InvalidArgumentError(
        "fault 'wrong-output' needs a simulated device with outputs; add `--option outputs=hash`");
  }
  return std::unique_ptr<DeviceDriver>(std::make_unique<SimulatedDriver>(std::move(settings), batch_bytes));
}

}  // namespace paddock
