// Values that come from an element's index: counters, and random numbers by Threefry-2x32 with 20 rounds (Salmon,
// Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; 2011).
#include "group_map.h"

// index / inner % size, in runs of equal numbers or of rising ones.
static void count_up(lane *to, int64_t first, int64_t inner, int64_t size, int64_t n) {
  for (int64_t i = 0; i < n;) {
    int64_t value = (first + i) / inner % size;
    if (inner == 1) {
      int64_t run = smaller(size - value, n - i);
      for (int64_t k = 0; k < run; k++) to[i + k] = (lane)(value + k);
      i += run;
    } else {
      int64_t run = smaller(inner - (first + i) % inner, n - i);
      for (int64_t k = 0; k < run; k++) to[i + k] = (lane)value;
      i += run;
    }
  }
}

void group_iota(const task *t) {
  int64_t inner = integer_at(&t->operand[1], 0), size = integer_at(&t->operand[2], 0);
  for (int64_t r = 0; r < t->rows; r++) {
    count_up((lane *)row_of(&t->result, r), t->first + r * t->length, inner, size, t->length);
  }
}

static inline vword splat_word(uint32_t x) { return x + (vword){0}; }
static inline vword rotate(vword x, int by) { return x << by | x >> (32 - by); }

static vword threefry(vword x0, vword x1, uint32_t k0, uint32_t k1) {
  static const int rotation[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const uint32_t key[3] = {k0, k1, 0x1bd11bdau ^ k0 ^ k1};
  x0 += key[0];
  x1 += key[1];
  for (uint32_t block = 1; block <= 5; block++) {
    const int *by = rotation[(block - 1) % 2];
    for (int round = 0; round < 4; round++) {
      x0 += x1;
      x1 = rotate(x1, by[round]) ^ x0;
    }
    x0 += key[block % 3];
    x1 += key[(block + 1) % 3] + block;
  }
  return x0 ^ x1;
}

void group_random(const task *t) {
  uint32_t key[2], first[WORD_LANES], word_of[WORD_LANES];
  memcpy(key, t->operand[0].base, sizeof key);
  uint64_t offset = t->operand[1].base ? (uint64_t)integer_at(&t->operand[1], 0) : 0;
  for (int64_t r = 0; r < t->rows; r++) {
    lane *to = (lane *)row_of(&t->result, r);
    uint64_t counter = offset + (uint64_t)(t->first + r * t->length);
    for (int64_t j = 0; j < t->length; j += WORD_LANES, counter += WORD_LANES) {
      vword low, high = splat_word((uint32_t)(counter >> 32));
      for (uint32_t i = 0; i < WORD_LANES; i++) first[i] = (uint32_t)counter + i;
      memcpy(&low, first, sizeof low);
      high += (vword)(low < splat_word((uint32_t)counter)) & 1u; // carry
      vword random = threefry(low, high, key[0], key[1]);
      memcpy(word_of, &random, sizeof random);
      int64_t n = smaller(WORD_LANES, t->length - j);
      for (int64_t i = 0; i < n; i++) to[j + i] = (lane)word_of[i];
    }
  }
}
