#include "text.h"

#include <string.h>

#include "board.h"
#include "counter.h"
#include "frames.h"
#include "line.h"
#include "message.h"
#include "network.h"

uint8_t message[MESSAGE_BYTES];

static char* const command = (char*)message;
static uint32_t command_length;
static char* rest; /* of the command, behind the words that were taken */

static int is_energy_mode;
static uint32_t load_bytes, load_position; /* of `db load` */
static int is_input_partial; /* `db load` was said, and not all bytes of the inputs came behind it */

static void print_line(const char* before, uint32_t number, const char* after) {
  print_text(before);
  print_unsigned(number);
  print_text(after);
  print_text("\r\n");
}

/* The next word of the command; empty at its end. */
static const char* next_word(void) {
  while (*rest == ' ') ++rest;
  const char* const word = rest;
  while (*rest != ' ' && *rest != '\0') ++rest;
  if (*rest == ' ') *rest++ = '\0';
  return word;
}

/* -1: not a number, or one above 2^31 - 1. */
static int32_t number_of(const char* word) {
  uint32_t number = 0;
  if (*word == '\0') return -1;
  for (; *word != '\0'; ++word) {
    const uint32_t digit = (uint32_t)(*word - '0');
    if (digit > 9u || number > (0x7FFFFFFFu - digit) / 10u) return -1;
    number = number * 10u + digit;
  }
  return (int32_t)number;
}

static void print_time(uint64_t counts) {
  if (is_energy_mode) return;
  print_line("m-lap-us-", (uint32_t)(counts / (counter_hz() / 1000000u)), "");
  board_flush();
}

/* An edge of the pin and, outside of the energy mode, the time as text: outside of the window that two edges make. The clock
 * stands still meanwhile, so that the time between two stamps is that of what is done in between. */
static void stamp(int is_end) {
  const uint64_t now = counter_read();
  if (!is_end) print_time(now);
  board_edge_pin(0);
  for (volatile int i = 0; i < 1000; ++i) {
  }
  board_edge_pin(1);
  if (is_end) print_time(now);
  counter_restart(now);
}

static void print_mode(void) {
  print_text(is_energy_mode ? "m-timestamp-mode-energy\r\n" : "m-timestamp-mode-performance\r\n");
}

static void print_results(void) {
  print_text("m-results-[");
  for (uint32_t i = 0; i < network_output_count; ++i) {
    const network_tensor* const output = &network_outputs[i];
    const uint32_t elements = output->type == NETWORK_FLOAT32 ? output->bytes / 4u : output->bytes;
    for (uint32_t j = 0; j < elements; ++j) {
      if (i + j > 0) board_send(',');
      if (output->type == NETWORK_FLOAT32) {
        print_float(((const float*)output->data)[j]);
      } else {
        const int32_t value = output->type == NETWORK_INT8 ? ((const int8_t*)output->data)[j]
                                                           : ((const uint8_t*)output->data)[j];
        print_float((float)(value - output->zero_point) * output->scale);
      }
    }
  }
  print_text("]\r\n");
}

/* The inputs one after the other are the buffer that `db` fills. REQUIRES: position below input_bytes(). */
static uint8_t* input_byte(uint32_t position) {
  uint32_t i = 0;
  for (; position >= network_inputs[i].bytes; ++i) position -= network_inputs[i].bytes;
  return (uint8_t*)network_inputs[i].data + position;
}

static uint32_t input_bytes(void) {
  uint32_t bytes = 0;
  for (uint32_t i = 0; i < network_input_count; ++i) bytes += network_inputs[i].bytes;
  return bytes;
}

static void infer(void) {
  int32_t inferences = 1, warm_up = 10;
  const char* word = next_word();
  if (*word != '\0') {
    inferences = number_of(word);
    word = next_word();
    if (*word != '\0') warm_up = number_of(word);
  }
  if (inferences <= 0) {
    print_text("e-[Inference iterations must be >0]\r\n");
    return;
  }
  if (warm_up < 0) {
    print_text("e-[Inference warmup must be >=0]\r\n");
    return;
  }
  if (is_input_partial) {
    print_line("e-[The inputs take ", input_bytes(), " bytes; load all of them]");
    return;
  }
  print_line("m-warmup-start-", (uint32_t)warm_up, "");
  while (warm_up-- > 0) network_run();
  print_text("m-warmup-done\r\n");
  print_line("m-infer-start-", (uint32_t)inferences, "");
  board_flush();
  line_listen(0);
  stamp(0);
  while (inferences-- > 0) network_run();
  stamp(1);
  line_listen(1);
  print_text("m-infer-done\r\n");
  print_results();
}

/* -1: no hexadecimal digit. */
static int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  digit = (char)(digit | 0x20);
  return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static void load_hex(const char* digits) {
  if (strlen(digits) % 2u != 0) {
    print_text("e-[Insufficient number of hex digits]\r\n");
    return;
  }
  for (; *digits != '\0'; digits += 2) {
    const int high = hex_digit(digits[0]), low = hex_digit(digits[1]);
    if (high < 0 || low < 0) {
      print_text("e-[Invalid hex digit]\r\n");
      return;
    }
    if (load_position >= load_bytes) {
      print_text("e-[No bytes are expected: db load N comes first]\r\n");
      return;
    }
    *input_byte(load_position++) = (uint8_t)(high << 4 | low);
    if (load_position == load_bytes) {
      is_input_partial = load_bytes != input_bytes();
      print_text("m-load-done\r\n");
      return;
    }
  }
}

static void data_buffer(void) {
  const char* const word = next_word();
  if (*word == '\0') {
    print_text("e-[Command 'db' requires a subcommand]\r\n");
  } else if (strcmp(word, "load") == 0) {
    const int32_t bytes = number_of(next_word());
    load_bytes = load_position = 0;
    is_input_partial = 1;
    if (bytes <= 0) {
      print_text("e-[Command 'db load' requires a number of bytes >0]\r\n");
    } else if ((uint32_t)bytes > input_bytes()) {
      print_line("e-[Supplied buffer size exceeds maximum of ", input_bytes(), "]");
    } else {
      load_bytes = (uint32_t)bytes;
      print_line("m-[Expecting ", load_bytes, " bytes]");
    }
  } else if (strcmp(word, "print") == 0) {
    for (uint32_t i = 0; i < load_bytes; ++i) {
      print_text(i % 8u == 0 ? "m-buffer-" : "-");
      print_hex(*input_byte(i), 2);
      if (i % 8u == 7u || i + 1u == load_bytes) print_text("\r\n");
    }
  } else {
    load_hex(word);
  }
}

static void help(void) {
  print_text(
      "name, profile, timestamp, help, results\r\n"
      "db load N       expect N bytes of the inputs\r\n"
      "db HH...        the next of them, in hexadecimal\r\n"
      "db print        all of them\r\n"
      "infer N [W=10]  N inferences after W for warm-up\r\n"
      "x-mode energy|performance, x-paddock\r\n");
}

static void change_mode(const char* mode) {
  if (strcmp(mode, "energy") == 0 || strcmp(mode, "performance") == 0) {
    is_energy_mode = *mode == 'e';
    print_mode();
  } else {
    print_text("e-[x-mode is energy or performance]\r\n");
  }
}

static void execute(const char* word) {
  if (strcmp(word, "name") == 0) {
    print_text("m-name-dut-[");
    print_text(board_name);
    print_text("]\r\n");
  } else if (strcmp(word, "timestamp") == 0) {
    stamp(0);
  } else if (strcmp(word, "profile") == 0) {
    print_text("m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\nm-model-[");
    print_text(network_name);
    print_text("]\r\n");
  } else if (strcmp(word, "help") == 0) {
    help();
  } else if (strcmp(word, "db") == 0) {
    data_buffer();
  } else if (strcmp(word, "infer") == 0) {
    infer();
  } else if (strcmp(word, "results") == 0) {
    print_results();
  } else if (strcmp(word, "x-paddock") == 0) {
    frames_describe();
  } else if (strcmp(word, "x-mode") == 0) {
    change_mode(next_word());
  } else {
    print_text("e-[Unknown command: ");
    print_text(word);
    print_text("]\r\n");
  }
}

void text_greet(void) {
  print_mode();
  stamp(0);
  print_text("m-init-done\r\nm-ready\r\n");
}

void text_forget_load(void) {
  load_bytes = 0;
  is_input_partial = 0;
}

void text_begin(void) { command_length = 0; }

void text_take(char character) {
  if (character == '\r' || character == '\n') return;
  if (character != '%') {
    if (command_length < MESSAGE_BYTES) command[command_length] = character;
    if (command_length < MESSAGE_BYTES) ++command_length;
    return;
  }
  if (command_length == MESSAGE_BYTES) {
    print_line("e-[Command is longer than ", MESSAGE_BYTES - 1u, "]");
  } else {
    command[command_length] = '\0';
    rest = command;
    execute(next_word());
  }
  text_begin();
  print_text("m-ready\r\n");
}
