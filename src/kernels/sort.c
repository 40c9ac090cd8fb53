// Stable sort and top-k. Elements become unsigned keys whose order is the order wanted, so that one routine serves all
// types and both directions: insertion into the best `count` so far when few are asked for, radix sort otherwise.
#include "sort.h"
#include <string.h>

#ifdef SCANTLING_DOUBLE
typedef uint64_t key;
#else
typedef uint32_t key;
#endif

enum { DIGIT_BITS = 8, DIGITS = 1 << DIGIT_BITS, INSERTION = 16 };

static const key NAN_KEY = ~(key)0;

// Flips the bits of negative numbers and the sign of the others.
static key real_key(real x, key flip) {
  if (x != x) return NAN_KEY;
  key bits, sign = (key)1 << (8 * sizeof(key) - 1);
  x += 0; // -0 becomes 0
  memcpy(&bits, &x, sizeof bits);
  return (bits & sign ? ~bits : bits | sign) ^ flip;
}

static void make_keys(const sort *s, const void *x, key *keys) {
  key flip = s->descending ? ~(key)0 : 0;
  if (s->x.type == TYPE_REAL) {
    for (int64_t i = 0; i < s->length; i++) keys[i] = real_key(((const real *)x)[i], flip);
  } else {
    uint32_t sign = s->x.type == TYPE_I32 ? 1u << 31 : 0;
    for (int64_t i = 0; i < s->length; i++) keys[i] = (key)(((const uint32_t *)x)[i] ^ sign) ^ flip;
  }
}

// Keeps the best `count` (at most INSERTION) in order; later elements go behind their equals.
static void select_first(const key *keys, int64_t length, int64_t count, int32_t *positions) {
  key best[INSERTION];
  int64_t held = 0;
  for (int64_t i = 0; i < length; i++) {
    if (held == count && keys[i] >= best[count - 1]) continue;
    int64_t at = held < count ? held++ : count - 1;
    for (; at > 0 && best[at - 1] > keys[i]; at--) {
      best[at] = best[at - 1];
      positions[at] = positions[at - 1];
    }
    best[at] = keys[i];
    positions[at] = (int32_t)i;
  }
}

// Least significant digit first; a digit that all keys share is skipped. Returns where the positions ended up.
static int32_t *radix_sort(key *keys, int32_t *positions, key *spare_keys, int32_t *spare_positions, int64_t length) {
  for (int64_t i = 0; i < length; i++) positions[i] = (int32_t)i;
  for (unsigned shift = 0; shift < 8 * sizeof(key); shift += DIGIT_BITS) {
    int64_t start[DIGITS] = {0};
    for (int64_t i = 0; i < length; i++) start[keys[i] >> shift & (DIGITS - 1)]++;
    if (start[keys[0] >> shift & (DIGITS - 1)] == length) continue;
    for (int64_t digit = 0, sum = 0; digit < DIGITS; digit++) {
      int64_t many = start[digit];
      start[digit] = sum;
      sum += many;
    }
    for (int64_t i = 0; i < length; i++) {
      int64_t to = start[keys[i] >> shift & (DIGITS - 1)]++;
      spare_keys[to] = keys[i];
      spare_positions[to] = positions[i];
    }
    key *k = keys;
    keys = spare_keys;
    spare_keys = k;
    int32_t *p = positions;
    positions = spare_positions;
    spare_positions = p;
  }
  return positions;
}

void run_sort(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const sort *s = (const sort *)instruction;
  int64_t bytes = element_bytes(s->x.type), length = s->length;
  key *keys = (key *)c->scratch, *spare_keys = keys + length;
  int32_t *positions = (int32_t *)(spare_keys + length), *spare_positions = positions + length;
  const char *x = place(c, &s->x);
  char *values = place(c, &s->values);
  int32_t *permutation = place(c, &s->permutation);
  for (int64_t row = begin; row < end && s->count > 0; row++) {
    const char *from = x + row * s->x.item * bytes;
    make_keys(s, from, keys);
    const int32_t *order = positions;
    if (s->count <= INSERTION) select_first(keys, length, s->count, positions);
    else order = radix_sort(keys, positions, spare_keys, spare_positions, length);
    if (permutation) memcpy(permutation + row * s->permutation.item, order, s->count * sizeof *order);
    if (!values) continue;
    char *to = values + row * s->values.item * bytes;
    for (int64_t i = 0; i < s->count; i++) memcpy(to + i * bytes, from + order[i] * bytes, bytes);
  }
}
