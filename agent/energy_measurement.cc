#include "agent/energy_measurement.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "device_drivers/meters_registry.h"

namespace paddock::agent {
namespace {

constexpr double kMinPeriods = 100;
constexpr auto kProbeWithin = std::chrono::seconds(10);

Result<std::unique_ptr<PowerMeter>> CreateMeter(const std::string& meter, const DriverOptions& options) {
  PADDOCK_ASSIGN_OR_RETURN(const MeterEntry* entry, FindMeter(meter));
  auto created = entry->create(options, "");
  if (!created.ok()) return created.status().WithContext("meter " + meter);
  return created;
}

}  // namespace

Status CheckMeter(const std::string& meter, const DriverOptions& options) {
  const auto created = CreateMeter(meter, options);
  const Status status = created.ok()
                            ? (*created)->Probe(Deadline::After(kProbeWithin)).WithContext("meter " + meter)
                            : created.status();
  if (status.ok() || status.code() == StatusCode::kInvalidArgument) return status;
  const auto other = FirstWorkingMeter("", Deadline::After(kProbeWithin));
  return Status(status.code(), status.message() + "; " +
                                   (other.ok() ? "this machine has a working " + (*other)->Describe().source
                                               : other.status().message()) +
                                   "; without a meter in the agent's configuration energy is not measured");
}

Result<std::unique_ptr<EnergyMeasurement>> EnergyMeasurement::Create(const std::string& meter,
                                                                     const DriverOptions& options,
                                                                     const Clock& clock,
                                                                     const EnergyTimes& times) {
  PADDOCK_ASSIGN_OR_RETURN(auto created, CreateMeter(meter, options));
  return std::unique_ptr<EnergyMeasurement>(new EnergyMeasurement(std::move(created), clock, times));
}

double EnergyMeasurement::MinWindowS() const {
  const double period_s = static_cast<double>(meter_->Describe().period_ns) / 1e9;
  return std::max(times_.window_s, kMinPeriods * period_s);
}

Status EnergyMeasurement::Start() { return meter_->Start(); }

Result<std::size_t> EnergyMeasurement::TakeEdges() {
  PowerTrace taken;
  PADDOCK_RETURN_IF_ERROR(meter_->Drain(&taken));
  return taken.edges.size();
}

void EnergyMeasurement::WaitIdle() {
  const std::int64_t begin_ns = Now();
  std::this_thread::sleep_for(std::chrono::duration<double>(times_.idle_s));
  trace_.idle_before = TimeSpan{begin_ns, Now()};
}

void EnergyMeasurement::BeginWindow() { trace_.window = TimeSpan{Now(), Now()}; }
void EnergyMeasurement::EndWindow() { trace_.window->end_ns = Now(); }

Result<PowerTrace> EnergyMeasurement::Finish() {
  // An averaging sensor still tells of the window for as long as it averages.
  const auto averaging = std::chrono::nanoseconds(meter_->Describe().averaging_ns);
  std::this_thread::sleep_for(averaging);
  const std::int64_t begin_ns = Now();
  std::this_thread::sleep_for(std::chrono::duration<double>(times_.idle_s));
  trace_.idle_after = TimeSpan{begin_ns, Now()};
  meter_->Stop();
  PADDOCK_RETURN_IF_ERROR(meter_->Drain(&trace_));
  return std::move(trace_);
}

}  // namespace paddock::agent
