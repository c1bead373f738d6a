/* Runs a generated network on samples: `run_samples INPUTS OUTPUTS` on the host, on a bare Cortex-M with the files "inputs" and
 * "outputs" of the emulator's folder (semihosting). The inputs' bytes of each sample follow one another; so do the outputs'.
 * Every sample is run twice: inputs must survive a run. */
#include <stdint.h>

#include "network.h"

#if defined(__arm__)
static int host(int operation, const void *arguments) {
  register int r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = arguments;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}
static int open_file(const char *name, uint32_t length, uint32_t mode) {
  const uint32_t arguments[3] = {(uint32_t)name, mode, length};
  return host(1, arguments);
}
/* 0 when all bytes were read, or written. */
static int transfer(int operation, int file, void *bytes, uint32_t count) {
  const uint32_t arguments[3] = {(uint32_t)file, (uint32_t)bytes, count};
  return host(operation, arguments);
}
static void leave(int code) {
  const uint32_t arguments[2] = {0x20026u, (uint32_t)code};
  host(0x20, arguments);
  for (;;) continue;
}
static int input_file, output_file;
static int take(void *bytes, uint32_t count) { return transfer(6, input_file, bytes, count) == 0; }
static int give(void *bytes, uint32_t count) { return transfer(5, output_file, bytes, count) == 0; }
#else
#include <stdio.h>
static FILE *input_file, *output_file;
static int take(void *bytes, uint32_t count) { return fread(bytes, 1, count, input_file) == count; }
static int give(void *bytes, uint32_t count) { return fwrite(bytes, 1, count, output_file) == count; }
#endif

static int run_all(void) {
  for (;;) {
    for (uint32_t i = 0; i < network_input_count; i++) {
      if (!take(network_inputs[i].data, network_inputs[i].bytes)) return i == 0 ? 0 : 3;
    }
    network_run();
    network_run();
    for (uint32_t i = 0; i < network_output_count; i++) {
      if (!give(network_outputs[i].data, network_outputs[i].bytes)) return 4;
    }
  }
}

#if defined(__arm__)
extern uint32_t stack_top[];
void reset(void);
void reset(void) {
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: the floating-point unit */
  __asm__ volatile("dsb\n\tisb");
#endif
  input_file = open_file("inputs", 6, 1);
  output_file = open_file("outputs", 7, 5);
  leave(input_file < 0 || output_file < 0 ? 2 : run_all());
}
static void fault(void) { leave(5); }
__attribute__((section(".vectors"), used)) static const struct {
  const void *stack;
  void (*handlers[15])(void);
} vectors = {stack_top, {reset, fault, fault, fault, fault, fault}};
#else
int main(int argc, char **argv) {
  if (argc != 3) return 1;
  input_file = fopen(argv[1], "rb");
  output_file = fopen(argv[2], "wb");
  if (input_file == NULL || output_file == NULL) return 2;
  const int code = run_all();
  return fclose(output_file) == 0 ? code : 4;
}
#endif
