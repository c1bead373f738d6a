#include "kpi/network_facts.h"

#include <cstddef>
#include <utility>

#include "base/strict_json.h"
#include "kpi/tensor_json.h"

namespace paddock {
namespace {

constexpr ParseLimits kFactsLimits{.max_bytes = 1 << 20, .max_depth = 8, .max_nodes = 100'000};

Status CheckTensors(const std::vector<TensorInfo>& tensors, const std::string& path) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::string where = path + "[" + std::to_string(i) + "]";
    if (ElementSize(tensors[i].type) == 0)
      return InvalidArgumentError(where + ".type: a compiled model has numbers only");
    if (!ElementCount(tensors[i].shape))
      return InvalidArgumentError(where + ".shape: is open or too large for a compiled model");
  }
  return OkStatus();
}

void ReadLayers(StrictObject& root, std::vector<LayerFacts>* out) {
  const Json* const list = root.Child("layers");
  if (list == nullptr || !list->is_array())
    return root.Fail(InvalidArgumentError("layers: must be a list of layers"));
  for (std::size_t i = 0; i < list->size(); ++i) {
    LayerFacts& layer = out->emplace_back();
    StrictObject object((*list)[i], "layers[" + std::to_string(i) + "]");
    object.Required("name", &layer.name);
    object.Required("operators", &layer.operators);
    object.Required("multiply_accumulates", &layer.multiply_accumulates);
    object.Required("bytes", &layer.bytes);
    root.Fail(object.Finish());
  }
}

// Little-endian integers of an ELF file. A read past the end gives nothing.
class ElfBytes {
 public:
  explicit ElfBytes(std::string_view bytes) : bytes_(bytes) {}

  std::optional<std::uint64_t> Integer(std::uint64_t offset, std::size_t size) const {
    const auto view = Range(offset, size);
    if (!view) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i)
      value |= std::uint64_t{static_cast<unsigned char>((*view)[i])} << (8 * i);
    return value;
  }
  std::optional<std::string_view> Range(std::uint64_t offset, std::uint64_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) return std::nullopt;
    return bytes_.substr(offset, size);
  }

 private:
  std::string_view bytes_;
};

// Where the fields of headers lie, in files of 32 and of 64 bits (System V ABI, gABI 4.1, chapter 4).
struct ElfLayout {
  std::size_t word;                                                  // bytes of an address or offset
  std::uint64_t table_offset, entry_size, entry_count, names_index;  // in the file's header
  std::uint64_t section_header_bytes;
  std::uint64_t section_offset, section_size;  // in a section's header
};
constexpr ElfLayout kElf32{4, 32, 46, 48, 50, 40, 16, 20};
constexpr ElfLayout kElf64{8, 40, 58, 60, 62, 64, 24, 32};

constexpr std::uint32_t kSectionWithoutBytes = 8;  // SHT_NOBITS

Status BadElf(const std::string& what) {
  return InvalidArgumentError("not a compiled model: " + what + "; make it with step `firmware` or `host-c`");
}

struct ElfSections {
  ElfBytes bytes;
  const ElfLayout& layout;
  std::uint64_t table = 0, entry = 0, count = 0;

  std::optional<std::string_view> Content(std::uint64_t index) const {
    const std::uint64_t header = table + index * entry;
    const auto type = bytes.Integer(header + 4, 4);
    const auto offset = bytes.Integer(header + layout.section_offset, layout.word);
    const auto size = bytes.Integer(header + layout.section_size, layout.word);
    if (!type || !offset || !size || *type == kSectionWithoutBytes) return std::nullopt;
    return bytes.Range(*offset, *size);
  }
  // Empty where the name or the table of names is damaged.
  std::string_view Name(std::uint64_t index, std::string_view names) const {
    const auto offset = bytes.Integer(table + index * entry, 4);
    if (!offset || *offset >= names.size()) return {};
    const std::string_view name = names.substr(*offset);
    const auto end = name.find('\0');
    return end == name.npos ? std::string_view() : name.substr(0, end);
  }
};

Result<std::string_view> FindSection(std::string_view elf, std::string_view wanted) {
  constexpr std::string_view kElfMagic("\177ELF", 4);
  if (!elf.starts_with(kElfMagic) || elf.size() < 6) return BadElf("no ELF file");
  if ((elf[4] != 1 && elf[4] != 2) || elf[5] != 1) return BadElf("an ELF file that is not little-endian");
  const ElfLayout& layout = elf[4] == 1 ? kElf32 : kElf64;
  const ElfBytes bytes(elf);
  const auto table = bytes.Integer(layout.table_offset, layout.word);
  const auto entry = bytes.Integer(layout.entry_size, 2);
  const auto count = bytes.Integer(layout.entry_count, 2);
  const auto names_index = bytes.Integer(layout.names_index, 2);
  if (!table || !entry || !count || !names_index) return BadElf("a truncated ELF file");
  if (*entry < layout.section_header_bytes || !bytes.Range(*table, *entry * *count) || *names_index >= *count)
    return BadElf("an ELF file whose table of sections is damaged or cut off");
  const ElfSections sections{bytes, layout, *table, *entry, *count};
  const auto names = sections.Content(*names_index);
  if (!names) return BadElf("an ELF file whose names of sections are damaged or cut off");
  for (std::uint64_t i = 0; i < *count; ++i) {
    if (sections.Name(i, *names) != wanted) continue;
    const auto content = sections.Content(i);
    if (!content) return BadElf("its section " + std::string(wanted) + " is cut off");
    return *content;
  }
  return BadElf("an ELF file without section " + std::string(wanted));
}

}  // namespace

Json NetworkFactsToJson(const NetworkFacts& facts) {
  Json json = {{"target", facts.target},
               {"name", facts.name},
               {"inputs", TensorsAsJson(facts.inputs)},
               {"outputs", TensorsAsJson(facts.outputs)},
               {"layers", Json::array()},
               {"arena_bytes", facts.arena_bytes}};
  for (const LayerFacts& layer : facts.layers) {
    json["layers"].push_back({{"name", layer.name},
                              {"operators", layer.operators},
                              {"multiply_accumulates", layer.multiply_accumulates},
                              {"bytes", layer.bytes}});
  }
  if (facts.flash_bytes) json["flash_bytes"] = *facts.flash_bytes;
  if (facts.ram_bytes) json["ram_bytes"] = *facts.ram_bytes;
  if (facts.text_bytes) json["text_bytes"] = *facts.text_bytes;
  return json;
}

Result<NetworkFacts> NetworkFactsFromJson(const Json& json, const std::string& path) {
  NetworkFacts facts;
  StrictObject root(json, path);
  root.Required("target", &facts.target);
  root.Required("name", &facts.name);
  ReadTensors(root, "inputs", &facts.inputs);
  ReadTensors(root, "outputs", &facts.outputs);
  ReadLayers(root, &facts.layers);
  root.Required("arena_bytes", &facts.arena_bytes);
  root.Optional("flash_bytes", &facts.flash_bytes);
  root.Optional("ram_bytes", &facts.ram_bytes);
  root.Optional("text_bytes", &facts.text_bytes);
  PADDOCK_RETURN_IF_ERROR(root.Finish());
  const std::string prefix = path.empty() ? "" : path + ".";
  PADDOCK_RETURN_IF_ERROR(CheckTensors(facts.inputs, prefix + "inputs"));
  PADDOCK_RETURN_IF_ERROR(CheckTensors(facts.outputs, prefix + "outputs"));
  return facts;
}

std::string EncodeNetworkFacts(const NetworkFacts& facts) {
  return NetworkFactsToJson(facts).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<NetworkFacts> DecodeNetworkFacts(std::string_view json) {
  PADDOCK_ASSIGN_OR_RETURN(const Json parsed, ParseJson(json, "facts of a compiled model", kFactsLimits));
  return NetworkFactsFromJson(parsed, "");
}

Result<NetworkFacts> ReadNetworkFacts(std::string_view elf) {
  PADDOCK_ASSIGN_OR_RETURN(const std::string_view json, FindSection(elf, kNetworkFactsSection));
  auto facts = DecodeNetworkFacts(json);
  if (!facts.ok()) return facts.status().WithContext("section " + std::string(kNetworkFactsSection));
  return facts;
}

}  // namespace paddock
