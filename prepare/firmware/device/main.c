/* The firmware that speaks docs/mcu_protocol.md: text commands, and frames between zero bytes. */
#include "counter.h"
#include "frames.h"
#include "line.h"
#include "startup.h"
#include "text.h"

int main(void) {
  counter_start();
  line_listen(1);
  text_greet();
  startup_done();
  int is_in_frame = 0;
  for (;;) {
    const uint8_t byte = line_read();
    if (byte != 0) {
      if (is_in_frame) {
        frame_take(byte);
      } else {
        text_take((char)byte);
      }
    } else if (is_in_frame && !frame_is_empty()) {
      frame_end();
      text_begin();
      is_in_frame = 0;
    } else {
      frame_begin();
      is_in_frame = 1;
    }
  }
}
