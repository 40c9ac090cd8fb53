// Times attention and its gradient on one thread: least milliseconds of several calls, and GFLOP/s of what is visible.
//   cc -std=gnu11 -O3 -march=native -fno-math-errno -ffp-contract=fast -Isrc/kernels -o attention_bench
//      bench/kernels/attention_bench.c src/kernels/attention.c src/kernels/attention_gradient.c -lm
//   ./attention_bench [seconds for each]
#include "attention.h"
#include "processor.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

typedef struct {
  int batch, query_heads, key_heads, queries, keys, width, window, offset, gradient;
} shape;

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static real *numbers(int64_t count) {
  enum { PAGE = 2 << 20 };
  int64_t bytes = round_up(count * sizeof(real), PAGE);
  real *x = aligned_alloc(PAGE, bytes);
#ifdef MADV_HUGEPAGE
  madvise(x, bytes, MADV_HUGEPAGE);
#endif
  uint32_t state = 1;
  for (int64_t i = 0; i < count; i++) x[i] = (real)((state = state * 1664525 + 1013904223) >> 8) / (1 << 23) - 1;
  return x;
}

static operand view(int binding, int item) {
  return (operand){.space = SPACE_BINDING + binding, .type = TYPE_REAL, .item = item};
}

// The least seconds of each part of the rows, added up: a shared machine seldom leaves a long call alone.
static double least(kernel *run, const context *c, const header *h, double budget) {
  enum { PARTS = 32 };
  double best[PARTS], sum = 0, start = seconds();
  for (int i = 0; i < PARTS; i++) best[i] = 1e9;
  do {
    for (int64_t i = 0; i < PARTS; i++) {
      double t = seconds();
      run(c, h, i * h->rows / PARTS, (i + 1) * h->rows / PARTS);
      t = seconds() - t;
      if (t < best[i]) best[i] = t;
    }
  } while (seconds() - start < budget);
  for (int i = 0; i < PARTS; i++) sum += best[i];
  return sum;
}

// q, k, v are slices of one array [batch, length, (query_heads + 2 key_heads) * width], as a fused projection leaves.
static void measure(shape s, double budget) {
  int length = s.keys > s.queries ? s.keys : s.queries, row = (s.query_heads + 2 * s.key_heads) * s.width;
  int wide = s.query_heads * s.width;
  int64_t fused = (int64_t)s.batch * length * row, result = (int64_t)s.batch * s.queries * wide;
  int64_t logs = (int64_t)s.batch * s.query_heads * s.queries;
  real *qkv = numbers(fused), *d_qkv = numbers(fused), *out = numbers(result), *d_out = numbers(result);
  real *log_sum_exp = numbers(logs);
  char *bindings[] = {(char *)qkv, (char *)(qkv + wide), (char *)(qkv + wide + s.key_heads * s.width), (char *)out,
                      (char *)log_sum_exp, (char *)&s.offset, (char *)d_out, (char *)d_qkv, (char *)(d_qkv + wide),
                      (char *)(d_qkv + wide + s.key_heads * s.width)};
  double scale = 1 / __builtin_sqrt(s.width);
  attention a = {
      .h = {.rows = s.batch * s.key_heads}, .heads_per_row = 1, .query_length = s.queries, .key_length = s.keys,
      .query_heads = s.query_heads, .key_heads = s.key_heads, .width = s.width, .value_width = s.width, .causal = 1,
      .window = s.window, .q = view(0, length * row), .k = view(1, length * row), .v = view(2, length * row),
      .out = view(3, s.queries * wide), .log_sum_exp = view(4, s.query_heads * s.queries), .offset = view(5, 0),
      .q_token = row, .q_head = s.width, .k_token = row, .k_head = s.width, .v_token = row, .v_head = s.width,
      .out_token = wide, .out_head = s.width, .log_token = 1, .log_head = s.queries};
  a.offset.type = TYPE_I32;
  memcpy(a.scale, &scale, sizeof scale);
  attention_gradient g = {
      .forward = a, .d_out = view(6, s.queries * wide), .dq = view(7, length * row), .dk = view(8, length * row),
      .dv = view(9, length * row), .d_out_token = wide, .d_out_head = s.width, .dq_token = row, .dq_head = s.width,
      .dk_token = row, .dk_head = s.width, .dv_token = row, .dv_head = s.width};
  int64_t bytes = larger(attention_scratch_bytes(s.keys, s.width, s.width),
                         attention_gradient_scratch_bytes(s.keys, s.width, s.width));
  context c = {.bindings = bindings, .scratch = aligned_alloc(LINE_BYTES, round_up(bytes, LINE_BYTES))};
  double pairs = 0;
  for (int i = 0; i < s.queries; i++) {
    int64_t position = s.offset + i;
    pairs += smaller(s.keys, position + 1) - (s.window ? larger(0, position - s.window + 1) : 0);
  }
  double product = 2.0 * pairs * s.width * s.batch * s.query_heads;
  double forward = least(run_attention, &c, &a.h, budget);
  printf("B%-4d H%d/%d T%d/%d d%-3d window %-4d forward %9.3f ms %6.1f GFLOP/s", s.batch, s.query_heads, s.key_heads,
         s.queries, s.keys, s.width, s.window, forward * 1e3, 2 * product / forward / 1e9);
  if (s.gradient) {
    double backward = least(run_attention_gradient, &c, &g.forward.h, budget);
    printf("   gradient %9.3f ms %6.1f GFLOP/s", backward * 1e3, 5 * product / backward / 1e9);
  } else {
    double bytes_read = 2.0 * s.batch * s.key_heads * (s.offset + s.queries) * s.width * sizeof(real);
    printf("   %6.2f GB/s of keys and values", bytes_read / forward / 1e9);
  }
  printf("\n");
  free(qkv), free(out), free(d_out), free(log_sum_exp), free(d_qkv), free(c.scratch);
}

int main(int count, char **arguments) {
  static const shape shapes[] = {
      {128, 8, 8, 128, 128, 16, 0, 0, 1}, {8, 6, 6, 256, 256, 64, 0, 0, 1},    {4, 8, 8, 2048, 2048, 64, 0, 0, 1},
      {8, 8, 2, 256, 256, 32, 0, 0, 1},   {8, 8, 8, 256, 256, 25, 0, 0, 1},    {8, 4, 4, 256, 256, 128, 0, 0, 1},
      {2, 8, 8, 1024, 1024, 64, 256, 0, 1}, {16, 8, 8, 100, 100, 32, 0, 0, 1}, {4, 8, 8, 1, 2048, 64, 0, 2047, 0},
      {4, 8, 2, 1, 2048, 64, 0, 2047, 0}, {64, 8, 8, 1, 128, 16, 0, 100, 0},
  };
  double budget = count > 1 ? atof(arguments[1]) : 1;
  flush_denormals();
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) measure(shapes[i], budget);
  return 0;
}
