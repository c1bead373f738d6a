#include "prepare/firmware/build_firmware.h"

#include <filesystem>
#include <future>
#include <map>
#include <sstream>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/scratch_folder.h"
#include "prepare/firmware/device_sources.h"
#include "prepare/firmware/network_section.h"
#include "prepare/firmware/toolchain.h"

namespace paddock {
namespace {

namespace fs = std::filesystem;

constexpr char kLinkTemplate[] = "link.ld.in";

// Bytes of an image, by section.
struct ImageSizes {
  std::uint64_t text = 0;  // code and constants
  std::uint64_t data = 0;  // initialised: in flash, and in RAM after start
  std::uint64_t bss = 0;
};

std::string Filled(std::string text, const std::map<std::string, std::uint64_t>& values) {
  for (const auto& [name, value] : values) {
    const std::string mark = "@" + name + "@";
    const auto at = text.find(mark);
    PADDOCK_CHECK(at != text.npos, "the template of the linker script has every mark");
    text.replace(at, mark.size(), std::to_string(value));
  }
  return text;
}

// The folder becomes what the compiler sees: device/ with the network in it.
Status WriteSources(std::string_view network_c, const KnownBoard& board, const std::string& folder) {
  for (const EmbeddedText& source : DeviceSources()) {
    const std::string path = folder + "/" + std::string(source.name);
    PADDOCK_RETURN_IF_ERROR(CreateDirectories(fs::path(path).parent_path().string()));
    if (source.name != kLinkTemplate) {
      PADDOCK_RETURN_IF_ERROR(WriteFileUnsynced(path, source.text));
      continue;
    }
    PADDOCK_RETURN_IF_ERROR(WriteFileUnsynced(
        folder + "/link.ld", Filled(std::string(source.text), {{"FLASH_ORIGIN", board.flash_begin},
                                                               {"RAM_ORIGIN", board.ram_begin},
                                                               {"STACK_BYTES", kFirmwareStackBytes}})));
  }
  PADDOCK_RETURN_IF_ERROR(WriteFileUnsynced(folder + "/network.h", NetworkHeader().front().text));
  return WriteFileUnsynced(folder + "/network.c", network_c);
}

std::vector<std::string> Command(const KnownBoard& board, std::vector<std::string> rest) {
  std::vector<std::string> argv = {ArmToolchain().compiler, "-mthumb", "-std=c99", "-ffunction-sections",
                                   "-fdata-sections"};
  std::istringstream processor{std::string(board.processor)};
  for (std::string option; processor >> option;) argv.push_back(option);
  argv.insert(argv.end(), rest.begin(), rest.end());
  return argv;
}

// Network and firmware are compiled at the same time: the network takes longer.
Status Compile(const KnownBoard& board, const FirmwareOptions& options, const std::string& folder) {
  const auto run = [&](std::vector<std::string> rest) {
    return RunTool(ArmToolchain(), Command(board, std::move(rest)), folder).status();
  };
  std::vector<std::string> firmware = {
      "-c",        "-Os",    "-I.",      "boards/" + std::string(board.name) + "/board.c",
      "startup.c", "line.c", "counter.c"};
  if (options.model_table.empty()) {
    firmware.insert(firmware.end(), {"main.c", "text.c", "frames.c"});
  } else {
    PADDOCK_RETURN_IF_ERROR(WriteFileUnsynced(folder + "/model.c", options.model_table));
    firmware.insert(firmware.end(), {"stm32msg.c", "protobuf.c", "model.c"});
  }
  std::future<Status> around = std::async(std::launch::async, run, firmware);
  const Status network = run({"-c", options.optimize_for_size ? "-Os" : "-O3", "-I.", "network.c"});
  PADDOCK_RETURN_IF_ERROR(around.get());
  PADDOCK_RETURN_IF_ERROR(network);
  std::vector<std::string> link = {
      "-nostartfiles", "-specs=nano.specs", "-Wl,--gc-sections", "-T", "link.ld", "-o",
      "firmware.elf",  "network.o"};
  for (const std::string& source : firmware) {
    if (source.ends_with(".c")) link.push_back(fs::path(source).stem().string() + ".o");
  }
  link.push_back("-lm");
  return run(std::move(link));
}

// By `size -A`: a line "NAME SIZE ADDRESS" for each section.
Result<ImageSizes> SizesOf(const std::string& folder) {
  PADDOCK_ASSIGN_OR_RETURN(
      const std::string table,
      RunTool(ArmToolchain(), {ArmToolchain().size, "-A", "-d", "firmware.elf"}, folder));
  std::map<std::string, std::uint64_t> sections;
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t bytes = 0;
    if (words >> name >> bytes) sections[name] = bytes;
  }
  if (sections[".vectors"] == 0) return InternalError("the image has no vectors");
  return ImageSizes{sections[".vectors"] + sections[".text"] + sections[".rodata"], sections[".data"],
                    sections[".bss"]};
}

Status CheckFits(const ImageSizes& sizes, const KnownBoard& board) {
  const std::uint64_t flash = sizes.text + sizes.data;
  const std::uint64_t ram = sizes.data + sizes.bss + kFirmwareStackBytes;
  std::string lacks;
  if (flash > board.flash_bytes) {
    lacks = std::to_string(flash) + " bytes of flash, of which it has " + std::to_string(board.flash_bytes);
  }
  if (ram > board.ram_bytes) {
    lacks += (lacks.empty() ? "" : ", and ") + std::to_string(ram) + " bytes of RAM, of which it has " +
             std::to_string(board.ram_bytes);
  }
  if (lacks.empty()) return OkStatus();
  return Status(StatusCode::kOutOfRange, "the model does not fit board '" + std::string(board.name) +
                                             "': it needs " + lacks +
                                             "; take a smaller model, int8 weights or another board");
}

}  // namespace

Result<NetworkFacts> BuildFirmware(std::string_view network_c, NetworkFacts facts, const KnownBoard& board,
                                   const FirmwareOptions& options, const std::string& out_path) {
  PADDOCK_RETURN_IF_ERROR(CheckToolchain(ArmToolchain()));
  PADDOCK_ASSIGN_OR_RETURN(const ScratchFolder scratch,
                           ScratchFolder::Make(fs::absolute(out_path).parent_path().string()));
  PADDOCK_RETURN_IF_ERROR(WriteSources(network_c, board, scratch.path()));
  PADDOCK_RETURN_IF_ERROR(Compile(board, options, scratch.path()));
  PADDOCK_ASSIGN_OR_RETURN(const ImageSizes sizes, SizesOf(scratch.path()));
  PADDOCK_RETURN_IF_ERROR(CheckFits(sizes, board));
  facts.target = board.name;
  facts.text_bytes = sizes.text;
  facts.flash_bytes = sizes.text + sizes.data;
  facts.ram_bytes = sizes.data + sizes.bss;
  PADDOCK_RETURN_IF_ERROR(AddFactsAndMove(ArmToolchain(), facts, scratch.path(), "firmware.elf", out_path));
  return facts;
}

}  // namespace paddock
