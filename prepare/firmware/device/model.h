/* What ST's protocol tells of a network besides network.h: written for each model, beside its code. */
#ifndef PADDOCK_MODEL_H
#define PADDOCK_MODEL_H

#include <stdint.h>

typedef struct {
  const char* name;
  uint32_t format;     /* ST's ai_buffer_format */
  uint32_t dimensions; /* of `shape` */
  const uint32_t* shape;
  float scale;
  int32_t zero_point;
  uint32_t bytes;
  uint32_t offset; /* in the arena */
} model_tensor;

extern const model_tensor model_inputs[];
extern const model_tensor model_outputs[];
extern const model_tensor model_layers[]; /* the output of each layer, and the layer's name */
extern const uint64_t model_multiply_accumulates;
extern const uint32_t model_arena_bytes;
extern const uint32_t model_constant_bytes;

#endif
