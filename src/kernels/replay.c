// Replays recorded runs (the layout is in src/backend/native/recording.ts):  replay FILE...
//
// Each recording runs with one thread and with three, which must leave the same bits, and is compared with what it
// expects. Built with SCANTLING_EXACT_MEMORY and a sanitizer, every block of memory ends where its size says (plus the
// LINE_BYTES that may be read, which must not have been written). Exit code 1 if anything differs.
#define _GNU_SOURCE // posix_memalign beside -std=c11
#define _DARWIN_C_SOURCE
#include "runtime.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLACK_PATTERN = 0xA5 };

typedef struct {
  int64_t type, elements, has_expected;
  double tolerance;
  char *initial, *expected, *value; // value: what the run works on
} binding;

typedef struct {
  int64_t real_bytes, words, arena_bytes, local_bytes, scratch_bytes, bindings;
  word *tape;
  binding *values;
} recording;

static _Noreturn void fail(const char *path, const char *what) {
  fprintf(stderr, "replay: %s: %s\n", path, what);
  exit(1);
}

static void *allocate(const char *path, int64_t bytes) {
  void *memory;
  if (bytes < 0 || posix_memalign(&memory, LINE_BYTES, (size_t)bytes + 1) != 0) fail(path, "out of memory");
  return memory;
}

// A new block with the next `bytes` of the file, which are padded to 8.
static void *take(FILE *file, const char *path, int64_t bytes) {
  int64_t whole = round_up(bytes, 8);
  char *memory = allocate(path, whole);
  if (fread(memory, 1, (size_t)whole, file) != (size_t)whole) fail(path, "cut short");
  return memory;
}

static void read_into(FILE *file, const char *path, void *into, int64_t bytes) {
  if (fread(into, 1, (size_t)bytes, file) != (size_t)bytes) fail(path, "cut short");
}

static int64_t bytes_of(const binding *b) { return b->elements * element_bytes((word)b->type); }

static recording read_recording(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail(path, "cannot be opened");
  char magic[8];
  recording r = {0};
  read_into(file, path, magic, sizeof magic);
  if (memcmp(magic, "SCANTAPE", sizeof magic) != 0) fail(path, "not a recording");
  read_into(file, path, &r, 6 * sizeof(int64_t));
  if (r.real_bytes != sizeof(real)) fail(path, "recorded in the other precision");
  r.tape = take(file, path, r.words * (int64_t)sizeof(word));
  r.values = allocate(path, r.bindings * (int64_t)sizeof(binding));
  for (int64_t i = 0; i < r.bindings; i++) {
    binding *b = &r.values[i];
    *b = (binding){0};
    read_into(file, path, b, 3 * sizeof(int64_t) + sizeof(double));
    b->initial = take(file, path, bytes_of(b));
    if (b->has_expected) b->expected = take(file, path, bytes_of(b));
  }
  if (fgetc(file) != EOF) fail(path, "longer than it says");
  fclose(file);
  return r;
}

static void run_once(const char *path, recording *r, int32_t threads) {
  char **bases = allocate(path, r->bindings * (int64_t)sizeof(char *));
  for (int64_t i = 0; i < r->bindings; i++) {
    binding *b = &r->values[i];
    int64_t bytes = bytes_of(b);
    free(b->value);
    if (posix_memalign((void **)&b->value, LINE_BYTES, (size_t)bytes + LINE_BYTES) != 0) fail(path, "out of memory");
    memcpy(b->value, b->initial, (size_t)bytes);
    memset(b->value + bytes, SLACK_PATTERN, LINE_BYTES);
    bases[i] = b->value;
  }
  runtime *host = scantling_runtime_create();
  int64_t outcome = scantling_run(host, r->tape, r->words, r->arena_bytes, r->local_bytes, r->scratch_bytes, bases,
                                  threads, NULL);
  scantling_runtime_destroy(host);
  free(bases);
  if (outcome == RUN_OUT_OF_MEMORY) fail(path, "out of memory");
  if (outcome != RUN_DONE) fail(path, "a broken tape");
}

static double as_double(const binding *b, const char *values, int64_t i) {
  switch (b->type) {
  case TYPE_REAL: return ((const real *)values)[i];
  case TYPE_I32: return ((const int32_t *)values)[i];
  case TYPE_U32: return ((const uint32_t *)values)[i];
  case TYPE_BOOL: return ((const uint8_t *)values)[i];
  default: return ((const uint16_t *)values)[i]; // bits: compared as such
  }
}

static int matches(const binding *b, int64_t i) {
  int64_t size = element_bytes((word)b->type);
  if (memcmp(b->value + i * size, b->expected + i * size, (size_t)size) == 0) return 1;
  double is = as_double(b, b->value, i), should = as_double(b, b->expected, i);
  if (isnan(is) || isnan(should)) return isnan(is) && isnan(should);
  return fabs(is - should) <= b->tolerance * (1 + fabs(should));
}

// Says what differs from the expected values; returns how many bindings do.
static int compare_expected(const char *path, const recording *r) {
  int different = 0;
  for (int64_t k = 0; k < r->bindings; k++) {
    const binding *b = &r->values[k];
    int64_t i = 0;
    while (b->has_expected && i < b->elements && matches(b, i)) i++;
    if (!b->has_expected || i == b->elements) continue;
    printf("%s: binding %lld[%lld] is %.9g, expected %.9g\n", path, (long long)k, (long long)i,
           as_double(b, b->value, i), as_double(b, b->expected, i));
    different++;
  }
  return different;
}

static int check_slack(const char *path, const recording *r) {
  int written = 0;
  for (int64_t k = 0; k < r->bindings; k++) {
    const binding *b = &r->values[k];
    int64_t i = 0;
    while (i < LINE_BYTES && (uint8_t)b->value[bytes_of(b) + i] == SLACK_PATTERN) i++;
    if (i == LINE_BYTES) continue;
    printf("%s: binding %lld was written %lld bytes after its end\n", path, (long long)k, (long long)i);
    written++;
  }
  return written;
}

// Runs with three threads after one; the values of the first run become what is expected, bit for bit.
static int compare_threads(const char *path, recording *r) {
  for (int64_t k = 0; k < r->bindings; k++) {
    binding *b = &r->values[k];
    free(b->expected);
    b->expected = allocate(path, bytes_of(b));
    memcpy(b->expected, b->value, (size_t)bytes_of(b));
    b->has_expected = 1;
    b->tolerance = 0;
  }
  run_once(path, r, 3);
  return compare_expected(path, r);
}

static void free_recording(recording *r) {
  for (int64_t k = 0; k < r->bindings; k++) {
    free(r->values[k].initial);
    free(r->values[k].expected);
    free(r->values[k].value);
  }
  free(r->values);
  free(r->tape);
}

int main(int count, char **paths) {
  int failures = 0;
  for (int i = 1; i < count; i++) {
    recording r = read_recording(paths[i]);
    run_once(paths[i], &r, 1);
    int different = compare_expected(paths[i], &r) + check_slack(paths[i], &r);
    different += compare_threads(paths[i], &r) + check_slack(paths[i], &r);
    if (different == 0) printf("%s: ok\n", paths[i]);
    failures += different;
    free_recording(&r);
  }
  return failures > 0;
}
