#include "server/golden_model.h"

// PADDOCK_GOLDEN_FOLDER is the build's; CMakeLists.txt has the two files as dependencies of this one.
asm(".pushsection .rodata\n"
    "paddock_golden_model_begin:\n"
    ".incbin \"" PADDOCK_GOLDEN_FOLDER
    "/golden.onnx\"\n"
    "paddock_golden_model_end:\n"
    "paddock_golden_samples_begin:\n"
    ".incbin \"" PADDOCK_GOLDEN_FOLDER
    "/golden.npz\"\n"
    "paddock_golden_samples_end:\n"
    ".popsection\n");

extern "C" {
extern const char paddock_golden_model_begin[];
extern const char paddock_golden_model_end[];
extern const char paddock_golden_samples_begin[];
extern const char paddock_golden_samples_end[];
}

namespace paddock {

GoldenFiles EmbeddedGoldenFiles() {
  return {{paddock_golden_model_begin, paddock_golden_model_end},
          {paddock_golden_samples_begin, paddock_golden_samples_end}};
}

}  // namespace paddock
