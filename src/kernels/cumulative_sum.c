// Running sums along the last axis. Sums of reals are carried in double: a long axis would lose digits otherwise.
#include "cumulative_sum.h"

static void sum_reals(const real *x, int64_t x_step, real *y, int64_t y_step, int64_t n, int exclusive) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) {
    double before = sum;
    sum += (double)x[i * x_step];
    y[i * y_step] = (real)(exclusive ? before : sum);
  }
}

static void sum_integers(const uint32_t *x, int64_t x_step, uint32_t *y, int64_t y_step, int64_t n, int exclusive) {
  uint32_t sum = 0;
  for (int64_t i = 0; i < n; i++) {
    uint32_t before = sum;
    sum += x[i * x_step];
    y[i * y_step] = exclusive ? before : sum;
  }
}

void run_cumulative_sum(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const cumulative_sum *s = (const cumulative_sum *)instruction;
  int64_t bytes = element_bytes(s->x.type), sign = s->reverse ? -1 : 1;
  int64_t x_first = s->reverse ? (s->length - 1) * (int64_t)s->x_column : 0;
  int64_t y_first = s->reverse ? (s->length - 1) * (int64_t)s->result_column : 0;
  const char *x = place(c, &s->x);
  char *result = place(c, &s->result);
  for (int64_t row = begin; row < end; row++) {
    const void *from = x + (row * s->x.item + x_first) * bytes;
    void *to = result + (row * s->result.item + y_first) * bytes;
    if (s->x.type == TYPE_REAL) {
      sum_reals(from, sign * s->x_column, to, sign * s->result_column, s->length, s->exclusive);
    } else {
      sum_integers(from, sign * s->x_column, to, sign * s->result_column, s->length, s->exclusive);
    }
  }
}
