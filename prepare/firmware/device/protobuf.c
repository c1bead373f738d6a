#include "protobuf.h"

#include <string.h>

#include "board.h"
#include "counter.h"
#include "line.h"

#define PACKET_BYTES 32u
#define LAST_PACKET 0x80u
#define GO_ON 0xAAu

enum { NUMBER = 0, FIXED_64 = 1, BYTES = 2, FIXED_32 = 5 }; /* how a field is written */

/* ---- in */

static uint32_t packet_left;  /* bytes of the packet that mean something and were not taken yet */
static uint32_t padding;      /* bytes behind them */
static uint32_t message_left; /* bytes of the message that were not taken yet, once its length is known */
static int is_in_message;
static int is_in_packet;
static int is_broken;
static uint64_t last_heard;
static int held_byte = -1; /* of the next message */

/* Half a packet of a host that went away: a quarter of a second of silence ends it, since a new
 * one looks for the board within half a second. Between packets hosts may take their time. */
static uint8_t line_byte(void) {
  if (held_byte >= 0) {
    const uint8_t byte = (uint8_t)held_byte;
    held_byte = -1;
    return byte;
  }
  const uint8_t byte = line_read();
  const uint64_t now = counter_read();
  const int was_silent = now - last_heard > counter_hz() / 4u;
  last_heard = now;
  if (!was_silent || !is_in_packet) return byte;
  held_byte = byte;
  is_broken = 1;
  return 0;
}

static void skip_padding(void) {
  for (; padding > 0 && !is_broken; --padding) (void)line_byte();
}

static uint8_t message_byte(void) {
  if (is_broken) return 0;
  if (packet_left == 0) {
    if (is_in_message) {
      skip_padding();
      if (is_broken) return 0;
      board_send(GO_ON);
    }
    is_in_packet = 0;
    const uint8_t count = line_byte();
    is_broken = is_in_message ? count != (message_left < PACKET_BYTES ? message_left : PACKET_BYTES)
                              : count == 0 || count > PACKET_BYTES;
    if (is_broken) {
      if (is_in_message) held_byte = count; /* of a host that came after another had gone */
      return 0;
    }
    is_in_message = 1;
    is_in_packet = 1;
    packet_left = count;
    padding = PACKET_BYTES - count;
  }
  const uint8_t byte = line_byte();
  --packet_left;
  --message_left;
  return byte;
}

/* Takes what it reads from *left. */
static uint32_t read_number(uint32_t* left) {
  uint64_t value = 0;
  for (uint32_t shift = 0; shift < 64u && *left > 0; shift += 7u) {
    const uint8_t byte = message_byte();
    --*left;
    value |= (uint64_t)(byte & 0x7Fu) << shift;
    if (byte < 0x80u) return (uint32_t)value;
  }
  is_broken = 1;
  return 0;
}

static void read_field(host_message* message, uint32_t* left, uint8_t* data, uint32_t room) {
  const uint32_t tag = read_number(left);
  const uint32_t field = tag >> 3;
  if ((tag & 7u) == NUMBER) {
    const uint32_t value = read_number(left);
    if (field < 6u) message->fields[field] = value;
    if (field == 5u) message->has_option = 1;
  } else if ((tag & 7u) == BYTES) {
    const uint32_t bytes = read_number(left);
    if (bytes > *left) is_broken = 1;
    for (uint32_t i = 0; i < bytes && !is_broken; ++i) {
      const uint8_t byte = message_byte();
      if (i < room) data[i] = byte;
    }
    *left -= is_broken ? 0 : bytes;
    if (field == 4u) message->bytes = bytes;
  } else {
    is_broken = 1;
  }
}

int message_receive(host_message* message, void* data, uint32_t room) {
  memset(message, 0, sizeof *message);
  packet_left = 0;
  padding = 0;
  is_in_message = 0;
  is_broken = 0;
  uint32_t length_left = 5;
  uint32_t left = read_number(&length_left);
  message_left = left;
  while (left > 0 && !is_broken) read_field(message, &left, data, room);
  skip_padding();
  return !is_broken && packet_left == 0;
}

/* ---- out */

static int is_counting; /* bytes are counted instead of sent */
static uint32_t counted;
static uint8_t packet[PACKET_BYTES];
static uint32_t packet_bytes;

static void send_packet(uint32_t mark) {
  board_send((uint8_t)(packet_bytes | mark));
  for (uint32_t i = 0; i < PACKET_BYTES; ++i) board_send(i < packet_bytes ? packet[i] : 0);
  packet_bytes = 0;
}

static void put_byte(uint8_t byte) {
  if (is_counting) {
    ++counted;
    return;
  }
  if (packet_bytes == PACKET_BYTES) send_packet(0);
  packet[packet_bytes++] = byte;
}

static void put_number(uint64_t value) {
  for (; value >= 0x80u; value >>= 7) put_byte((uint8_t)(value | 0x80u));
  put_byte((uint8_t)value);
}

void field_number(uint32_t field, uint64_t value) {
  put_number(field << 3 | NUMBER);
  put_number(value);
}

void field_float(uint32_t field, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_number(field << 3 | FIXED_32);
  for (uint32_t i = 0; i < 4u; ++i) put_byte((uint8_t)(bits >> (8u * i)));
}

void field_bytes(uint32_t field, const void* bytes, uint32_t count) {
  put_number(field << 3 | BYTES);
  put_number(count);
  if (is_counting) {
    counted += count;
    return;
  }
  for (uint32_t i = 0; i < count; ++i) put_byte(((const uint8_t*)bytes)[i]);
}

void field_text(uint32_t field, const char* text) { field_bytes(field, text, (uint32_t)strlen(text)); }

void field_message(uint32_t field, message_body body, const void* argument) {
  const int was_counting = is_counting;
  const uint32_t counted_before = counted;
  is_counting = 1;
  counted = 0;
  body(argument);
  const uint32_t length = counted;
  is_counting = was_counting;
  counted = counted_before;
  put_number(field << 3 | BYTES);
  put_number(length);
  if (is_counting) {
    counted += length;
  } else {
    body(argument);
  }
}

void message_send(message_body body, const void* argument) {
  packet_bytes = 0;
  body(argument);
  send_packet(LAST_PACKET);
}
