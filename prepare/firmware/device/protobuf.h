/* Messages of ST's protocol on the line: Protocol Buffers in packets of 33 bytes, of which the first counts the bytes that mean
 * something. The host sends a message behind its length and waits for a byte between packets; the device marks its last packet.
 * One thread. */
#ifndef PADDOCK_PROTOBUF_H
#define PADDOCK_PROTOBUF_H

#include <stdint.h>

/* Any message that the host sends: fields 1, 2, 3 and 5 are numbers, field 4 is text or data. Those that are absent are 0. */
typedef struct {
  uint32_t fields[6]; /* by number; 0 and 4: unused */
  uint32_t bytes;     /* of field 4, as the host says */
  int has_option;     /* field 5: only a request has it */
} host_message;

/* Waits for a message. The first `room` bytes of field 4 go to `data`; the rest is dropped. 0: it is damaged, or the line fell
 * silent in between; what comes next is a new message. */
int message_receive(host_message* message, void* data, uint32_t room);

/* Writes the fields of a message; called twice or more, since a message within another begins with its length. */
typedef void (*message_body)(const void* argument);

void message_send(message_body body, const void* argument);

/* For bodies. */
void field_number(uint32_t field, uint64_t value);
void field_float(uint32_t field, float value);
void field_text(uint32_t field, const char* text);
void field_bytes(uint32_t field, const void* bytes, uint32_t count);
void field_message(uint32_t field, message_body body, const void* argument);

#endif
