#include "agent/repetition.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/edge_windows.h"
#include "agent/energy_measurement.h"
#include "agent/load_scenario.h"
#include "agent/machine_watch.h"
#include "agent/predictions.h"
#include "agent/query_set.h"
#include "base/file.h"
#include "kpi/run_record.h"

namespace paddock::agent {
namespace {

// VmHWM of this process.
std::optional<std::uint64_t> PeakMemoryBytes() {
  const auto status = ReadFile("/proc/self/status");
  if (!status.ok()) return std::nullopt;
  const std::string_view text = *status;
  const auto found = text.find("\nVmHWM:");
  if (found == std::string_view::npos) return std::nullopt;
  const auto digits = text.find_first_of("0123456789", found);
  if (digits == std::string_view::npos) return std::nullopt;
  std::uint64_t kib = 0;
  if (std::from_chars(text.data() + digits, text.data() + text.size(), kib).ec != std::errc())
    return std::nullopt;
  return kib * 1024;
}

// Whether what the host's clock says of loading and starting is of the device.
bool TimesHostSide(TimeSource source) { return source == TimeSource::kHost || source == TimeSource::kDevice; }

class Repetition {
 public:
  Repetition(DeviceDriver& driver, const RepetitionRequest& request, const Clock& clock,
             const std::function<void(std::string_view)>& report_stage)
      : driver_(driver),
        request_(request),
        plan_(request.work.plan),
        clock_(clock),
        report_stage_(report_stage),
        spawned_(request.spawned) {
    record_.index = request.index;
    record_.runtime = driver.Describe().runtime;
  }

  std::optional<Failure> Run() {
    EnterStage(kStageLoading);
    if (driver_.Describe().time_source == TimeSource::kDevice) StartEdgeMeter();
    // Before the runtime starts its threads.
    if (driver_.Describe().time_source == TimeSource::kHost)
      watch_.emplace(clock_, PlacementRequest{.threads = ThreadsAsked(), .cpus = request_.work.cpus});
    if (const Status status = Load(); !status.ok()) return FailureOfDriver(status, stage_);
    auto counter = SharedCounter::Open(CounterPath(request_.folder));
    if (!counter.ok()) return FailureOfFarm(counter.status(), stage_);
    if (const Status status = Measure(*counter); !status.ok()) return FailureOfDriver(status, stage_);
    if (const auto failure = KeepPredictions()) return failure;
    EnterStage(kStageReporting);
    if (const Status status = KeepNetwork(); !status.ok()) return FailureOfDriver(status, stage_);
    const Status status =
        WriteFileAtomically(RecordPath(request_.folder, request_.index), EncodeRepetition(record_));
    if (!status.ok()) return FailureOfFarm(status, stage_);
    return std::nullopt;
  }

 private:
  void EnterStage(std::string_view stage) {
    stage_ = stage;
    report_stage_(stage);
    if (session_) session_->EnterStage(stage);
  }

  Status Load() {
    const SessionRequest session_request{.artifact_path = request_.work.artifact_path,
                                         .artifact_kind = plan_.artifact_kind,
                                         .inputs = plan_.inputs,
                                         .outputs = plan_.outputs,
                                         .options = plan_.options,
                                         .seed = plan_.seed,
                                         .repetition = request_.index};
    const MonotonicTime begin = clock_.Now();
    // The agent ends this process at the repetition's deadline.
    PADDOCK_ASSIGN_OR_RETURN(session_, driver_.Open(session_request, Deadline::Never()));
    const MonotonicTime loaded = clock_.Now();
    record_.options = session_->EffectiveOptions();

    PADDOCK_ASSIGN_OR_RETURN(
        const QueryShape shape,
        ChooseQueryShape(session_->Inputs(), plan_.scenario, driver_.Describe().limits.samples_per_query,
                         plan_.sample_count));
    shape_ = shape;
    PADDOCK_ASSIGN_OR_RETURN(QuerySet set, QuerySet::Load(request_.work.batch_paths, session_->Inputs(),
                                                          shape, plan_.sample_count));
    queries_ = std::make_unique<QuerySet>(std::move(set));
    bound_.reserve(queries_->queries().size());
    for (const QuerySet::Query& query : queries_->queries()) {
      PADDOCK_ASSIGN_OR_RETURN(const std::uint32_t handle, session_->Bind(query.inputs));
      bound_.push_back({.handle = handle, .samples = query.samples});
    }

    const MonotonicTime first_begin = clock_.Now();
    PADDOCK_RETURN_IF_ERROR(session_->Invoke(bound_[0].handle));
    const MonotonicTime first_end = clock_.Now();
    record_.first_inference_ns = Nanoseconds(first_begin, first_end);
    if (const auto device_ns = session_->DeviceTimeNs()) record_.first_inference_ns = *device_ns;
    record_.clock = std::string(TimeSourceName(driver_.Describe().time_source));
    if (!TimesHostSide(driver_.Describe().time_source)) return OkStatus();
    record_.model_load_ns = Nanoseconds(begin, loaded);
    record_.cold_start_ns = Nanoseconds(spawned_, first_end);
    record_.timer_floor_ns = MeasureTimerFloorNs(clock_);
    return OkStatus();
  }

  Status Measure(SharedCounter& done) {
    const LoadRequest load{.scenario = MeasuredScenario(),
                           .queries = bound_,
                           .samples_per_query = shape_.samples_per_query * shape_.invocations_per_query,
                           .invocations_per_query = shape_.invocations_per_query,
                           .seed = plan_.seed ^ request_.index,
                           .timer_floor_ns = record_.timer_floor_ns};
    std::unique_ptr<EnergyMeasurement> energy;
    if (driver_.Describe().time_source != TimeSource::kDevice) energy = CreateMeter();
    if (watch_)
      PADDOCK_RETURN_IF_ERROR(watch_->BeforeWarmup(IsOpenLoop(plan_.scenario.kind), record_.timer_floor_ns));
    const bool beside_window = energy && !energy->on_device();
    if (beside_window && !Measured(BeginEnergy(*energy))) energy.reset();
    PADDOCK_ASSIGN_OR_RETURN(LoadResult result,
                             RunLoad(*session_, load, clock_, done, [&](std::string_view stage) {
                               EnterStage(stage);
                               if (stage != kStageMeasuring) return;
                               if (watch_) watch_->BeginWindow();
                               if (energy && beside_window) energy->BeginWindow();
                             }));
    if (energy && beside_window) energy->EndWindow();
    if (watch_) {
      PADDOCK_RETURN_IF_ERROR(watch_->EndWindow());
      record_.environment = watch_->environment();
      record_.environment->cooldown_s = request_.work.cooldown_s;
      record_.environment->cooldown_reached = request_.work.cooldown_reached;
      record_.counters = watch_->counters();
    }
    if (driver_.Describe().time_source == TimeSource::kHost) record_.peak_memory_bytes = PeakMemoryBytes();
    if (energy && !beside_window) {
      if (Measured(BeginEnergy(*energy))) {
        PADDOCK_RETURN_IF_ERROR(MeasureEnergyWindow(*energy, load, result.rate_hz, done));
      } else {
        energy.reset();
      }
    }
    if (energy) {
      EnterStage(kStageEnergy);
      auto trace = energy->Finish();
      if (Measured(trace.status())) {
        record_.power = std::move(trace).value();
        record_.edge_source = kHostEdges;
      }
    }
    if (edge_energy_) {
      EnterStage(kStageEnergy);
      const double inference_ns =
          static_cast<double>(MedianQueryNs(result.series)) / shape_.invocations_per_query;
      PADDOCK_RETURN_IF_ERROR(MeasureBetweenEdges(*session_, bound_, std::max(inference_ns, 1.0),
                                                  *edge_energy_, clock_, &record_));
    }
    record_.window_ns = result.window_ns;
    record_.energy_j = result.energy_j;
    if (result.cycles || result.instructions) {
      if (!record_.counters) record_.counters.emplace();
      record_.counters->cycles = result.cycles;
      record_.counters->instructions = result.instructions;
      record_.counters->missing.clear();
    }
    if (result.throttle_count) {
      if (!record_.environment) record_.environment.emplace();
      record_.environment->before.throttle_counts["device"] = 0;
      record_.environment->after.throttle_counts["device"] = *result.throttle_count;
    }
    record_.stop_reason = std::move(result.stop_reason);
    record_.rate_hz = result.rate_hz;
    record_.rate_probes = std::move(result.rate_probes);
    record_.queries = std::move(result.series);
    return OkStatus();
  }

  std::optional<Failure> KeepPredictions() {
    if (request_.index != 0 || !plan_.keep_predictions || !driver_.Describe().computes_outputs)
      return std::nullopt;
    EnterStage(kStagePredicting);
    auto stop = AnswerStop::Load(plan_.accuracy_interval, request_.work.labels_path);
    if (!stop.ok()) return FailureOfFarm(stop.status(), stage_);
    Predictions predictions(session_->Outputs());
    for (std::size_t i = 0; i < bound_.size() && !stop->IsEnough(predictions); ++i) {
      Status status = session_->Invoke(bound_[i].handle);
      if (!status.ok()) return FailureOfDriver(status, stage_);
      const auto outputs = session_->ReadOutputs();
      if (!outputs.ok()) return FailureOfDriver(outputs.status(), stage_);
      status = predictions.Add(*outputs, bound_[i].samples, queries_->queries()[i].rows);
      if (!status.ok()) return FailureOfDriver(status, stage_);
    }
    const auto bytes = predictions.Encode();
    if (!bytes.ok()) return FailureOfDriver(bytes.status(), stage_);
    const Status written = WriteFileAtomically(PredictionsPath(request_.folder, request_.index), *bytes);
    if (!written.ok()) return FailureOfFarm(written, stage_);
    return std::nullopt;
  }

  // What is known of a compiled network, and what its layers take.
  Status KeepNetwork() {
    record_.transcript = session_->Transcript();
    if (session_->Facts() == nullptr) return OkStatus();
    record_.network = *session_->Facts();
    if (request_.index != 0) return OkStatus();
    PADDOCK_ASSIGN_OR_RETURN(LayerCounts layers, session_->CountLayers());
    if (layers.counts.empty()) return OkStatus();
    record_.layer_counts = std::move(layers.counts);
    record_.layer_unit = std::move(layers.unit);
    record_.transcript = session_->Transcript();
    return OkStatus();
  }

  // An emulator's counts have no noise that more of them would average, and its seconds mean nothing: as many inferences as are
  // asked for, and no longer.
  Scenario MeasuredScenario() const {
    Scenario scenario = plan_.scenario;
    if (driver_.Describe().time_source != TimeSource::kInstructions) return scenario;
    scenario.min_duration_s = 0;
    scenario.warmup.min_s = 0;
    scenario.median_precision = 0;
    scenario.tail_precision = 0;
    return scenario;
  }

  std::uint32_t ThreadsAsked() const {
    if (plan_.options.threads) return *plan_.options.threads;
    const auto option = request_.work.options.find("threads");
    std::uint32_t threads = 0;
    if (option != request_.work.options.end()) {
      const std::string& text = option->second;
      std::from_chars(text.data(), text.data() + text.size(), threads);
    }
    return threads;
  }

  // A meter that fails costs the energy, not the repetition; the record says what it said.
  bool Measured(const Status& status) {
    if (!status.ok()) record_.no_energy = status.message();
    return status.ok();
  }

  std::unique_ptr<EnergyMeasurement> CreateMeter() {
    if (request_.work.meter.empty()) return nullptr;
    auto energy = EnergyMeasurement::Create(request_.work.meter, request_.work.meter_options, clock_,
                                            request_.energy_times);
    return Measured(energy.status()) ? std::move(energy).value() : nullptr;
  }

  // Of a device with a clock of its own.
  void StartEdgeMeter() {
    const MonotonicTime begin = clock_.Now();
    edge_energy_ = CreateMeter();
    if (edge_energy_ && !edge_energy_->sees_edges()) {
      record_.edge_source = kNoEdges;
      record_.no_energy = "meter " + request_.work.meter +
                          " sees no edges of the device's pin, and the device's clock is not the meter's; an "
                          "lpm01a with edges=d7 does";
      edge_energy_.reset();
    }
    if (edge_energy_ && !Measured(edge_energy_->Start())) edge_energy_.reset();
    spawned_ += clock_.Now() - begin;
  }

  Status BeginEnergy(EnergyMeasurement& energy) {
    EnterStage(kStageEnergy);
    Status status;
    const auto start = [&] { status = energy.Start(); };
    if (watch_) {
      watch_->StartElsewhere(start);
    } else {
      start();
    }
    if (status.ok()) energy.WaitIdle();
    return status;
  }

  // At the rate that was found, where one was searched.
  Status MeasureEnergyWindow(EnergyMeasurement& energy, LoadRequest load, std::optional<double> rate_hz,
                             SharedCounter& done) {
    if (load.scenario.latency_limit_s) {
      load.scenario.latency_limit_s.reset();
      load.scenario.target_rate_hz = rate_hz;
    }
    load.scenario.min_duration_s = energy.MinWindowS();
    load.scenario.max_duration_s = std::max(load.scenario.max_duration_s, 2 * energy.MinWindowS());
    load.scenario.median_precision = 0;
    load.scenario.tail_precision = 0;
    PADDOCK_ASSIGN_OR_RETURN(const LoadResult result,
                             RunLoad(*session_, load, clock_, done, [&](std::string_view stage) {
                               if (stage == kStageMeasuring) energy.BeginWindow();
                             }));
    energy.EndWindow();
    EnergyWindow window;
    const QuerySeries& queries = result.series;
    for (std::size_t entry = queries.warmup_count; entry < queries.latency_ns.size(); ++entry)
      window.samples += queries.SamplesOf(entry);
    window.median_latency_ns = MedianQueryNs(queries);
    record_.energy_window = window;
    return OkStatus();
  }

  // Of the measured queries.
  static std::uint64_t MedianQueryNs(const QuerySeries& queries) {
    std::vector<std::uint64_t> latencies;
    for (std::size_t entry = queries.warmup_count; entry < queries.latency_ns.size(); ++entry)
      latencies.push_back(queries.latency_ns[entry] / queries.invocations_per_reading);
    const auto middle = latencies.begin() + static_cast<std::ptrdiff_t>(latencies.size() / 2);
    std::nth_element(latencies.begin(), middle, latencies.end());
    return *middle;
  }

  static std::uint64_t Nanoseconds(MonotonicTime begin, MonotonicTime end) {
    return static_cast<std::uint64_t>((end - begin).count());
  }

  DeviceDriver& driver_;
  const RepetitionRequest& request_;
  const RunPlan& plan_;
  const Clock& clock_;
  const std::function<void(std::string_view)>& report_stage_;
  MonotonicTime spawned_;
  std::string_view stage_;
  RepetitionRecord record_;
  std::unique_ptr<QuerySet> queries_;  // the session refers to its bytes
  std::unique_ptr<Session> session_;
  std::vector<BoundQuery> bound_;
  QueryShape shape_;
  std::optional<MachineWatch> watch_;               // absent where the host means nothing
  std::unique_ptr<EnergyMeasurement> edge_energy_;  // null but for a device with a clock of its own
};

}  // namespace

std::optional<Failure> RunRepetition(DeviceDriver& driver, const RepetitionRequest& request,
                                     const Clock& clock,
                                     const std::function<void(std::string_view stage)>& report_stage) {
  return Repetition(driver, request, clock, report_stage).Run();
}

}  // namespace paddock::agent
