/* What a generated network offers to what runs it: firmware, or a program on the host. C99. One thread, no allocation, no
 * library besides <math.h> for networks with float layers that need it; all state is in one static arena.
 *
 * network_run() reads its inputs and leaves them as they were, so that it can run again; outputs are valid until the next run. */
#ifndef PADDOCK_NETWORK_H
#define PADDOCK_NETWORK_H

#include <stdint.h>

typedef enum { NETWORK_FLOAT32 = 0, NETWORK_INT8 = 1, NETWORK_UINT8 = 2 } network_type;

typedef struct {
  const char* name;
  network_type type;
  uint32_t bytes;
  void* data;  /* in the arena, aligned to 4 bytes */
  float scale; /* value = scale * (integer - zero_point); 0 for float32 */
  int32_t zero_point;
} network_tensor;

extern const char network_name[];
extern const uint32_t network_input_count;
extern const network_tensor network_inputs[];
extern const uint32_t network_output_count;
extern const network_tensor network_outputs[];
extern const uint32_t network_layer_count;

void network_run(void);

/* Called before layer 0, 1, ... and with network_layer_count after the last. With a null pointer it is network_run(). */
typedef void (*network_layer_hook)(uint32_t layer);
void network_run_with_hook(network_layer_hook hook);

#endif
