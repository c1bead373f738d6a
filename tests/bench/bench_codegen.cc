// What generated code costs on a microcontroller: the models of MLPerf Tiny as whole firmware images on the emulated STM32F405,
// whose clock counts instructions. The same figures in every run.
#include <array>
#include <cstdlib>
#include <numeric>
#include <string>

#include "base/file.h"
#include "boards/known_boards.h"
#include "device_drivers/mcu/mcu_connection.h"
#include "prepare/codegen/import_onnx.h"
#include "prepare/codegen/plan_arena.h"
#include "prepare/codegen/write_c.h"
#include "prepare/firmware/build_firmware.h"
#include "prepare/firmware/firmware_steps.h"
#include "tests/bench/report.h"
#include "tests/fakes/temp_dir.h"

namespace paddock::bench {
namespace {

constexpr char kBoard[] = "qemu-stm32f405";

struct Model {
  const char* file;
  const char* what;
  const char* instructions_goal;  // per multiply-accumulate
  const char* ram_goal;
  const char* before;  // what the experiment before this code generator reached: instructions, RAM
};
constexpr std::array<Model, 4> kModels = {{
    {"ic_resnet8_int8.onnx", "ResNet-8", "<= 1.9", "<= 60", "2.11, 58.9 kB"},
    {"kws_int8.onnx", "keyword DS-CNN", "<= 2.5", "<= 22", "2.87, 21.2 kB"},
    {"vww_mobilenet_int8.onnx", "MobileNet wake word", "<= 2.8", "<= 98", "3.18, 97.6 kB"},
    {"ad_autoencoder_int8.onnx", "autoencoder", "<= 2.1", "<= 9", "2.34, 8.4 kB"},
}};

struct Figures {
  double instructions_per_mac = 0;
  double ram_kb = 0;
  double text_kb = 0;
};

// One inference of an input of zeros, as the board counts it.
std::uint64_t Instructions(const NetworkFacts& facts, const std::string& image) {
  const McuSettings settings = Must(ReadMcuSettings({{"link", std::string("qemu:") + kBoard}}));
  McuConnection connection(settings);
  Must(connection.Open(image, Deadline::After(std::chrono::minutes(1))));
  const auto client = Must(connection.MakeClient(facts.outputs));
  std::vector<std::vector<std::byte>> bytes;
  std::vector<TensorView> inputs;
  for (const TensorInfo& input : facts.inputs) {
    bytes.emplace_back(*TensorBytes(input));
    inputs.push_back({input.type, input.shape, bytes.back()});
  }
  Must(client->LoadInputs(inputs));
  return Must(client->Infer(1, 1)).duration_ns;  // a nanosecond each
}

Figures Measure(const Network& network, const KnownBoard& board, const TempDir& folder) {
  const std::string image = folder / "image.elf";
  const NetworkFacts facts = Must(BuildFirmware(WriteC(network), FactsOf(network), board, {}, image));
  const auto macs = std::accumulate(
      network.layers.begin(), network.layers.end(), std::uint64_t{0},
      [](std::uint64_t sum, const NetworkLayer& layer) { return sum + layer.multiply_accumulates; });
  Figures figures;
  figures.instructions_per_mac = static_cast<double>(Instructions(facts, image)) / static_cast<double>(macs);
  figures.ram_kb = static_cast<double>(*facts.ram_bytes + kFirmwareStackBytes) / 1000;
  figures.text_kb = static_cast<double>(*facts.text_bytes) / 1000;
  return figures;
}

void Run() {
  const char* const shared = std::getenv("PADDOCK_SHARED");
  const std::string models = std::string(shared == nullptr ? "" : shared) + "/data/mlperf-tiny/";
  const KnownBoard& dsp = *FindKnownBoard(kBoard);
  KnownBoard plain = dsp;
  plain.processor = "-mcpu=cortex-m3";  // a subset of what the board's processor knows
  const TempDir folder;
  Table table(
      "Generated C on the emulated STM32F405 (Cortex-M4, -O3); floor: the same without DSP instructions");
  for (const Model& model : kModels) {
    if (!FileSize(models + model.file).ok()) {
      Note("skipped: there is no " + models + model.file);
      continue;
    }
    Network network = Must(ImportOnnx(models + model.file, "bench"));
    Must(PlanArena(&network));
    const Figures figures = Measure(network, dsp, folder);
    const Figures floor = Measure(network, plain, folder);
    const std::string what = model.what;
    table.Row(what + ", instructions per MAC", Number(figures.instructions_per_mac, 2),
              model.instructions_goal, Number(floor.instructions_per_mac, 2),
              std::string("experiment: ") + model.before);
    table.Row("  RAM of the image with its stack, kB", Number(figures.ram_kb, 1), model.ram_goal,
              Number(floor.ram_kb, 1), "");
    table.Row("  code and constants, kB", Number(figures.text_kb, 1), "", Number(floor.text_kb, 1), "");
  }
}

}  // namespace
}  // namespace paddock::bench

int main() { paddock::bench::Run(); }
