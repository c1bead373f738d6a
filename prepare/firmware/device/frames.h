/* Frames of docs/mcu_protocol.md: what stands between two zero bytes. */
#ifndef PADDOCK_FRAMES_H
#define PADDOCK_FRAMES_H

#include <stdint.h>

/* One line of text that says that there are frames. */
void frames_describe(void);

void frame_begin(void);
void frame_take(uint8_t byte); /* not zero */
int frame_is_empty(void);
/* Carries it out and answers, when it is whole. */
void frame_end(void);

#endif
