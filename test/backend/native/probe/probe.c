// Kernels for testing the walker and its threads alone, in place of the real ones.
#include "kernels.h"
#include <stdlib.h>

// y[r] = 31 y[r] + x[(stride r + shift) % rows], after work that differs from row to row.
typedef struct {
  header h;
  operand x, y;
  word stride, shift, effort;
} mixing;

void run_group(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const mixing *m = (const mixing *)instruction;
  const uint32_t *x = place(c, &m->x);
  uint32_t *y = place(c, &m->y);
  for (int64_t r = begin; r < end; r++) {
    volatile int64_t work = r * 2654435761 % (m->effort + 1);
    while (work > 0) work--;
    y[r] = 31 * y[r] + x[(r * m->stride + m->shift) % m->h.rows];
  }
}

// Halves of the smallest normal numbers, added up in scratch memory: y[r] = 0 where denormals are flushed.
typedef struct {
  header h;
  operand y;
} halving;

void run_reduce(const context *c, const header *instruction, int64_t begin, int64_t end) {
  real *y = place(c, &((const halving *)instruction)->y);
  volatile real *scratch = (volatile real *)c->scratch;
  for (int64_t r = begin; r < end; r++) {
    scratch[0] = sizeof(real) == 4 ? (real)1.17549435e-38F : (real)2.2250738585072014e-308;
    y[r] = scratch[0] * (real)0.5;
  }
}

static void never(void) { abort(); }

#define UNUSED(name) \
  void name(const context *c, const header *h, int64_t begin, int64_t end) { \
    (void)c, (void)h, (void)begin, (void)end; \
    never(); \
  }
UNUSED(run_contract)
UNUSED(run_pack)
UNUSED(run_attention)
UNUSED(run_attention_gradient)
UNUSED(run_rotary)
UNUSED(run_gather)
UNUSED(run_scatter_add)
UNUSED(run_sort)
UNUSED(run_cumulative_sum)
UNUSED(run_triangular_solve)
UNUSED(run_grouped_product)
UNUSED(run_grouped_outer)
UNUSED(run_long_convolution)
UNUSED(run_short_convolution)
UNUSED(run_short_convolution_gradient)
UNUSED(run_linear_recurrence)
UNUSED(run_dynamic_slice)
UNUSED(run_dynamic_update)
UNUSED(run_selective_scan)
UNUSED(run_selective_scan_gradient)
UNUSED(run_long_convolution_gradient)
UNUSED(run_head_convolution)
UNUSED(run_head_convolution_gradient)
UNUSED(run_matrix_recurrence)
UNUSED(run_matrix_recurrence_gradient)
