/* Room for one command or one frame; text and frames take turns. */
#ifndef PADDOCK_MESSAGE_H
#define PADDOCK_MESSAGE_H

#include <stdint.h>

#define MESSAGE_DATA_BYTES 256u /* of a tensor in one frame */
#define MESSAGE_BYTES (2u + 5u + MESSAGE_DATA_BYTES + 4u)

extern uint8_t message[MESSAGE_BYTES];

#endif
