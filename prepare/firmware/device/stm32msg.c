/* The firmware that speaks ST's stm32msg, version 3.1, so that ST's host tools run the network: identification, description, and
 * inference with its duration, counts and, when asked, each layer's. Reading and writing memory, filters and self tests are not
 * offered. Silent until it is asked. */
#include <string.h>

#include "board.h"
#include "counter.h"
#include "line.h"
#include "model.h"
#include "network.h"
#include "protobuf.h"
#include "startup.h"

enum { SYNC = 0, SYSTEM_INFO = 1, NETWORK_INFO = 10, NETWORK_RUN = 11 };
enum { IDLE = 0, WAITING = 1, PROCESSING = 2, DONE = 3, FAILED = 4 };
enum { NO_ERROR = 0, INVALID_SIZE = 1, INVALID_PARAMETER = 4 };
enum { RUN_PER_LAYER = 2, RUN_PER_LAYER_WITH_DATA = 4, RUN_WITHOUT_DATA = 8, RUN_CONSTANT_INPUT = 512 };
enum {
  TENSOR_INPUT = 1,
  TENSOR_OUTPUT = 2,
  TENSOR_INTERNAL = 4,
  TENSOR_MEMORY = 8,
  TENSOR_LAST = 256,
  TENSOR_NO_DATA = 512,
  TENSOR_IN_MEMORY = 1024
};
enum { OPERATOR_INTERNAL = 1, OPERATOR_LAST = 2, OPERATOR_WITHOUT_TENSOR = 4 };
enum {
  FORMAT_BYTES = 0x00040440,
  SHAPE_AS_IT_IS = 5,
  WITH_FPU = 1 << 16,
  CAN_OBSERVE = 1,
  COMPILED_BY_GCC = 1,
  NOT_OF_CPU = 1,
  NOT_WATCHED = -1
};

#define VERSION (3u << 8 | 1u)
#define RUNTIME ((uint32_t)COMPILED_BY_GCC << 16) /* none of ST's */

static host_message request;
static int is_request_held; /* it came where something else was expected */
static char name[64];

typedef struct {
  uint32_t state;
  uint32_t field; /* of the message within */
  message_body body;
  const void* argument;
} response;

static void response_body(const void* argument) {
  const response* const r = argument;
  field_number(1, request.fields[1]);
  field_number(2, r->state);
  field_message(r->field, r->body, r->argument);
}

static void respond(uint32_t state, uint32_t field, message_body body, const void* argument) {
  const response r = {state, field, body, argument};
  message_send(response_body, &r);
}

static void acknowledge_body(const void* argument) {
  field_number(1, 0);
  field_number(2, *(const uint32_t*)argument);
}

static void acknowledge(uint32_t state, uint32_t error) { respond(state, 12, acknowledge_body, &error); }

static void sync_body(const void* argument) {
  (void)argument;
  field_number(1, VERSION);
  field_number(4, CAN_OBSERVE);
  field_number(5, RUNTIME);
}

static void system_body(const void* argument) {
  (void)argument;
  field_number(1, board_device_id);
  field_number(2, board_core_hz);
  field_number(3, board_core_hz);
#ifdef __ARM_FP
  field_number(4, WITH_FPU);
#else
  field_number(4, 0);
#endif
}

typedef struct {
  const model_tensor* tensor;
  uint32_t flags;
} tensor_view;

static uint8_t* arena(void) { return (uint8_t*)network_inputs[0].data - model_inputs[0].offset; }

static uint32_t elements(const model_tensor* tensor) {
  uint32_t count = 1;
  for (uint32_t i = 0; i < tensor->dimensions; ++i) count *= tensor->shape[i];
  return count;
}

/* The first dimension is the number of samples for ST's host: 1 goes before shapes that have another. */
static void tensor_description_body(const void* argument) {
  const tensor_view* const view = argument;
  const model_tensor* const tensor = view->tensor;
  const uint32_t added = tensor->shape[0] != 1u;
  field_text(1, tensor->name);
  field_number(2, tensor->format);
  field_number(3, elements(tensor));
  field_number(4, (uint32_t)SHAPE_AS_IT_IS << 24 | (tensor->dimensions + added));
  if (added) field_number(5, 1);
  for (uint32_t i = 0; i < tensor->dimensions; ++i) field_number(5, tensor->shape[i]);
  field_float(6, tensor->scale);
  field_number(7, (uint64_t)(int64_t)tensor->zero_point);
  field_number(8, view->flags & TENSOR_MEMORY ? 0 : (uint32_t)(uintptr_t)(arena() + tensor->offset));
  field_number(9, view->flags);
}

static void data_body(const void* argument) {
  const tensor_view* const view = argument;
  const uint32_t bytes = view->flags & TENSOR_NO_DATA ? 0 : view->tensor->bytes;
  field_number(1, 0);
  field_number(2, bytes);
  field_number(3, (uint32_t)(uintptr_t)(arena() + view->tensor->offset));
  field_bytes(4, arena() + view->tensor->offset, bytes);
}

static void tensor_body(const void* argument) {
  field_message(1, tensor_description_body, argument);
  field_message(2, data_body, argument);
}

static void describe(uint32_t field, const model_tensor* tensors, uint32_t count, uint32_t flags) {
  for (uint32_t i = 0; i < count; ++i) {
    const tensor_view view = {&tensors[i], flags};
    field_message(field, tensor_description_body, &view);
  }
}

static void network_body(const void* argument) {
  (void)argument;
  const model_tensor activations = {"arena", FORMAT_BYTES, 1, &model_arena_bytes, 0, 0, 0, 0};
  const model_tensor constants = {"constants", FORMAT_BYTES, 1, &model_constant_bytes, 0, 0, 0, 0};
  field_text(1, network_name);
  field_number(2, RUNTIME);
  field_text(3, ""); /* ST's signature of a model: there is none */
  field_text(4, "");
  field_number(5, 0);
  field_number(6, 0);
  field_number(7, model_multiply_accumulates);
  field_number(8, network_layer_count);
  field_number(10, network_input_count);
  describe(11, model_inputs, network_input_count, TENSOR_INPUT | TENSOR_IN_MEMORY);
  field_number(12, network_output_count);
  describe(13, model_outputs, network_output_count, TENSOR_OUTPUT | TENSOR_IN_MEMORY);
  field_number(14, 1);
  describe(15, &activations, 1, TENSOR_MEMORY | TENSOR_IN_MEMORY);
  field_number(16, 1);
  describe(17, &constants, 1, TENSOR_MEMORY | TENSOR_IN_MEMORY);
  field_text(20, "Paddock");
}

/* ---- inference */

typedef struct {
  const char* name;
  uint32_t flags;
  uint32_t id;
  uint64_t counts;
} operator_view;

static void operator_body(const void* argument) {
  const operator_view* const view = argument;
  field_text(1, view->name);
  field_number(2, view->flags << 24);
  field_number(3, view->id);
  field_float(4, (float)view->counts * 1000.0f / (float)counter_hz());
  field_number(5, counter_hz() == board_core_hz ? 0 : NOT_OF_CPU); /* pairs: the low and the high 32 bits */
  field_number(6, (uint32_t)view->counts);
  field_number(6, view->counts >> 32);
  field_number(7, (uint64_t)(int64_t)NOT_WATCHED);
  field_number(8, (uint64_t)(int64_t)NOT_WATCHED);
}

static uint64_t layer_began;
static uint64_t layer_counts; /* of all layers so far, without what was told of them */

static void tell_layer(uint32_t next) {
  const uint64_t now = counter_read();
  if (next > 0) {
    const int has_data = (request.fields[3] & RUN_PER_LAYER_WITH_DATA) != 0;
    const model_tensor* const layer = &model_layers[next - 1u];
    const operator_view view = {layer->name,
                                OPERATOR_INTERNAL | (next == network_layer_count ? OPERATOR_LAST : 0u) |
                                    (has_data ? 0u : OPERATOR_WITHOUT_TENSOR),
                                next - 1u, now - layer_began};
    layer_counts += view.counts;
    respond(PROCESSING, 16, operator_body, &view);
    if (has_data) {
      const tensor_view tensor = {layer, TENSOR_INTERNAL | TENSOR_LAST | TENSOR_IN_MEMORY};
      respond(PROCESSING, 17, tensor_body, &tensor);
    }
  }
  layer_began = counter_read();
  counter_restart(layer_began);
}

/* An input as one value stands for that value everywhere. */
static void repeat_first(uint8_t* data, uint32_t element_bytes, uint32_t bytes) {
  for (uint32_t i = element_bytes; i < bytes; ++i) data[i] = data[i - element_bytes];
}

/* 0: the host asks for something else, which is held, or is gone. */
static int receive_answer(host_message* message, void* data, uint32_t room) {
  if (!message_receive(message, data, room)) return 0;
  if (!message->has_option) return 1;
  request = *message;
  name[0] = '\0';
  is_request_held = 1;
  return 0;
}

static int receive_inputs(void) {
  for (uint32_t i = 0; i < network_input_count; ++i) {
    const network_tensor* const input = &network_inputs[i];
    const int is_constant = (request.fields[3] & RUN_CONSTANT_INPUT) != 0;
    const uint32_t element_bytes = input->type == NETWORK_FLOAT32 ? 4u : 1u;
    host_message message;
    if (!receive_answer(&message, input->data, input->bytes)) return 0;
    if (message.bytes != (is_constant ? element_bytes : input->bytes)) {
      acknowledge(FAILED, INVALID_SIZE);
      return 0;
    }
    if (is_constant) repeat_first(input->data, element_bytes, input->bytes);
    acknowledge(i + 1u == network_input_count ? PROCESSING : WAITING, NO_ERROR);
    if (!receive_answer(&message, 0, 0)) return 0;
  }
  return 1;
}

static void run(void) {
  if (strcmp(name, network_name) != 0) {
    acknowledge(FAILED, INVALID_PARAMETER);
    return;
  }
  acknowledge(WAITING, NO_ERROR);
  if (!receive_inputs()) return;
  const uint32_t mode = request.fields[3];
  operator_view view = {network_name, 0, 0, 0};
  board_flush();
  line_listen(0);
  if (mode & (RUN_PER_LAYER | RUN_PER_LAYER_WITH_DATA)) {
    layer_counts = 0;
    network_run_with_hook(tell_layer);
    view.counts = layer_counts;
  } else {
    const uint64_t before = counter_read();
    counter_restart(before);
    network_run();
    view.counts = counter_read() - before;
  }
  line_listen(1);
  respond(PROCESSING, 16, operator_body, &view);
  for (uint32_t i = 0; i < network_output_count; ++i) {
    const int is_last = i + 1u == network_output_count;
    const tensor_view output = {&model_outputs[i], TENSOR_OUTPUT | TENSOR_IN_MEMORY |
                                                       (is_last ? TENSOR_LAST : 0u) |
                                                       (mode & RUN_WITHOUT_DATA ? TENSOR_NO_DATA : 0u)};
    respond(is_last ? DONE : PROCESSING, 17, tensor_body, &output);
  }
}

static int receive_request(void) {
  if (is_request_held) {
    is_request_held = 0;
    return 1;
  }
  if (!message_receive(&request, name, sizeof name - 1u) || !request.has_option) return 0;
  name[request.bytes < sizeof name ? request.bytes : sizeof name - 1u] = '\0';
  return 1;
}

int main(void) {
  counter_start();
  line_listen(1);
  startup_done();
  for (;;) {
    if (!receive_request()) continue;
    switch (request.fields[2]) {
      case SYNC:
        respond(IDLE, 10, sync_body, 0);
        break;
      case SYSTEM_INFO:
        respond(IDLE, 11, system_body, 0);
        break;
      case NETWORK_INFO:
        if (request.fields[3] == 0) {
          respond(IDLE, 22, network_body, 0);
          break;
        }
        acknowledge(FAILED, INVALID_PARAMETER);
        break;
      case NETWORK_RUN:
        run();
        break;
      default:
        acknowledge(FAILED, INVALID_PARAMETER);
    }
  }
}
