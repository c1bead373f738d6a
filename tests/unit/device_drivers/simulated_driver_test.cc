#include "device_drivers/simulated/simulated_driver.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <functional>
#include <numeric>

#include "base/file.h"
#include "tests/fakes/temp_dir.h"

namespace paddock {
namespace {

using Catch::Matchers::Contains;

// A simulated board with a file for a model of one input float32 x[?,2] and one output float32 y[?,3].
class Board {
 public:
  explicit Board(const DriverOptions& options = {}) {
    REQUIRE(WriteFileAtomically(folder_ / "model.onnx", "not read").ok());
    auto created = CreateSimulatedDriver(options);
    REQUIRE(created.status().ToString() == "OK");
    driver_ = std::move(*created);
    request_.artifact_path = folder_ / "model.onnx";
    request_.artifact_kind = "onnx";
    request_.inputs = {{"x", ElementType::kFloat32, {-1, 2}}};
    request_.outputs = {{"y", ElementType::kFloat32, {-1, 3}}};
  }

  SessionRequest& request() { return request_; }
  DeviceDriver& driver() { return *driver_; }
  Result<std::unique_ptr<Session>> TryOpen() { return driver_->Open(request_, Deadline::Never()); }
  std::unique_ptr<Session> Open() {
    auto session = TryOpen();
    REQUIRE(session.status().ToString() == "OK");
    return std::move(*session);
  }

 private:
  TempDir folder_;
  std::unique_ptr<DeviceDriver> driver_;
  SessionRequest request_;
};

const float kValues[] = {1, 2, 3, 4, 5, 6};

std::uint32_t BindSamples(Session& session, std::int64_t first, std::int64_t count) {
  const auto bytes = std::as_bytes(std::span(kValues)).subspan(first * 8, count * 8);
  const TensorView view{ElementType::kFloat32, {count, 2}, bytes};
  const auto query = session.Bind(std::span(&view, 1));
  REQUIRE(query.status().ToString() == "OK");
  return *query;
}

std::vector<std::uint64_t> Times(Session& session, int count) {
  const std::uint32_t query = BindSamples(session, 0, 1);
  std::vector<std::uint64_t> times;
  for (int i = 0; i < count; ++i) {
    REQUIRE(session.Invoke(query).ok());
    times.push_back(session.DeviceTimeNs().value());
  }
  return times;
}

std::vector<float> Outputs(Session& session, std::uint32_t query) {
  REQUIRE(session.Invoke(query).ok());
  const auto outputs = session.ReadOutputs();
  REQUIRE(outputs.status().ToString() == "OK");
  std::vector<float> values(outputs->front().bytes.size() / sizeof(float));
  std::memcpy(values.data(), outputs->front().bytes.data(), outputs->front().bytes.size());
  return values;
}

// How a process ends that does `action` and then exits with 42; a hanging one is killed by SIGALRM.
int EndOf(const std::function<void()>& action) {
  const pid_t child = fork();
  if (child == 0) {
    ualarm(200'000, 0);
    action();
    std::_Exit(42);
  }
  int how = 0;
  REQUIRE(waitpid(child, &how, 0) == child);
  return how;
}

TEST_CASE("the same seeds give the same times, another repetition gives others", "[simulated]") {
  Board board(DriverOptions{{"seed", "7"}});
  board.request().seed = 3;
  const auto times = Times(*board.Open(), 50);
  CHECK(Times(*board.Open(), 50) == times);
  board.request().repetition = 1;
  CHECK(Times(*board.Open(), 50) != times);
  board.request().repetition = 0;
  board.request().seed = 4;
  CHECK(Times(*board.Open(), 50) != times);
  Board other(DriverOptions{{"seed", "8"}});
  other.request().seed = 3;
  CHECK(Times(*other.Open(), 50) != times);
}

TEST_CASE("the modelled time is the latency, with noise around it, and more for the first inference",
          "[simulated]") {
  Board exact(DriverOptions{{"latency_us", "20"}, {"noise", "0"}, {"first_inference_factor", "4"}});
  CHECK(Times(*exact.Open(), 3) == std::vector<std::uint64_t>{80'000, 20'000, 20'000});

  Board noisy(DriverOptions{{"latency_us", "1000"}, {"noise", "0.1"}, {"first_inference_factor", "1"}});
  const auto times = Times(*noisy.Open(), 10'000);
  const double mean = std::accumulate(times.begin(), times.end(), 0.0) / 10'000;
  double variance = 0;
  for (const auto time : times)
    variance += (static_cast<double>(time) - mean) * (static_cast<double>(time) - mean);
  CHECK(mean == Approx(1e6).epsilon(0.01));
  CHECK(std::sqrt(variance / 10'000) == Approx(1e5).epsilon(0.05));
}

TEST_CASE("a query of several samples takes as many times as long", "[simulated]") {
  Board board(DriverOptions{{"latency_us", "20"}, {"noise", "0"}, {"first_inference_factor", "1"}});
  const auto session = board.Open();
  REQUIRE(session->Invoke(BindSamples(*session, 0, 3)).ok());
  CHECK(session->DeviceTimeNs() == 60'000);
}

TEST_CASE("energy is power times modelled time, and absent without power", "[simulated]") {
  Board board(DriverOptions{
      {"latency_us", "1000"}, {"noise", "0"}, {"first_inference_factor", "1"}, {"power_w", "2"}});
  const auto session = board.Open();
  CHECK(session->EnergyJ() == 0);
  Times(*session, 10);
  CHECK(session->EnergyJ().value() == Approx(0.02));
  CHECK_FALSE(Board(DriverOptions{{"power_w", "0"}}).Open()->EnergyJ().has_value());
}

TEST_CASE("at a real pace an inference takes the time that it says", "[simulated]") {
  Board board(DriverOptions{{"latency_us", "2000"}, {"pace", "real"}, {"noise", "0"}});
  const auto session = board.Open();
  const std::uint32_t query = BindSamples(*session, 0, 1);
  const auto start = std::chrono::steady_clock::now();
  REQUIRE(session->Invoke(query).ok());
  CHECK(std::chrono::steady_clock::now() - start >= std::chrono::nanoseconds(*session->DeviceTimeNs()));
}

TEST_CASE("hashed outputs depend on each sample alone, however the samples are grouped", "[simulated]") {
  Board board(DriverOptions{{"outputs", "hash"}});
  CHECK(board.driver().Describe().computes_outputs);
  const auto session = board.Open();
  const auto all = Outputs(*session, BindSamples(*session, 0, 3));
  REQUIRE(all.size() == 9);
  const auto second = Outputs(*session, BindSamples(*session, 1, 1));
  CHECK(second == std::vector<float>(all.begin() + 3, all.begin() + 6));
  CHECK(second != Outputs(*session, BindSamples(*session, 2, 1)));
  for (const float value : all) CHECK((value >= 0 && value < 1));
}

TEST_CASE("a board without outputs says so and does not make them up", "[simulated]") {
  Board board;
  CHECK_FALSE(board.driver().Describe().computes_outputs);
  const auto session = board.Open();
  REQUIRE(session->Invoke(BindSamples(*session, 0, 1)).ok());
  CHECK(session->ReadOutputs().status().code() == StatusCode::kUnimplemented);
}

TEST_CASE("wrong output differs from the right one, in its stage only", "[simulated]") {
  Board board(DriverOptions{{"outputs", "hash"}, {"fault", "wrong-output@predicting"}});
  const auto session = board.Open();
  const std::uint32_t query = BindSamples(*session, 0, 1);
  const auto right = Outputs(*session, query);
  session->EnterStage("predicting");
  CHECK(Outputs(*session, query) != right);
  session->EnterStage("reporting");
  CHECK(Outputs(*session, query) == right);
  CHECK_THAT(CreateSimulatedDriver({{"fault", "wrong-output@predicting"}}).status().message(),
             Contains("outputs=hash"));
}

TEST_CASE("a slow stage is slow by its factor", "[simulated]") {
  Board board(DriverOptions{{"noise", "0"}, {"first_inference_factor", "1"}, {"fault", "slow@measuring:5"}});
  const auto session = board.Open();
  CHECK(Times(*session, 1).front() == 1'000'000);
  session->EnterStage("measuring");
  CHECK(Times(*session, 1).front() == 5'000'000);
  session->EnterStage("predicting");
  CHECK(Times(*session, 1).front() == 1'000'000);
}

TEST_CASE("a board that stops answering is UNAVAILABLE", "[simulated]") {
  CHECK(Board(DriverOptions{{"fault", "error@loading"}}).TryOpen().status().code() ==
        StatusCode::kUnavailable);
  Board board(DriverOptions{{"fault", "error@measuring"}});
  const auto session = board.Open();
  const std::uint32_t query = BindSamples(*session, 0, 1);
  CHECK(session->Invoke(query).ok());
  session->EnterStage("measuring");
  CHECK(session->Invoke(query).code() == StatusCode::kUnavailable);
}

TEST_CASE("crash, exit and silence end or stop the process at their stage", "[simulated]") {
  const auto end_at = [](const std::string& fault, const std::string& stage) {
    Board board(DriverOptions{{"fault", fault}});
    return EndOf([&] { board.Open()->EnterStage(stage); });
  };
  const int crashed = end_at("crash@measuring", "measuring");
  CHECK((WIFSIGNALED(crashed) && WTERMSIG(crashed) == SIGSEGV));
  const int exited = end_at("exit@reporting:3", "reporting");
  CHECK((WIFEXITED(exited) && WEXITSTATUS(exited) == 3));
  const int silent = end_at("silent@warm-up", "warm-up");
  CHECK((WIFSIGNALED(silent) && WTERMSIG(silent) == SIGALRM));
  const int untouched = end_at("crash@measuring", "warm-up");
  CHECK((WIFEXITED(untouched) && WEXITSTATUS(untouched) == 42));
  const int loading = end_at("exit@loading", "measuring");
  CHECK((WIFEXITED(loading) && WEXITSTATUS(loading) == 1));
}

TEST_CASE("with a marker file only the first fault of all processes happens", "[simulated]") {
  const TempDir folder;
  Board board(DriverOptions{{"fault", "error@loading"}, {"fault_once", folder / "happened"}});
  CHECK_FALSE(board.TryOpen().ok());
  CHECK(board.TryOpen().ok());
  Board another(DriverOptions{{"fault", "error@loading"}, {"fault_once", folder / "happened"}});
  CHECK(another.TryOpen().ok());
}

TEST_CASE("with a marker file the link is cut once, and a cut is the fault that was allowed", "[simulated]") {
  const TempDir folder;
  const std::string marker = folder / "happened";
  Board board(DriverOptions{{"fault", "disconnect@loading:1;error@loading"}, {"fault_once", marker}});
  CHECK(board.driver().MayCutLink());
  CHECK_FALSE(board.driver().MayCutLink());
  CHECK(board.TryOpen().ok());
  Board always(DriverOptions{{"fault", "disconnect@loading:1"}});
  CHECK(always.driver().MayCutLink());
  CHECK(always.driver().MayCutLink());
}

// Without noise, after the first inference; in microseconds.
std::vector<std::uint64_t> QuietTimes(DriverOptions options, int count) {
  options.insert({"noise", "0"});
  options.insert({"first_inference_factor", "1"});
  const auto session = Board(options).Open();
  auto times = Times(*session, count);
  for (auto& time : times) time /= 1000;
  return times;
}

TEST_CASE("a throttling board is slower after its time of computing", "[simulated]") {
  const auto times = QuietTimes({{"throttle_after_s", "0.1"}, {"throttle_factor", "1.4"}}, 200);
  CHECK(times[99] == 1000);
  CHECK(times[100] == 1400);
  CHECK(times[199] == 1400);
}

TEST_CASE("a throttling board counts the inferences that it held back", "[simulated]") {
  CHECK_FALSE(Board(DriverOptions{}).Open()->ThrottleCount().has_value());
  const auto session =
      Board({{"throttle_after_s", "0.1"}, {"noise", "0"}, {"first_inference_factor", "1"}}).Open();
  CHECK(session->ThrottleCount() == 0U);
  Times(*session, 150);
  CHECK(session->ThrottleCount() == 50U);
}

TEST_CASE("a drifting board gets slower with its time of computing", "[simulated]") {
  const auto times = QuietTimes({{"drift_per_s", "0.5"}}, 1000);
  CHECK(times[0] == 1000);
  CHECK(times[1] == 1000);
  CHECK(times[999] == Approx(1000 * std::exp(0.5)).epsilon(0.01));
}

TEST_CASE("a bimodal board has two speeds, a board with spikes rare long ones", "[simulated]") {
  const auto share_of = [](const std::vector<std::uint64_t>& times, std::uint64_t time) {
    return static_cast<double>(std::count(times.begin(), times.end(), time)) /
           static_cast<double>(times.size());
  };
  const auto bimodal = QuietTimes({{"bimodal_share", "0.4"}, {"bimodal_factor", "1.5"}}, 10'000);
  CHECK(share_of(bimodal, 1500) == Approx(0.4).margin(0.02));
  CHECK(share_of(bimodal, 1000) + share_of(bimodal, 1500) == 1);
  const auto spikes = QuietTimes({{"spike_share", "0.01"}}, 10'000);
  CHECK(share_of(spikes, 5000) == Approx(0.01).margin(0.004));
}

TEST_CASE("a stalling board stands still at every so many inferences", "[simulated]") {
  const auto times = QuietTimes({{"stall_every", "3"}, {"stall_ms", "7"}}, 6);
  CHECK(times == std::vector<std::uint64_t>{1000, 1000, 8000, 1000, 1000, 8000});
}

TEST_CASE("lognormal noise is skewed and has the median of none", "[simulated]") {
  const auto session = Board({{"noise", "0.5"}, {"noise_shape", "lognormal"}}).Open();
  auto times = Times(*session, 10'001);
  std::sort(times.begin(), times.end());
  CHECK(static_cast<double>(times[5000]) == Approx(1e6).epsilon(0.03));
  CHECK(static_cast<double>(times[8413]) == Approx(1e6 * std::exp(0.5)).epsilon(0.04));
}

TEST_CASE("cycles are the clock times modelled time, and absent without a clock", "[simulated]") {
  CHECK_FALSE(Board().Open()->Cycles());
  const auto session = Board({{"clock_mhz", "80"}, {"noise", "0"}, {"first_inference_factor", "1"}}).Open();
  CHECK(session->Cycles() == 0U);
  Times(*session, 3);
  CHECK(session->Cycles() == 240'000U);
}

TEST_CASE("a simulated board refuses what it cannot do", "[simulated]") {
  Board options, kind, absent, inputs;
  options.request().options.threads = 2;
  CHECK(options.TryOpen().status().code() == StatusCode::kUnimplemented);
  CHECK_THAT(options.TryOpen().status().message(), Contains("'threads'"));
  kind.request().artifact_kind = "tflite";
  CHECK(kind.TryOpen().status().code() == StatusCode::kInvalidArgument);
  absent.request().artifact_path = "/nowhere/model.onnx";
  CHECK(absent.TryOpen().status().code() == StatusCode::kNotFound);
  inputs.request().inputs.clear();
  CHECK(inputs.TryOpen().status().code() == StatusCode::kInvalidArgument);

  const auto session = Board().Open();
  const TensorView wrong{ElementType::kInt8, {1, 2}, std::as_bytes(std::span(kValues)).first(2)};
  const Status status = session->Bind(std::span(&wrong, 1)).status();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK_THAT(status.message(), Contains("int8 x[1,2]"));
  CHECK(session->Invoke(9).code() == StatusCode::kInvalidArgument);
}

TEST_CASE("limits and link cuts are in the description", "[simulated]") {
  CHECK(Board().driver().Describe().limits.batch_bytes == 65536);
  Board board(DriverOptions{{"batch_bytes", "1000"}, {"fault", "disconnect@measuring:2"}});
  CHECK(board.driver().Describe().limits.batch_bytes == 1000);
  CHECK(board.driver().Describe().link_cuts_s == std::map<std::string, double>{{"measuring", 2}});
}

TEST_CASE("thousands of simulated boards live in one process", "[simulated]") {
  std::vector<std::unique_ptr<DeviceDriver>> boards;
  for (int i = 0; i < 5000; ++i) {
    auto board = CreateSimulatedDriver({{"seed", std::to_string(i)}});
    REQUIRE(board.ok());
    boards.push_back(std::move(*board));
  }
  CHECK(boards.back()->Probe(Deadline::Never()).ok());
}

}  // namespace
}  // namespace paddock
