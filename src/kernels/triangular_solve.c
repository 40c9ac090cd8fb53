// Substitution, row by row, on a few vectors of columns at once that stay in registers.
#include "triangular_solve.h"
#include "vector.h"

enum { VECTORS = 4 };

typedef struct {
  const real *a;
  int64_t size, a_row, a_column, x_row;
  int unit;
} system_;

// Rows solved so far are row 0 … done - 1 in the order of substitution; strides are negative for upper systems.
static inline void solve_row(const system_ *s, int64_t row, const real *b, real *x, int64_t vectors) {
  const real *a = s->a + row * s->a_row;
  vreal sum[VECTORS];
  for (int64_t v = 0; v < vectors; v++) sum[v] = vload(b + v * LANES);
  for (int64_t j = 0; j < row; j++) {
    const real *solved = x + j * s->x_row;
    vreal factor = vsplat(a[j * s->a_column]);
    for (int64_t v = 0; v < vectors; v++) sum[v] -= factor * vload(solved + v * LANES);
  }
  vreal inverse = vsplat(s->unit ? 1 : 1 / a[row * s->a_column]);
  for (int64_t v = 0; v < vectors; v++) vstore(x + row * s->x_row + v * LANES, sum[v] * inverse);
}

static void solve_column(const system_ *s, const real *b, int64_t b_row, real *x) {
  for (int64_t row = 0; row < s->size; row++) {
    const real *a = s->a + row * s->a_row;
    real sum = b[row * b_row];
    for (int64_t j = 0; j < row; j++) sum -= a[j * s->a_column] * x[j * s->x_row];
    x[row * s->x_row] = s->unit ? sum : sum * (1 / a[row * s->a_column]);
  }
}

static void solve_block(const system_ *s, const real *b, int64_t b_row, real *x, int64_t columns) {
  int64_t column = 0;
  for (; column + VECTORS * LANES <= columns; column += VECTORS * LANES) {
    for (int64_t row = 0; row < s->size; row++) solve_row(s, row, b + column + row * b_row, x + column, VECTORS);
  }
  for (; column + LANES <= columns; column += LANES) {
    for (int64_t row = 0; row < s->size; row++) solve_row(s, row, b + column + row * b_row, x + column, 1);
  }
  for (; column < columns; column++) solve_column(s, b + column, b_row, x + column);
}

void run_triangular_solve(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const triangular_solve *t = (const triangular_solve *)instruction;
  const real *a = place(c, &t->a), *b = place(c, &t->b);
  real *x = place(c, &t->x);
  int64_t blocks = (t->columns + t->column_block - 1) / t->column_block;
  int64_t first = t->forward ? 0 : t->size - 1, sign = t->forward ? 1 : -1;
  for (int64_t row = begin; row < end; row++) {
    int64_t batch = row / blocks, column = row % blocks * t->column_block;
    system_ s = {.a = a + batch * t->a.item + first * (t->a_row + t->a_column),
                 .size = t->size,
                 .a_row = sign * t->a_row,
                 .a_column = sign * t->a_column,
                 .x_row = sign * t->x_row,
                 .unit = t->unit};
    solve_block(&s, b + batch * t->b.item + first * t->b_row + column, sign * t->b_row,
                x + batch * t->x.item + first * t->x_row + column, smaller(t->column_block, t->columns - column));
  }
}
