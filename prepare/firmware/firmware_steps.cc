#include "prepare/firmware/firmware_steps.h"

#include <cctype>
#include <utility>

#include "base/architecture.h"
#include "base/digest.h"
#include "boards/known_boards.h"
#include "prepare/codegen/import_onnx.h"
#include "prepare/codegen/plan_arena.h"
#include "prepare/codegen/write_c.h"
#include "prepare/firmware/build_firmware.h"
#include "prepare/firmware/device_sources.h"
#include "prepare/firmware/model_table.h"

namespace paddock {
namespace {

constexpr OptionDoc kNameOption = {
    "name",
    "of the network, which the firmware says when it is asked (kws01); default: "
    "net_ and the beginning of the model's digest"};
constexpr OptionDoc kFirmwareOptions[] = {
    {"board", "what it is compiled for: a board that Paddock knows"},
    {"optimize", "the network's code for speed (default) or size"},
    {"protocol", "what the firmware speaks: eembc (default) or stm32msg, that of ST's host tools"},
    kNameOption,
};
constexpr OptionDoc kHostLibraryOptions[] = {kNameOption};

constexpr std::size_t kMaxNameLength = 60;

struct FirmwareStep {
  const KnownBoard* board = nullptr;
  FirmwareOptions options;
  bool speaks_stm32msg = false;
  std::string name;
};

// A name as the line carries it between brackets, and C as an identifier.
Result<std::string> ReadNetworkName(OptionReader& reader) {
  std::string name = reader.Text("name", "");
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto c = static_cast<unsigned char>(name[i]);
    if (c == '_' || (i == 0 ? std::isalpha(c) : std::isalnum(c)) != 0) continue;
    return InvalidArgumentError("option name: '" + name +
                                "' is no name: letters, digits and '_', a letter first");
  }
  if (name.size() > kMaxNameLength)
    return InvalidArgumentError("option name: it has more than " + std::to_string(kMaxNameLength) +
                                " letters");
  return name;
}

Result<FirmwareStep> ReadFirmwareStep(const std::map<std::string, std::string>& options) {
  FirmwareStep step;
  OptionReader reader("step 'firmware'", options);
  const std::string board = reader.Text("board", "");
  step.options.optimize_for_size = reader.Choice("optimize", "speed", {"speed", "size"}) == "size";
  step.speaks_stm32msg = reader.Choice("protocol", "eembc", {"eembc", "stm32msg"}) == "stm32msg";
  PADDOCK_ASSIGN_OR_RETURN(step.name, ReadNetworkName(reader));
  PADDOCK_RETURN_IF_ERROR(reader.Finish());
  step.board = FindKnownBoard(board);
  if (step.board != nullptr) return step;
  std::string names;
  for (const KnownBoard& known : KnownBoards()) names.append(names.empty() ? "" : ", ").append(known.name);
  return InvalidArgumentError((board.empty() ? "step 'firmware' needs board=NAME"
                                             : "step 'firmware': there is no board '" + board + "'") +
                              "; known are " + names);
}

Result<std::string> ReadHostLibraryStep(const std::map<std::string, std::string>& options) {
  OptionReader reader("step 'host-c'", options);
  PADDOCK_ASSIGN_OR_RETURN(std::string name, ReadNetworkName(reader));
  PADDOCK_RETURN_IF_ERROR(reader.Finish());
  return name;
}

Result<Network> PlannedNetwork(const StepRequest& request, std::string name) {
  if (name.empty()) {
    PADDOCK_ASSIGN_OR_RETURN(const Digest digest, HashFile(request.in_path));
    name = "net_" + digest.ShortHex();
  }
  PADDOCK_ASSIGN_OR_RETURN(Network network, ImportOnnx(request.in_path, name));
  PADDOCK_RETURN_IF_ERROR(PlanArena(&network));
  return network;
}

std::uint64_t ConstantBytes(const NetworkLayer& layer, const Network& network) {
  const bool has_table =
      layer.kind == LayerKind::kActivation && network.values[layer.inputs.front()].type == ElementType::kInt8;
  return layer.weights.size() + (has_table ? layer.table.size() : 0) +
         sizeof(std::int32_t) * (layer.bias.size() + layer.multipliers.size()) +
         sizeof(float) * (layer.float_weights.size() + layer.float_bias.size() + layer.float_constant.size());
}

std::vector<std::string> SizeLines(const NetworkFacts& facts, const KnownBoard* board) {
  std::uint64_t multiply_accumulates = 0;
  for (const LayerFacts& layer : facts.layers) multiply_accumulates += layer.multiply_accumulates;
  std::vector<std::string> lines = {"network " + facts.name, "layers " + std::to_string(facts.layers.size()),
                                    "multiply-accumulates " + std::to_string(multiply_accumulates),
                                    "arena " + std::to_string(facts.arena_bytes) + " bytes"};
  if (board == nullptr) return lines;
  lines.push_back("flash " + std::to_string(*facts.flash_bytes) + " of " +
                  std::to_string(board->flash_bytes) + " bytes");
  lines.push_back("text " + std::to_string(*facts.text_bytes) + " bytes: code and constants");
  lines.push_back("RAM " + std::to_string(*facts.ram_bytes) + " of " + std::to_string(board->ram_bytes) +
                  " bytes, without " + std::to_string(kFirmwareStackBytes) + " of stack");
  return lines;
}

}  // namespace

std::span<const OptionDoc> FirmwareStepOptions() { return kFirmwareOptions; }
std::span<const OptionDoc> HostLibraryStepOptions() { return kHostLibraryOptions; }

Status CheckFirmwareStep(const std::map<std::string, std::string>& options) {
  return ReadFirmwareStep(options).status();
}
Status CheckHostLibraryStep(const std::map<std::string, std::string>& options) {
  return ReadHostLibraryStep(options).status();
}

std::string FirmwareKind(const std::map<std::string, std::string>& options) {
  return "elf+" + options.at("board");
}
std::string HostLibraryKind(const std::map<std::string, std::string>&) { return "so+" + HostArchitecture(); }

Result<std::vector<std::string>> RunFirmwareStep(const StepRequest& request) {
  PADDOCK_ASSIGN_OR_RETURN(FirmwareStep step, ReadFirmwareStep(request.options));
  PADDOCK_ASSIGN_OR_RETURN(const Network network, PlannedNetwork(request, step.name));
  if (step.speaks_stm32msg) step.options.model_table = WriteModelTable(network);
  PADDOCK_ASSIGN_OR_RETURN(
      const NetworkFacts facts,
      BuildFirmware(WriteC(network), FactsOf(network), *step.board, step.options, request.out_path));
  return SizeLines(facts, step.board);
}

Result<std::vector<std::string>> RunHostLibraryStep(const StepRequest& request) {
  PADDOCK_ASSIGN_OR_RETURN(const std::string name, ReadHostLibraryStep(request.options));
  PADDOCK_ASSIGN_OR_RETURN(const Network network, PlannedNetwork(request, name));
  PADDOCK_ASSIGN_OR_RETURN(const NetworkFacts facts,
                           BuildHostLibrary(WriteC(network), FactsOf(network), request.out_path));
  return SizeLines(facts, nullptr);
}

Result<std::string> CompilerFingerprint(const Toolchain& toolchain) {
  static const std::string kSources = [] {
    Sha256 hash;
    for (const auto sources : {KernelSources(), DeviceSources(), NetworkHeader()}) {
      for (const EmbeddedText& source : sources) hash.Update(source.text);
    }
    return hash.Finish().ShortHex();
  }();
  PADDOCK_ASSIGN_OR_RETURN(const std::string version, ToolchainVersion(toolchain));
  return "compiler=" + version + " sources=" + kSources;
}

NetworkFacts FactsOf(const Network& network) {
  const auto tensors = [&](const std::vector<std::uint32_t>& indices) {
    std::vector<TensorInfo> infos;
    for (const std::uint32_t index : indices) {
      const NetworkValue& value = network.values[index];
      infos.push_back({value.name, value.type, value.shape, value.quantization});
    }
    return infos;
  };
  NetworkFacts facts;
  facts.name = network.name;
  facts.inputs = tensors(network.inputs);
  facts.outputs = tensors(network.outputs);
  for (const NetworkLayer& layer : network.layers) {
    facts.layers.push_back(
        {layer.name, layer.operators, layer.multiply_accumulates, ConstantBytes(layer, network)});
  }
  facts.arena_bytes = network.arena_bytes;
  return facts;
}

}  // namespace paddock
