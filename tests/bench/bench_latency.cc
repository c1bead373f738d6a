// How much the farm adds to an inference: a repetition by paddock-worker beside a bare loop over the same runtime library,
// model and inputs, each in a fresh process, in turns; and what the measuring loop itself costs around a session that does
// nothing.
#include <sys/wait.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "agent/load_scenario.h"
#include "agent/worker_protocol.h"
#include "base/file.h"
#include "base/subprocess.h"
#include "kpi/run_record.h"
#include "prepare/batch.h"
#include "prepare/model_info.h"
#include "tests/bench/bare_onnxruntime.h"
#include "tests/bench/farm_process.h"
#include "tests/bench/report.h"

namespace paddock::bench {
namespace {

constexpr int kRounds = 9;
constexpr double kWarmupS = 0.2;
constexpr double kWindowS = 1.0;
constexpr std::uint64_t kSamples = 100;
constexpr std::uint64_t kNullQueries = 1'000'000;

struct Subject {
  std::string name;
  std::string model_path;
  std::string data_path;
  DataSpec data;
  double goal = 0;
};

std::vector<std::string> WorkerEnvironment() {
  std::vector<std::string> environment = CleanEnvironment();
  if (const char* library = std::getenv("PADDOCK_ONNXRUNTIME")) {
    environment.push_back(std::string("PADDOCK_ONNXRUNTIME=") + library);
  }
  return environment;
}

std::string BatchPath(const std::string& folder) { return folder + "/batch-00000.tensors"; }
std::string BareResultPath(const std::string& folder) { return folder + "/bare.txt"; }

void RunChild(const std::vector<std::string>& argv) {
  ProcessRequest request;
  request.argv = argv;
  request.environment = WorkerEnvironment();
  const ProcessResult result = Must(RunProcess(request, Deadline::After(std::chrono::minutes(2))));
  if (!result.succeeded())
    GiveUp(argv[0] + ": " + result.Describe() + " " + result.stdout_text + result.stderr_text);
}

// What paddock-agent would leave for its worker.
void WriteRequest(const Subject& subject, const std::string& folder) {
  const ModelInfo model = Must(ReadModelInfo(subject.model_path));
  const PreparedData data =
      Must(PrepareData(subject.data, subject.data_path, model, Task::kNone, DataLimits{}, folder));
  agent::WorkerRequest request;
  request.driver = "onnxruntime";
  request.artifact_path = subject.model_path;
  request.batch_paths = {data.batches.at(0).path};
  RunPlan& plan = request.plan;
  plan.run_id = "r-1";
  plan.artifact = Must(HashFile(subject.model_path));
  plan.artifact_kind = model.kind;
  plan.batches = {Must(HashFile(data.batches.at(0).path))};
  plan.sample_count = data.batches.at(0).samples;
  plan.inputs = model.inputs;
  plan.outputs = model.outputs;
  plan.scenario.min_duration_s = kWindowS;
  plan.scenario.median_precision = 0;
  plan.scenario.tail_precision = 0;
  plan.scenario.warmup = {.min_inferences = 10, .min_s = kWarmupS};
  plan.repetitions = kRounds;
  plan.keep_predictions = false;
  Must(WriteFileAtomically(agent::WorkerRequestPath(folder), agent::EncodeWorkerRequest(request)));
}

double FarmMedianNs(const std::string& folder, std::uint32_t round) {
  const auto spawned_ns = SystemClock().Now().time_since_epoch().count();
  RunChild({ProgramFolder() + "/paddock-worker", folder, std::to_string(round), std::to_string(spawned_ns)});
  const RepetitionRecord record = Must(DecodeRepetition(Must(ReadFile(agent::RecordPath(folder, round)))));
  const auto& latencies = record.queries.latency_ns;
  return SpreadOf(
             {latencies.begin() + static_cast<std::ptrdiff_t>(record.queries.warmup_count), latencies.end()})
      .median;
}

double BareMedianNs(const Subject& subject, const std::string& folder) {
  RunChild({ProgramFolder() + "/bench_latency", "--bare", subject.model_path, folder});
  return std::stod(Must(ReadFile(BareResultPath(folder))));
}

BareTensor OneSample(const TensorInfo& info) {
  BareTensor tensor{
      .name = info.name, .ort_type = info.type == ElementType::kInt8 ? 3 : 1, .shape = info.shape};
  if (info.type != ElementType::kInt8 && info.type != ElementType::kFloat32) {
    GiveUp("the bare loop knows float32 and int8, not " + TensorText(info));
  }
  if (tensor.shape.at(0) < 0) tensor.shape[0] = 1;
  return tensor;
}

int BareMain(const std::string& model_path, const std::string& folder) {
  const ModelInfo model = Must(ReadModelInfo(model_path));
  BareRequest request;
  request.model_path = model_path;
  request.batch_path = BatchPath(folder);
  request.input = OneSample(model.inputs.at(0));
  request.output = OneSample(model.outputs.at(0));
  request.warmup_s = kWarmupS;
  request.window_s = kWindowS;
  const auto latencies_ns = Must(RunBareLoop(request));
  Must(WriteFileAtomically(BareResultPath(folder), std::to_string(SpreadOf(latencies_ns).median)));
  return 0;
}

void Compare(const Subject& subject, Table& table) {
  const TempDir folder;
  WriteRequest(subject, folder.path());
  std::vector<double> ratios;
  std::vector<double> farm_us;
  std::vector<double> bare_us;
  for (std::uint32_t round = 0; round < kRounds; ++round) {
    // The two change places, so that neither always comes first.
    double bare_ns = round % 2 == 0 ? BareMedianNs(subject, folder.path()) : 0;
    const double farm_ns = FarmMedianNs(folder.path(), round);
    if (round % 2 == 1) bare_ns = BareMedianNs(subject, folder.path());
    ratios.push_back(farm_ns / bare_ns);
    farm_us.push_back(farm_ns / 1e3);
    bare_us.push_back(bare_ns / 1e3);
  }
  const Spread ratio = SpreadOf(ratios);
  const Spread farm = SpreadOf(farm_us);
  const Spread bare = SpreadOf(bare_us);
  table.Row(subject.name + ": median latency, farm / bare", Number(ratio.median, 3),
            "<= " + Number(subject.goal, 2), "1.000", Range(ratio, 3));
  table.Row(subject.name + ": median latency, us", Number(farm.median, 2), "", Number(bare.median, 2),
            Range(farm, 2) + " (bare " + Range(bare, 2) + ")");
}

class NullSession final : public Session {
 public:
  const std::vector<TensorInfo>& Inputs() const override { return none_; }
  const std::vector<TensorInfo>& Outputs() const override { return none_; }
  std::map<std::string, std::string> EffectiveOptions() const override { return {}; }
  Result<std::uint32_t> Bind(std::span<const TensorView>) override { return std::uint32_t{0}; }
  Status Invoke(std::uint32_t) override { return OkStatus(); }
  Result<std::vector<TensorView>> ReadOutputs() override { return std::vector<TensorView>(); }

 private:
  std::vector<TensorInfo> none_;
};

double NullQueryNs(const std::string& folder) {
  NullSession session;
  auto done = Must(agent::SharedCounter::Open(agent::CounterPath(folder)));
  const std::vector<agent::BoundQuery> queries(kSamples);
  agent::LoadRequest request{.scenario = {}, .queries = queries};
  request.scenario.min_duration_s = 0;
  request.scenario.median_precision = 0;
  request.scenario.tail_precision = 0;
  request.scenario.min_inferences = kNullQueries;
  request.scenario.warmup = {.min_inferences = 1000, .min_s = 0};
  const auto result = Must(agent::RunLoad(session, request, SystemClock(), done, [](std::string_view) {}));
  return static_cast<double>(result.window_ns) / static_cast<double>(kNullQueries);
}

double ClockPairNs() {
  const MonotonicTime begin = SystemClock().Now();
  for (std::uint64_t i = 0; i < 2 * kNullQueries; ++i) static_cast<void>(SystemClock().Now());
  return static_cast<double>((SystemClock().Now() - begin).count()) / static_cast<double>(kNullQueries);
}

void MeasureHarness(Table& table) {
  const TempDir folder;
  std::vector<double> query_ns;
  std::vector<double> pair_ns;
  std::vector<double> over_ns;
  std::vector<double> inside_ns;
  for (int round = 0; round < kRounds; ++round) {
    query_ns.push_back(NullQueryNs(folder.path()));
    pair_ns.push_back(ClockPairNs());
    over_ns.push_back(query_ns.back() - pair_ns.back());
    inside_ns.push_back(static_cast<double>(agent::MeasureTimerFloorNs(SystemClock())));
  }
  table.Row("harness overhead over the clock pair, ns per query", Number(SpreadOf(over_ns).median, 1),
            "<= 60", Number(0, 1), Range(SpreadOf(over_ns), 1));
  table.Row("null session, ns per query (floor: the clock pair)", Number(SpreadOf(query_ns).median, 1), "",
            Number(SpreadOf(pair_ns).median, 1), Range(SpreadOf(query_ns), 1));
  table.Row("part of it inside the latency (timer floor), ns", Number(SpreadOf(inside_ns).median, 1), "", "",
            Range(SpreadOf(inside_ns), 1));
}

std::vector<Subject> Subjects() {
  std::vector<Subject> subjects;
  const std::string demo = PADDOCK_SOURCE_DIR "/deploy/demo/";
  Subject digits{
      .name = "digits",
      .model_path = demo + "digits.onnx",
      .data_path = demo + "digits.npz",
      .data = {.inputs = {{"image", "x"}}, .labels = "y", .samples = kSamples, .seed = 7, .preprocess = {}},
      .goal = 1.05};
  digits.data.preprocess = {{"", CastStep{ElementType::kFloat32}}, {"", ScaleStep{0.0625, 0}}};
  const char* const shared = std::getenv("PADDOCK_SHARED");
  const std::string folder =
      (shared != nullptr && *shared != 0 ? std::string(shared) : PADDOCK_SOURCE_DIR "/../shared") +
      "/data/mlperf-tiny/";
  Subject keyword{.name = "keyword",
                  .model_path = folder + "kws_int8.onnx",
                  .data_path = folder + "kws01.npz",
                  .data = {.inputs = {}, .labels = "y", .samples = kSamples, .seed = 7, .preprocess = {}},
                  .goal = 1.02};
  if (std::filesystem::exists(keyword.model_path)) {
    const ModelInfo model = Must(ReadModelInfo(keyword.model_path));
    keyword.data.inputs = {{model.inputs.at(0).name, "x"}};
    if (model.inputs.at(0).type == ElementType::kFloat32) {
      keyword.data.preprocess = {{"", DequantizeStep{0.5847029089927673, 83}}};
    }
    subjects.push_back(std::move(keyword));
  } else {
    Note("no keyword model at " + keyword.model_path + " (PADDOCK_SHARED names the folder): left out");
  }
  subjects.push_back(std::move(digits));
  return subjects;
}

}  // namespace
}  // namespace paddock::bench

int main(int argc, char** argv) {
  using namespace paddock::bench;
  if (argc == 4 && std::strcmp(argv[1], "--bare") == 0) return BareMain(argv[2], argv[3]);
  const auto subjects = Subjects();
  Table table("Latency through the farm and without it, " + std::to_string(kRounds) +
              " rounds in turns, a fresh process each");
  for (const auto& subject : subjects) Compare(subject, table);
  MeasureHarness(table);
}
