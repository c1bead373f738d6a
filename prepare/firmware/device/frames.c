#include "frames.h"

#include <string.h>

#include "board.h"
#include "counter.h"
#include "line.h"
#include "message.h"
#include "network.h"
#include "text.h"

enum { WELL = 0, UNKNOWN_TYPE = 1, WRONG_LENGTH = 2, WRONG_RANGE = 3 };
enum { WRITE = 1, INFER = 2, READ = 3, PROFILE = 4 };

#define ANSWER_DATA 3u /* behind type, sequence number and status */
#define CRC_BYTES 4u
#define MOST_LAYERS (MESSAGE_DATA_BYTES / 8u)

static uint32_t length;  /* of the content so far */
static uint8_t block;    /* bytes until the next code byte of COBS */
static int is_zero_next; /* the block that ends here stands for a zero, too */
static int is_damaged;
static int is_empty;

static uint8_t last_sequence; /* 0: none that could be repeated */
static uint8_t last_status;   /* of the last inference, as the counts */
static uint64_t last_counts;

static uint32_t crc32(const uint8_t* bytes, uint32_t count) {
  static const uint32_t table[16] = {
      0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
      0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu};
  uint32_t crc = 0xFFFFFFFFu;
  while (count-- > 0) {
    crc ^= *bytes++;
    crc = crc >> 4 ^ table[crc & 15u];
    crc = crc >> 4 ^ table[crc & 15u];
  }
  return ~crc;
}

static uint32_t get32(const uint8_t* bytes) {
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void put(uint8_t* bytes, uint64_t value, uint32_t count) {
  for (; count > 0; --count, value >>= 8) *bytes++ = (uint8_t)value;
}

void frames_describe(void) {
  print_text("m-x-paddock-1-[counter=");
  print_text(counter_name());
  print_text(",hz=");
  print_unsigned(counter_hz());
  print_text(",data=");
  print_unsigned(MESSAGE_DATA_BYTES);
  print_text("]\r\n");
}

void frame_begin(void) {
  length = 0;
  block = 0;
  is_zero_next = 0;
  is_damaged = 0;
  is_empty = 1;
}

int frame_is_empty(void) { return is_empty; }

static void append(uint8_t byte) {
  if (length == MESSAGE_BYTES) {
    is_damaged = 1;
  } else {
    message[length++] = byte;
  }
}

void frame_take(uint8_t byte) {
  is_empty = 0;
  if (block > 0) {
    --block;
    append(byte);
    return;
  }
  if (is_zero_next) append(0);
  block = (uint8_t)(byte - 1u);
  is_zero_next = byte != 0xFFu;
}

/* Adds the CRC to the `count` bytes in `message` and sends them. */
static void send(uint32_t count) {
  put(message + count, crc32(message, count), CRC_BYTES);
  count += CRC_BYTES;
  board_send(0);
  for (uint32_t begin = 0; begin <= count;) {
    uint32_t end = begin;
    while (end < count && end - begin < 254u && message[end] != 0) ++end;
    board_send((uint8_t)(end - begin + 1u));
    for (uint32_t i = begin; i < end; ++i) board_send(message[i]);
    begin = end - begin == 254u ? end : end + 1u;
    if (begin == count && end - begin == 0u) break; /* a full block at the end stands for no zero */
  }
  board_send(0);
}

static uint8_t write(const uint8_t* request, uint32_t bytes) {
  if (bytes < 5u) return WRONG_LENGTH;
  const uint32_t offset = get32(request + 1);
  if (request[0] >= network_input_count) return WRONG_RANGE;
  const network_tensor* const input = &network_inputs[request[0]];
  bytes -= 5u;
  if (offset > input->bytes || bytes > input->bytes - offset) return WRONG_RANGE;
  memcpy((uint8_t*)input->data + offset, request + 5, bytes);
  text_forget_load();
  return WELL;
}

static uint8_t infer(const uint8_t* request, uint32_t bytes) {
  if (bytes != 8u) return WRONG_LENGTH;
  uint32_t inferences = get32(request);
  for (uint32_t i = get32(request + 4); i > 0; --i) network_run();
  line_listen(0);
  const uint64_t before = counter_read();
  counter_restart(before);
  for (; inferences > 0; --inferences) network_run();
  last_counts = counter_read() - before;
  line_listen(1);
  return WELL;
}

/* The answer's payload is moved to its place; `bytes` becomes its size. */
static uint8_t read(const uint8_t* request, uint32_t* bytes) {
  if (*bytes != 7u) return WRONG_LENGTH;
  const uint8_t index = request[0];
  const uint32_t offset = get32(request + 1);
  *bytes = request[5] | (uint32_t)request[6] << 8;
  if (index >= network_output_count || *bytes > MESSAGE_DATA_BYTES) return WRONG_RANGE;
  const network_tensor* const output = &network_outputs[index];
  if (offset > output->bytes || *bytes > output->bytes - offset) return WRONG_RANGE;
  memcpy(message + ANSWER_DATA, (const uint8_t*)output->data + offset, *bytes);
  return WELL;
}

static uint32_t first_layer;
static uint64_t layer_began;

static void note_layer(uint32_t layer) {
  const uint64_t now = counter_read();
  const uint32_t index = layer - 1u - first_layer;
  if (layer > first_layer && index < MOST_LAYERS)
    put(message + ANSWER_DATA + 2u + 8u * index, now - layer_began, 8);
  layer_began = counter_read();
}

static uint8_t profile(const uint8_t* request, uint32_t* bytes) {
  if (*bytes != 2u) return WRONG_LENGTH;
  first_layer = request[0] | (uint32_t)request[1] << 8;
  if (first_layer >= network_layer_count) return WRONG_RANGE;
  uint32_t layers = network_layer_count - first_layer;
  if (layers > MOST_LAYERS) layers = MOST_LAYERS;
  line_listen(0);
  counter_restart(counter_read());
  network_run_with_hook(note_layer);
  line_listen(1);
  put(message + ANSWER_DATA, layers, 2);
  *bytes = 2u + 8u * layers;
  return WELL;
}

void frame_end(void) {
  if (is_damaged || block != 0 || length < 2u + CRC_BYTES) return;
  uint32_t bytes = length - CRC_BYTES;
  if (crc32(message, bytes) != get32(message + bytes)) return;
  const uint8_t* const request = message + 2;
  const uint8_t sequence = message[1];
  /* What an inference answered is kept; everything else does the same again and gives the same answer. */
  const int is_repeated = sequence != 0 && sequence == last_sequence;
  uint8_t status = UNKNOWN_TYPE;
  bytes -= 2u;
  switch (message[0]) {
    case WRITE:
      status = write(request, bytes);
      bytes = 0;
      break;
    case INFER:
      if (!is_repeated) last_status = infer(request, bytes);
      status = last_status;
      put(message + ANSWER_DATA, last_counts, 8);
      bytes = 8;
      break;
    case READ:
      status = read(request, &bytes);
      break;
    case PROFILE:
      status = profile(request, &bytes);
      break;
    default:
      break;
  }
  last_sequence = sequence;
  message[0] |= 0x80u;
  message[2] = status;
  send(ANSWER_DATA + (status == WELL ? bytes : 0u));
}
