// Runs single instructions for tests and timings, every block of memory exactly as large as it says, so that sanitizers
// see a step outside. Knows the kernels' calling convention only.
//
// Input file: int64 number of cases, then for each: int64 words, scratch bytes, bindings, repetitions; int64 bytes of each
// binding; the words; the bindings. Output: for each case the seconds of the fastest repetition (double), the bindings.
#define _POSIX_C_SOURCE 200809L
#include "kernels.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_BINDINGS = 16 };

static void take(void *to, int64_t bytes, FILE *from) {
  if (fread(to, 1, (size_t)bytes, from) != (size_t)bytes) exit(3);
}

static char *allocate(int64_t bytes) {
  void *memory;
  if (posix_memalign(&memory, LINE_BYTES, (size_t)larger(bytes, 1)) != 0) exit(4);
  return memory;
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

// Groups run from the last to the first: nothing may pass from group to group.
static double run_once(const header *h, char *scratch, char *const *bindings) {
  kernel *run = h->opcode == OP_GROUP ? run_group : run_reduce;
  double start = seconds();
  for (int64_t g = (h->rows + h->rows_per_group - 1) / h->rows_per_group - 1; g >= 0; g--) {
    context c = {.scratch = scratch, .bindings = bindings, .group = g, .origin = g * h->rows_per_group};
    run(&c, h, c.origin, smaller(c.origin + h->rows_per_group, h->rows));
  }
  return seconds() - start;
}

static void run_case(FILE *in, FILE *out) {
  int64_t size[4], bytes[MAX_BINDINGS];
  take(size, sizeof size, in);
  if (size[2] > MAX_BINDINGS) exit(5);
  take(bytes, size[2] * (int64_t)sizeof(int64_t), in);
  char *words = allocate(size[0] * (int64_t)sizeof(word));
  take(words, size[0] * (int64_t)sizeof(word), in);
  char *bindings[MAX_BINDINGS];
  for (int64_t i = 0; i < size[2]; i++) {
    bindings[i] = allocate(bytes[i]);
    take(bindings[i], bytes[i], in);
  }
  char *scratch = allocate(size[1]);
  memset(scratch, 0xff, (size_t)size[1]);
  double best = 1e9;
  for (int64_t i = 0; i < size[3]; i++) {
    double took = run_once((const header *)words, scratch, bindings);
    best = took < best ? took : best;
  }
  fwrite(&best, sizeof best, 1, out);
  for (int64_t i = 0; i < size[2]; i++) {
    fwrite(bindings[i], 1, (size_t)bytes[i], out);
    free(bindings[i]);
  }
  free(scratch);
  free(words);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  FILE *in = fopen(argv[1], "rb"), *out = fopen(argv[2], "wb");
  if (!in || !out) return 2;
  int64_t cases;
  take(&cases, sizeof cases, in);
  for (int64_t i = 0; i < cases; i++) run_case(in, out);
  fclose(in);
  return fclose(out) ? 2 : 0;
}
