// Damages tapes of recordings and asks find_fault about each:  faults TRIES FILE...
//
// Every tape stands alone at the end of its memory, so that under AddressSanitizer a look beyond it is found. Says how
// many were held for whole. Knows the head of a recording (src/backend/native/recording.ts) and no kernel.
#include "walk.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 1;

static uint32_t draw(uint32_t bound) {
  state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)((state >> 32) * bound >> 32);
}

static word odd_word(word before) {
  static const word odd[] = {0, 1, 2, 3, -1, 4, 5, 6, 7, 8, 100, 1 << 16, 1 << 30, INT32_MAX, INT32_MIN, -100};
  switch (draw(4)) {
  case 0: return (word)((uint32_t)before ^ (uint32_t)1 << draw(32));
  case 1: return (word)((uint32_t)before + draw(9) - 4);
  default: return odd[draw(sizeof odd / sizeof odd[0])];
  }
}

// A changed copy, of another length perhaps; the caller frees it.
static word *damage(const word *tape, int64_t words, int64_t *length) {
  *length = draw(4) == 0 ? draw((uint32_t)words + 1) : words;
  word *copy = malloc((size_t)*length * sizeof(word) + (*length == 0));
  if (copy == NULL) exit(2);
  memcpy(copy, tape, (size_t)*length * sizeof(word));
  for (uint32_t changes = draw(4); changes > 0 && *length > 0; changes--) {
    int64_t at = draw(2) == 0 ? draw((uint32_t)*length) : draw((uint32_t)smaller(*length, 24));
    copy[at] = odd_word(copy[at]);
  }
  return copy;
}

static word *read_tape(const char *path, int64_t *words) {
  FILE *file = fopen(path, "rb");
  int64_t head[7];
  if (file == NULL || fread(head, sizeof head, 1, file) != 1) exit(2);
  *words = head[2];
  word *tape = malloc((size_t)*words * sizeof(word));
  if (tape == NULL || fread(tape, sizeof(word), (size_t)*words, file) != (size_t)*words) exit(2);
  fclose(file);
  return tape;
}

int main(int count, char **arguments) {
  int64_t tries = strtoll(arguments[1], NULL, 10), whole = 0, words, length;
  for (int i = 2; i < count; i++) {
    word *tape = read_tape(arguments[i], &words);
    if (find_fault(tape, words) != 0) return 1;
    for (int64_t n = 0; n < tries; n++) {
      word *damaged = damage(tape, words, &length);
      int64_t fault = find_fault(damaged, length);
      if (fault < 0 || fault > length + 1) return 1; // it names a word of the tape, or its end
      whole += fault == 0;
      free(damaged);
    }
    free(tape);
  }
  printf("%lld tapes, %lld held for whole\n", (long long)tries * (count - 2), (long long)whole);
  return 0;
}
