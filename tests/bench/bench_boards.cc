// Emulated boards as a farm uses them: a keyword model from file to firmware, ten boards that start and idle, and how fast an input
// comes onto one.
#include <sys/types.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/file.h"
#include "boards/known_boards.h"
#include "device_drivers/mcu/mcu_connection.h"
#include "prepare/codegen/import_onnx.h"
#include "prepare/codegen/plan_arena.h"
#include "prepare/codegen/write_c.h"
#include "prepare/firmware/build_firmware.h"
#include "prepare/firmware/firmware_steps.h"
#include "tests/bench/farm_process.h"
#include "tests/bench/report.h"
#include "tests/fakes/temp_dir.h"

namespace paddock::bench {
namespace {

constexpr char kBoard[] = "qemu-stm32f405";
constexpr int kRounds = 5;
constexpr int kBoards = 10;
constexpr double kIdleS = 10;

double SecondsOf(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

NetworkFacts Build(const std::string& model, const std::string& image) {
  Network network = Must(ImportOnnx(model, "bench"));
  Must(PlanArena(&network));
  return Must(BuildFirmware(WriteC(network), FactsOf(network), *FindKnownBoard(kBoard), {}, image));
}

std::unique_ptr<McuConnection> Open(const std::string& image, const std::string& protocol = "auto") {
  auto connection = std::make_unique<McuConnection>(
      Must(ReadMcuSettings({{"link", std::string("qemu:") + kBoard}, {"protocol", protocol}})));
  Must(connection->Open(image, Deadline::After(std::chrono::minutes(1))));
  return connection;
}

std::vector<pid_t> Children() {
  std::vector<pid_t> children;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream list(task.path() / "children");
    for (pid_t pid = 0; list >> pid;) children.push_back(pid);
  }
  return children;
}

// Percent of a processor that each child takes.
std::vector<double> IdlePercent() {
  std::vector<double> percent;
  const std::vector<pid_t> boards = Children();
  for (const pid_t pid : boards) percent.push_back(-CpuSeconds(pid));
  std::this_thread::sleep_for(std::chrono::duration<double>(kIdleS));
  for (std::size_t i = 0; i < boards.size(); ++i)
    percent[i] = 100 * (percent[i] + CpuSeconds(boards[i])) / kIdleS;
  return percent;
}

std::vector<double> UploadKilobytesPerS(const NetworkFacts& facts, const std::string& image,
                                        const std::string& protocol) {
  const auto connection = Open(image, protocol);
  const auto client = Must(connection->MakeClient(facts.outputs));
  std::vector<std::vector<std::byte>> bytes;
  std::vector<TensorView> inputs;
  std::size_t total = 0;
  for (const TensorInfo& input : facts.inputs) {
    bytes.emplace_back(*TensorBytes(input), std::byte{85});
    inputs.push_back({input.type, input.shape, bytes.back()});
    total += bytes.back().size();
  }
  std::vector<double> rates;
  for (int i = 0; i < kRounds; ++i)
    rates.push_back(static_cast<double>(total) / 1000 / SecondsOf([&] { Must(client->LoadInputs(inputs)); }));
  return rates;
}

void Run() {
  const char* const shared = std::getenv("PADDOCK_SHARED");
  const std::string models = std::string(shared == nullptr ? "" : shared) + "/data/mlperf-tiny/";
  const std::string keywords = models + "kws_int8.onnx";
  const std::string large = models + "vww_mobilenet_int8.onnx";
  for (const std::string& model : {keywords, large}) {
    if (!FileSize(model).ok()) return Note("skipped: there is no " + model);
  }
  const TempDir folder;
  const std::string image = folder / "keywords.elf";
  Table table("Emulated boards (STM32F405)");

  std::vector<double> seconds;
  for (int i = 0; i < kRounds; ++i) seconds.push_back(SecondsOf([&] { Build(keywords, image); }));
  const Spread build = SpreadOf(seconds);
  table.Row("keyword model, file to linked firmware, s", Number(build.median, 2), "<= 3", "",
            Range(build, 2));

  std::vector<std::unique_ptr<McuConnection>> boards;
  seconds.clear();
  for (int i = 0; i < kBoards; ++i)
    seconds.push_back(1000 * SecondsOf([&] { boards.push_back(Open(image)); }));
  const Spread ready = SpreadOf(seconds);
  table.Row("start to ready, each of ten, ms", Number(ready.median, 0), "<= 200", "", Range(ready, 0));
  const Spread idle = SpreadOf(IdlePercent());
  table.Row("ten idle boards, % of a processor each", Number(idle.median, 2), "< 0.5", "", Range(idle, 2));
  boards.clear();

  const std::string large_image = folder / "large.elf";
  const NetworkFacts facts = Build(large, large_image);
  const Spread text = SpreadOf(UploadKilobytesPerS(facts, large_image, "eembc"));
  const Spread frames = SpreadOf(UploadKilobytesPerS(facts, large_image, "auto"));
  table.Row("upload of an image of 27,648 bytes, kB/s", Number(frames.median, 1), ">= 40",
            Number(text.median, 1), Range(frames, 1));
}

}  // namespace
}  // namespace paddock::bench

int main() { paddock::bench::Run(); }
