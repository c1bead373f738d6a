#include "prepare/codegen/write_c.h"

#include <algorithm>

#include "prepare/codegen/c_text.h"
#include "prepare/codegen/embedded_text.h"
#include "prepare/codegen/write_layer.h"

namespace paddock {
namespace {

constexpr std::string_view kArena = R"(/* ---- the arena ---- */

static union {
  uint8_t bytes[ARENA_BYTES];
  uint64_t aligned;
} arena;

/* What a layer reads, and its scratch, are hidden from the compiler, so that of a layer's pointers one alone is known to lie in
 * the arena: gcc 12 takes a loop over two places of one array for one that stores nothing, and drops it (-O1 and -O2: its
 * induction variables lose what they point to). */
static inline void *hidden(uint32_t offset) {
  uint8_t *bytes = arena.bytes + offset;
#if defined(__GNUC__)
  __asm__("" : "+r"(bytes));
#endif
  return bytes;
}

#define INPUT_INT8(offset) ((const int8_t *)hidden(offset))
#define INPUT_UINT8(offset) ((const uint8_t *)hidden(offset))
#define INPUT_FLOAT32(offset) ((const float *)hidden(offset))
#define SCRATCH(offset) ((uint32_t *)hidden(offset))
#define OUTPUT_INT8(offset) ((int8_t *)(arena.bytes + (offset)))
#define OUTPUT_UINT8(offset) (arena.bytes + (offset))
#define OUTPUT_FLOAT32(offset) ((float *)(void *)(arena.bytes + (offset)))

)";

constexpr std::string_view kLayerFunction = R"(#if defined(__GNUC__)
#define LAYER static __attribute__((noinline)) void
#else
#define LAYER static void
#endif

)";

// A kernel's text without its guard, and the kernels that it includes.
struct Kernel {
  std::string text;
  std::vector<std::string> includes;
};

Kernel ReadKernel(std::string_view source) {
  Kernel kernel;
  std::vector<std::string> lines;
  while (!source.empty()) {
    const std::size_t end = source.find('\n');
    lines.emplace_back(source.substr(0, end));
    source.remove_prefix(end + 1);
  }
  const auto guard = std::find_if(lines.begin(), lines.end(), [](const std::string& line) {
    return line.starts_with("#ifndef NETWORK_");
  });
  lines.erase(guard, guard + 2);
  lines.pop_back();  // its #endif
  constexpr std::string_view kInclude = "#include \"";
  for (const std::string& line : lines) {
    if (line.starts_with(kInclude))
      kernel.includes.push_back(line.substr(kInclude.size(), line.size() - kInclude.size() - 1));
    else if (!line.empty() || !kernel.text.ends_with("\n\n"))
      kernel.text += line + "\n";
  }
  return kernel;
}

// Appends the kernel behind those that it includes, each once.
void AppendKernel(std::string_view name, std::set<std::string>* done, std::string* text) {
  if (!done->insert(std::string(name)).second) return;
  for (const EmbeddedText& source : KernelSources()) {
    if (source.name != name) continue;
    const Kernel kernel = ReadKernel(source.text);
    for (const std::string& include : kernel.includes) AppendKernel(include, done, text);
    *text += kernel.text;
    if (!text->ends_with("\n\n")) *text += "\n";
  }
}

std::string Tensors(const Network& network, std::string_view what,
                    const std::vector<std::uint32_t>& indices) {
  std::string text = "const uint32_t network_" + std::string(what) +
                     "_count = " + std::to_string(indices.size()) + ";\nconst network_tensor network_" +
                     std::string(what) + "s[] = {\n";
  for (const std::uint32_t index : indices) {
    const NetworkValue& value = network.values[index];
    const std::string type(CTypeName(value.type));
    const Quantization quantization = value.quantization.value_or(Quantization{0, 0});
    text += "    {" + CString(value.name) + ", NETWORK_" + type + ", " + std::to_string(value.Bytes()) +
            ", arena.bytes + " + std::to_string(value.arena_offset) + ", " +
            CFloat(static_cast<float>(quantization.scale)) + ", " + std::to_string(quantization.zero_point) +
            "},\n";
  }
  return text + "};\n";
}

std::string Run(const Network& network) {
  std::string text = "void network_run_with_hook(network_layer_hook hook) {\n";
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const NetworkLayer& layer = network.layers[i];
    const std::string number = std::to_string(i);
    text += "  if (hook) hook(" + number + ");\n  layer_" + number + "(); /* " + CCommentText(layer.name) +
            ": " + CCommentText(layer.operators) + ", " + LayerSizesText(network, layer) + " */\n";
  }
  return text + "  if (hook) hook(" + std::to_string(network.layers.size()) +
         ");\n}\n\nvoid network_run(void) { network_run_with_hook(0); }\n";
}

}  // namespace

std::string WriteC(const Network& network) {
  std::set<std::string_view> kernels;
  std::string layers;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const LayerText layer = WriteLayer(network, i);
    kernels.insert(layer.kernels.begin(), layer.kernels.end());
    layers += "/* ---- layer " + std::to_string(i) + ": " + CCommentText(network.layers[i].name) +
              " ---- */\n\n" + layer.constants + "LAYER layer_" + std::to_string(i) + "(void) {\n" +
              layer.statements + "}\n\n";
  }
  std::string text =
      "/* The network " + network.name +
      ". Written by Paddock; not to be edited.\n *\n * C99: " + std::to_string(network.layers.size()) +
      " layers, an arena of " + std::to_string(network.arena_bytes) +
      " bytes. One thread; no allocation. */\n#include \"network.h\"\n\n";
  std::set<std::string> done;
  for (const std::string_view kernel : kernels) AppendKernel(kernel, &done, &text);
  text += "#define ARENA_BYTES " + std::to_string(std::max<std::uint64_t>(network.arena_bytes, 8)) + "\n";
  text += kArena;
  text += kLayerFunction;
  text += layers;
  text += "/* ---- the network ---- */\n\nconst char network_name[] = " + CString(network.name) + ";\n";
  text += Tensors(network, "input", network.inputs);
  text += Tensors(network, "output", network.outputs);
  text += "const uint32_t network_layer_count = " + std::to_string(network.layers.size()) + ";\n\n";
  return text + Run(network);
}

}  // namespace paddock
