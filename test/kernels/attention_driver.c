// Runs instructions read from standard input and writes all of their bindings to standard output.
// A case: int64 opcode, rows, words, scratch bytes, bindings; words; then for each binding int64 bytes and its content.
// Memory is allocated to the byte, so that a sanitizer sees whatever is touched beyond.
#include "attention.h"
#include "opcodes.h"
#include "rotary.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t read_number(void) {
  int64_t x;
  if (fread(&x, sizeof x, 1, stdin) != 1) exit(3);
  return x;
}

static void *read_bytes(void *to, int64_t bytes) {
  if (bytes && fread(to, bytes, 1, stdin) != 1) exit(3);
  return to;
}

static int run_case(int64_t opcode) {
  int64_t rows = read_number(), words = read_number(), scratch = read_number(), bindings = read_number();
  int64_t head = sizeof(header), sizes[16];
  header *h = malloc(head + words * sizeof(word));
  *h = (header){.opcode = opcode, .words = head / 4 + words, .rows = rows, .rows_per_group = 1};
  read_bytes((char *)h + head, words * sizeof(word));
  char *places[16];
  if (bindings > 16) return 4;
  for (int64_t i = 0; i < bindings; i++) {
    sizes[i] = read_number();
    places[i] = read_bytes(malloc(sizes[i]), sizes[i]);
  }
  context c = {.bindings = places, .scratch = aligned_alloc(LINE_BYTES, round_up(scratch, LINE_BYTES))};
  memset(c.scratch, 0xff, scratch); // NaN: nothing may depend on what was there
  kernel *run = opcode == OP_ATTENTION ? run_attention : opcode == OP_ROTARY ? run_rotary : run_attention_gradient;
  int64_t bytes = sizeof(rotary);
  if (opcode == OP_ATTENTION) bytes = sizeof(attention);
  if (opcode == OP_ATTENTION_GRADIENT) bytes = sizeof(attention_gradient);
  if (head + words * (int64_t)sizeof(word) != bytes) return 5;
  if (opcode != OP_ROTARY) {
    const attention *a = (const attention *)h;
    int64_t wanted = opcode == OP_ATTENTION ? attention_scratch_bytes(a->key_length, a->width, a->value_width)
                                            : attention_gradient_scratch_bytes(a->key_length, a->width, a->value_width);
    if (scratch != wanted) return 6;
  }
  for (int64_t middle = rows / 2, i = 0; i < 2; i++) run(&c, h, i ? middle : 0, i ? rows : middle);
  for (int64_t i = 0; i < bindings; i++) {
    if (sizes[i]) fwrite(places[i], sizes[i], 1, stdout);
    free(places[i]);
  }
  free(c.scratch);
  free(h);
  return 0;
}

int main(void) {
  int64_t opcode;
  while (fread(&opcode, sizeof opcode, 1, stdin) == 1) {
    int error = run_case(opcode);
    if (error) return error;
  }
  return 0;
}
