// GFLOP/s of OP_CONTRACT over shapes that training is made of: contract_bench [threads] [part of a shape's name]
// Build: cc -std=c11 -O3 -march=native -fno-math-errno -ffp-contract=fast -pthread -o contract_bench
//        bench/kernels/contract_bench.c src/kernels/contract.c src/kernels/panel.c
// A thread's share of the groups is fixed and its processor time is what counts, so that other programs disturb little.
#define _GNU_SOURCE
#include "../../src/kernels/contract.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

kernel run_contract, run_pack;

enum { A_TRANSPOSED = 1, B_TRANSPOSED = 2, PACKED = 4, PACK_TIMED = 8, STRIDED = 16 };
enum { REPETITIONS = 20, MOST_THREADS = 64 };

typedef struct {
  const char *name;
  int rows, columns, depth, flags, batches, split, tile_rows, tile_columns, group;
} shape;

static const shape shapes[] = {
    {"2048x1536x384", 2048, 1536, 384, PACKED, 1, SPLIT_TILES, 256, 1536, 1},
    {"2048x1536x384 unpacked", 2048, 1536, 384, 0, 1, SPLIT_TILES, 1024, 384, 1},
    {"2048x384x1536", 2048, 384, 1536, PACKED, 1, SPLIT_TILES, 256, 384, 1},
    {"2048x384x1536 B^T unpacked", 2048, 384, 1536, B_TRANSPOSED, 1, SPLIT_TILES, 1024, 384, 1},
    {"2048x1536x384 B^T packed", 2048, 1536, 384, B_TRANSPOSED | PACKED, 1, SPLIT_TILES, 256, 1536, 1},
    {"16384x512x128", 16384, 512, 128, PACKED, 1, SPLIT_ROWS, 0, 0, 128},
    {"16384x128x128", 16384, 128, 128, PACKED, 1, SPLIT_ROWS, 0, 0, 128},
    {"16384x128x256", 16384, 128, 256, PACKED, 1, SPLIT_ROWS, 0, 0, 128},
    {"16384x128x512", 16384, 128, 512, PACKED, 1, SPLIT_ROWS, 0, 0, 128},
    {"16384x96x128", 16384, 96, 128, PACKED, 1, SPLIT_ROWS, 0, 0, 128},
    {"dW 128x256x16384", 128, 256, 16384, A_TRANSPOSED, 1, SPLIT_TILES, 128, 128, 1},
    {"dW 128x128x16384", 128, 128, 16384, A_TRANSPOSED, 1, SPLIT_TILES, 128, 64, 1},
    {"dW 384x1536x2048", 384, 1536, 2048, A_TRANSPOSED, 1, SPLIT_TILES, 384, 384, 1},
    {"dW 384x384x2048", 384, 384, 2048, A_TRANSPOSED, 1, SPLIT_TILES, 192, 384, 1},
    {"1024 of 128x16x128", 128, 16, 128, 0, 1024, SPLIT_BATCH, 0, 0, 16},
    {"1024 of 128x128x16", 128, 128, 16, 0, 1024, SPLIT_BATCH, 0, 0, 16},
    {"1024 of 128x128x16 B^T", 128, 128, 16, B_TRANSPOSED, 1024, SPLIT_BATCH, 0, 0, 16},
    {"1024 of 128x16x128 A^T", 128, 16, 128, A_TRANSPOSED, 1024, SPLIT_BATCH, 0, 0, 16},
    {"4 of 128x16x128", 128, 16, 128, 0, 4, SPLIT_BATCH, 0, 0, 1},
    {"4 of 128x128x16", 128, 128, 16, 0, 4, SPLIT_BATCH, 0, 0, 1},
    {"4 of 128x128x16 B^T", 128, 128, 16, B_TRANSPOSED, 4, SPLIT_BATCH, 0, 0, 1},
    {"4 of 128x16x128 A^T", 128, 16, 128, A_TRANSPOSED, 4, SPLIT_BATCH, 0, 0, 1},
    {"4 of 128x128x16 B^T strided", 128, 128, 16, B_TRANSPOSED | STRIDED, 4, SPLIT_BATCH, 0, 0, 1},
    {"64 of 256x256x64 B^T strided", 256, 256, 64, B_TRANSPOSED | STRIDED, 64, SPLIT_BATCH, 0, 0, 1},
    {"1024x1024x1024", 1024, 1024, 1024, PACKED, 1, SPLIT_TILES, 192, 1024, 1},
    {"1024x1024x4096", 1024, 1024, 4096, PACKED, 1, SPLIT_TILES, 192, 1024, 1},
    {"8000x200x200", 8000, 200, 200, PACKED, 1, SPLIT_ROWS, 0, 0, 100},
    {"6400x100x200", 6400, 100, 200, PACKED, 1, SPLIT_ROWS, 0, 0, 100},
    {"6400x25x200", 6400, 25, 200, PACKED, 1, SPLIT_ROWS, 0, 0, 100},
    {"16384x3x128", 16384, 3, 128, 0, 1, SPLIT_ROWS, 0, 0, 1024},
    {"16384x1x128", 16384, 1, 128, 0, 1, SPLIT_ROWS, 0, 0, 1024},
    {"1000 of 25x25x25", 25, 25, 25, 0, 1000, SPLIT_BATCH, 0, 0, 10},
    {"1x1536x384", 1, 1536, 384, 0, 1, SPLIT_TILES, 1, 768, 1},
    {"1x4096x4096", 1, 4096, 4096, 0, 1, SPLIT_TILES, 1, 512, 1},
    {"1x4096x4096 B^T", 1, 4096, 4096, B_TRANSPOSED, 1, SPLIT_TILES, 1, 512, 1},
    {"4x4096x4096", 4, 4096, 4096, 0, 1, SPLIT_TILES, 4, 512, 1},
    {"8x4096x4096", 8, 4096, 4096, 0, 1, SPLIT_TILES, 8, 512, 1},
    {"8x4096x4096 B^T", 8, 4096, 4096, B_TRANSPOSED, 1, SPLIT_TILES, 8, 512, 1},
    {"16x4096x4096", 16, 4096, 4096, 0, 1, SPLIT_TILES, 16, 512, 1},
};

typedef struct {
  context c;
  const contraction *t;
  int thread, threads, times;
  double seconds;
} share;

static double processor_time(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

static void *work(void *argument) {
  share *s = argument;
  const header *h = &s->t->h;
  int64_t groups = (h->rows + h->rows_per_group - 1) / h->rows_per_group;
  double start = processor_time();
  for (int i = 0; i < s->times; i++)
    for (int64_t g = groups * s->thread / s->threads; g < groups * (s->thread + 1) / s->threads; g++) {
      s->c.origin = g * h->rows_per_group;
      run_contract(&s->c, h, s->c.origin, smaller(h->rows, s->c.origin + h->rows_per_group));
    }
  s->seconds = (processor_time() - start) / s->times;
  return NULL;
}

static real *filled(int64_t count, uint32_t seed) {
  real *p = aligned_alloc(LINE_BYTES, round_up(count * sizeof(real), LINE_BYTES));
  for (int64_t i = 0; i < count; i++) {
    seed = seed * 1664525u + 1013904223u;
    p[i] = (real)(seed >> 8) / (1 << 24) - (real)0.5;
  }
  return p;
}

static operand binding(int index) { return (operand){.space = SPACE_BINDING + index, .type = TYPE_REAL}; }

static void set_scale(contraction *t, double scale) { memcpy(t->scale, &scale, sizeof scale); }

static int64_t tiles(int size, int tile) { return (size + tile - 1) / tile; }

static double gflops(const shape *s, int threads) {
  int64_t m = s->rows, n = s->columns, k = s->depth, extra = s->flags & STRIDED ? 3 : 1;
  char *bindings[] = {(char *)filled(s->batches * m * k * extra, 1), (char *)filled(s->batches * k * n * extra, 2),
                      (char *)filled(s->batches * m * n, 3), (char *)filled(round_up(n, PACK_COLUMNS) * k, 4)};
  contraction t = {.split = s->split,
                   .tile_rows = s->tile_rows,
                   .tile_columns = s->tile_columns,
                   .rows = s->rows,
                   .columns = s->columns,
                   .depth = s->depth,
                   .batch = {s->batches, 1, 1, 1, 1, 1},
                   .a = binding(0),
                   .b = binding(s->flags & PACKED ? 3 : 1),
                   .c = binding(2),
                   .addend = {.space = SPACE_NONE},
                   .a_row = s->flags & A_TRANSPOSED ? 1 : k * extra,
                   .a_depth = s->flags & A_TRANSPOSED ? m * extra : 1,
                   .b_depth = s->flags & B_TRANSPOSED ? 1 : n * extra,
                   .b_column = s->flags & B_TRANSPOSED ? k * extra : 1,
                   .c_row = n,
                   .a_batch = {m * k * extra},
                   .b_batch = {k * n * extra},
                   .c_batch = {m * n},
                   .packed = (s->flags & PACKED) != 0};
  set_scale(&t, 1);
  t.h.rows = s->split == SPLIT_ROWS    ? m
             : s->split == SPLIT_BATCH ? s->batches
                                       : s->batches * tiles(s->rows, s->tile_rows) * tiles(s->columns, s->tile_columns);
  t.h.rows_per_group = s->group;
  context c = {.bindings = bindings};
  if (s->flags & PACKED) {
    packing p = {.columns = n, .depth = k, .b = binding(1), .packed = binding(3), .b_depth = t.b_depth, .b_column = t.b_column};
    run_pack(&c, &p.h, 0, tiles(n, PACK_COLUMNS));
  }
  share shares[MOST_THREADS];
  int times = (int)smaller(1000, 1 + (int64_t)4e8 / (2 * s->batches * m * n * k)); // a few milliseconds
  double best = 1e9;
  for (int r = 0; r < REPETITIONS; r++) {
    pthread_t ids[MOST_THREADS];
    for (int i = 0; i < threads; i++) {
      if (r == 0) {
        shares[i] = (share){.c = c, .t = &t, .thread = i, .threads = threads, .times = times};
        shares[i].c.scratch = (char *)filled((COLUMN_BLOCK + ROW_BLOCK) * (DEPTH_BLOCK + ROW_GAP), 5);
      }
      pthread_create(&ids[i], NULL, work, &shares[i]);
    }
    double slowest = 0;
    for (int i = 0; i < threads; i++) {
      pthread_join(ids[i], NULL);
      if (shares[i].seconds > slowest) slowest = shares[i].seconds;
    }
    if (slowest < best) best = slowest;
  }
  for (int i = 0; i < threads; i++) free(shares[i].c.scratch);
  for (int i = 0; i < 4; i++) free(bindings[i]);
  return 2e-9 * s->batches * m * n * k / best;
}

int main(int count, char **words) {
  int threads = count > 1 ? atoi(words[1]) : 1;
  for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
    if (count < 3 || strstr(shapes[i].name, words[2])) {
      const shape *s = &shapes[i];
      double speed = gflops(s, threads), bytes = 4.0 * s->batches * ((double)s->rows * s->depth + (double)s->depth * s->columns + (double)s->rows * s->columns);
      printf("%-30s %8.1f GFLOP/s %8.1f GB/s\n", s->name, speed, bytes * speed / (2.0 * s->batches * s->rows * s->columns * s->depth));
    }
}
