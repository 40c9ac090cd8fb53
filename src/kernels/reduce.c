// Sums and maxima over the middle axis of a strided view.
#include "reduce.h"
#include "kernels.h"
#include "row_reduce.h"

// One block of results: `columns` of them over `depth` entries each.
typedef struct {
  word kind, type;
  int64_t depth, columns;
  int64_t input_k, input_c;
  const char *input;
  char *output;
} block;

// ---- reals

// K contiguous: one result after the other.
static void reduce_rows(const block *b) {
  const real *x = (const real *)b->input;
  for (int64_t c = 0; c < b->columns; c++) {
    const real *row = x + c * b->input_c;
    ((real *)b->output)[c] = b->kind == REDUCE_SUM ? row_sum(row, b->depth) : row_maximum(row, b->depth);
  }
}

// C contiguous: `vectors` adjacent vectors of results down the depth, in its order; or one vector of which `part` lanes
// count.
static inline __attribute__((always_inline)) void reduce_vectors_down(const block *b, int64_t from, int vectors,
                                                                      int64_t part, real start, combine *f) {
  const real *x = (const real *)b->input + from;
  vreal total[4];
  for (int v = 0; v < vectors; v++) total[v] = vsplat(start);
  for (int64_t k = 0; k < b->depth; k++, x += b->input_k) {
    for (int v = 0; v < vectors; v++) total[v] = f(total[v], part > 0 ? vload_part(x, part) : vload(x + v * LANES));
  }
  real *y = (real *)b->output + from;
  for (int v = 0; v < vectors; v++) {
    if (part > 0) vstore_part(y, total[v], part);
    else vstore(y + v * LANES, total[v]);
  }
}

static inline __attribute__((always_inline)) void reduce_columns(const block *b, real start, combine *f) {
  int64_t c = 0;
  for (; c + 4 * LANES <= b->columns; c += 4 * LANES) reduce_vectors_down(b, c, 4, 0, start, f);
  for (; c + LANES <= b->columns; c += LANES) reduce_vectors_down(b, c, 1, 0, start, f);
  if (c < b->columns) reduce_vectors_down(b, c, 1, b->columns - c, start, f);
}

static real larger_or_nan(real a, real b) { return a > b || a != a ? a : b; }

static void reduce_strided(const block *b) {
  for (int64_t c = 0; c < b->columns; c++) {
    const real *x = (const real *)b->input + c * b->input_c;
    real total[4] = {0, 0, 0, 0};
    if (b->kind == REDUCE_MAXIMUM) total[0] = total[1] = total[2] = total[3] = -(real)__builtin_inf();
    for (int64_t k = 0; k < b->depth; k++, x += b->input_k) {
      real *t = &total[k % 4];
      *t = b->kind == REDUCE_SUM ? *t + *x : larger_or_nan(*t, *x);
    }
    ((real *)b->output)[c] = b->kind == REDUCE_SUM
                                 ? (total[0] + total[1]) + (total[2] + total[3])
                                 : larger_or_nan(larger_or_nan(total[0], total[1]), larger_or_nan(total[2], total[3]));
  }
}

// ---- integers: order does not matter, and sums wrap

static void reduce_integers(const block *b) {
  const uint32_t sign = b->type == TYPE_I32 ? 0x80000000u : 0; // makes signed order unsigned
  for (int64_t c = 0; c < b->columns; c++) {
    const uint32_t *x = (const uint32_t *)b->input + c * b->input_c;
    uint32_t total = b->kind == REDUCE_SUM ? 0 : sign;
    for (int64_t k = 0; k < b->depth; k++, x += b->input_k) {
      if (b->kind == REDUCE_SUM) total += *x;
      else total = (*x ^ sign) > (total ^ sign) ? *x : total;
    }
    ((uint32_t *)b->output)[c] = total;
  }
}

static void reduce_block(const block *b) {
  if (b->type != TYPE_REAL) reduce_integers(b);
  else if (b->input_k == 1) reduce_rows(b);
  else if (b->input_c == 1 && b->kind == REDUCE_SUM) reduce_columns(b, 0, plus);
  else if (b->input_c == 1) reduce_columns(b, -(real)__builtin_inf(), vmaximum);
  else reduce_strided(b);
}

void run_reduce(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const reduction *r = (const reduction *)instruction;
  int64_t bytes = element_bytes(r->input.type);
  const char *input = place(c, &r->input);
  char *output = place(c, &r->output);
  for (int64_t row = begin; row < end; row++) {
    int64_t a = row / r->column_blocks, from = row % r->column_blocks * r->columns_per_block;
    block b = {.kind = r->kind, .type = r->input.type, .depth = r->depth, .input_k = r->input_k, .input_c = r->input_c};
    b.columns = smaller(r->columns_per_block, r->columns - from);
    b.input = input + (a * r->input_a + from * r->input_c) * bytes;
    b.output = output + (a * r->columns + from) * bytes;
    reduce_block(&b);
  }
}
