// The recurrence of a matrix state, token by token, on a few rows and one vector of columns of the state at once, which stay
// in registers for a block of tokens. Decays are only ever multiplied, so none is too strong.
//
// Forward, the lanes of a vector are values, so that what a token reads needs no sum over lanes. Backward they are keys:
// three of the four gradients are then vectors of lanes, and the states of the block are computed again on the way.
#include "matrix_recurrence.h"
#include "vector.h"

#define RECURRENCE_INLINE static inline __attribute__((always_inline))

enum { PAD = 16 }; // widths are padded with zeros to multiples of this

// Rows of the state at once: as many as there are registers for.
#if defined(__AVX512VL__) || defined(__aarch64__)
enum { ROWS = 8, GRADIENT_ROWS = 8 };
#else
enum { ROWS = 8, GRADIENT_ROWS = 4 };
#endif

// Working memory: RECURRENCE_BLOCK rows of each, wide or value_wide columns, and matrices [wide, value_wide], in the gradient
// transposed. There, `out` is the gradient of out.
typedef struct {
  int64_t wide, value_wide;
  real *q, *k, *a, *dq, *dk, *da;
  real *v, *out, *dv;
  real *state, *carry;
} workspace;

static workspace divide(real *scratch, int64_t width, int64_t value_width) {
  workspace w = {.wide = round_up(width, PAD), .value_wide = round_up(value_width, PAD)};
  real **keys[] = {&w.q, &w.k, &w.a, &w.dq, &w.dk, &w.da}, **values[] = {&w.v, &w.out, &w.dv};
  for (int i = 0; i < 6; i++, scratch += RECURRENCE_BLOCK * w.wide) *keys[i] = scratch;
  for (int i = 0; i < 3; i++, scratch += RECURRENCE_BLOCK * w.value_wide) *values[i] = scratch;
  w.state = scratch;
  w.carry = scratch + w.wide * w.value_wide;
  return w;
}

// Rows of one head, `token` elements apart, and their copy: a block of them, `wide` elements apart.
typedef struct {
  real *at;
  int64_t token, width;
  real *copy;
  int64_t wide;
} rows;

static rows rows_of(const context *c, const token_view *view, int64_t batch, int64_t head, int64_t width, real *copy) {
  real *first = place(c, &view->place);
  real *at = first + batch * view->place.item + head * view->head;
  return (rows){at, view->token, width, copy, round_up(width, PAD)};
}

static void copy_in(const rows *r, int64_t token, int64_t count) {
  const real *from = r->at + token * r->token;
  real *to = r->copy;
  int64_t whole = r->width / LANES * LANES;
  for (int64_t t = 0; t < count; t++, to += r->wide, from += r->token) {
    for (int64_t i = 0; i < whole; i += LANES) vstore(to + i, vload(from + i));
    for (int64_t i = whole; i < r->wide; i += LANES) vstore(to + i, vload_part(from + i, larger(0, r->width - i)));
  }
}

static void copy_out(const rows *r, int64_t token, int64_t count) {
  const real *from = r->copy;
  real *to = r->at + token * r->token;
  int64_t whole = r->width / LANES * LANES;
  for (int64_t t = 0; t < count; t++, from += r->wide, to += r->token) {
    for (int64_t i = 0; i < whole; i += LANES) vstore(to + i, vload(from + i));
    if (whole < r->width) vstore_part(to + whole, vload(from + whole), r->width - whole);
  }
}

static int64_t count_blocks(int64_t length) { return (length + RECURRENCE_BLOCK - 1) / RECURRENCE_BLOCK; }

// First token of a block, or the length for the one after the last.
static int64_t block_start(int64_t length, int64_t block) {
  return larger(0, length - (count_blocks(length) - block) * RECURRENCE_BLOCK);
}

// ---- forward

// Some rows and a vector of the state from token to token, and what they add to what is read.
RECURRENCE_INLINE void pass(const workspace *w, bool reads_before, int64_t count, int64_t row, int64_t column) {
  vreal state[ROWS];
  real *at = w->state + row * w->value_wide + column;
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; r++) state[r] = vload(at + r * w->value_wide);
  for (int64_t t = 0; t < count; t++) {
    const real *q = w->q + t * w->wide + row, *k = w->k + t * w->wide + row, *a = w->a + t * w->wide + row;
    vreal v = vload(w->v + t * w->value_wide + column), read = vload(w->out + t * w->value_wide + column);
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++) {
      if (reads_before) read = vfma(vsplat(q[r]), state[r], read);
      state[r] = vfma(vsplat(k[r]), v, state[r] * vsplat(a[r]));
      if (!reads_before) read = vfma(vsplat(q[r]), state[r], read);
    }
    vstore(w->out + t * w->value_wide + column, read);
  }
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; r++) vstore(at + r * w->value_wide, state[r]);
}

RECURRENCE_INLINE void pass_block(const workspace *w, bool reads_before, int64_t count, int64_t width) {
  for (int64_t column = 0; column < w->value_wide; column += LANES)
    for (int64_t row = 0; row < width; row += ROWS) pass(w, reads_before, count, row, column);
}

static void copy_matrix(real *to, int64_t to_row, const real *from, int64_t from_row, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) memcpy(to + i * to_row, from + i * from_row, columns * sizeof(real));
}

static void recur(const context *c, const matrix_recurrence *m, const workspace *w, int64_t batch, int64_t head) {
  int64_t width = m->width, columns = m->value_width, matrix = width * columns;
  enum { Q, K, A, V, OUT, COUNT };
  rows of[COUNT] = {
      [Q] = rows_of(c, &m->q, batch, head, width, w->q),     [K] = rows_of(c, &m->k, batch, head, width, w->k),
      [A] = rows_of(c, &m->a, batch, head, width, w->a),     [V] = rows_of(c, &m->v, batch, head, columns, w->v),
      [OUT] = rows_of(c, &m->out, batch, head, columns, w->out),
  };
  real *starts = (real *)place(c, &m->starts) + batch * m->starts.item + head * matrix;
  real *last = (real *)place(c, &m->last) + batch * m->last.item + head * matrix;

  memset(w->state, 0, w->wide * w->value_wide * sizeof(real));
  for (int64_t block = 0; block < count_blocks(m->length); block++, starts += m->heads * matrix) {
    int64_t from = block_start(m->length, block), end = block_start(m->length, block + 1);
    copy_matrix(starts, columns, w->state, w->value_wide, width, columns);
    for (int i = Q; i <= V; i++) copy_in(&of[i], from, end - from);
    memset(w->out, 0, (end - from) * w->value_wide * sizeof(real));
    if (m->reads_before) pass_block(w, true, end - from, width);
    else pass_block(w, false, end - from, width);
    copy_out(&of[OUT], from, end - from);
  }
  copy_matrix(last, columns, w->state, w->value_wide, width, columns);
}

void run_matrix_recurrence(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const matrix_recurrence *m = (const matrix_recurrence *)instruction;
  workspace w = divide((real *)c->scratch, m->width, m->value_width);
  for (int64_t n = begin * m->heads_per_row; n < end * m->heads_per_row; n++)
    recur(c, m, &w, n / m->heads, n % m->heads);
}

// ---- gradient: with G_t that of the state after token t, which later tokens and, unless `reads_before`, q_t add to,
//   dq_t = S_t d_out_t (S_{t-1} where `reads_before`), dk_t = G_t v_t, dv_t = G_tᵀ k_t, da_t = rowsum(G_t ∘ S_{t-1}),
//   and diag(a_t) G_t goes to the token before.

// Some rows (of the transposed state) and a vector of it before each token of a block.
typedef vreal history[RECURRENCE_BLOCK * GRADIENT_ROWS];
// dv of each token and row, not yet summed over lanes.
typedef vreal partial_sums[RECURRENCE_BLOCK * GRADIENT_ROWS];

RECURRENCE_INLINE void states_again(const workspace *w, bool reads_before, int64_t count, int64_t row, int64_t column,
                                    vreal *states) {
  vreal state[GRADIENT_ROWS];
#pragma GCC unroll 8
  for (int r = 0; r < GRADIENT_ROWS; r++) state[r] = vload(w->state + (row + r) * w->wide + column);
  for (int64_t t = 0; t < count; t++, states += GRADIENT_ROWS) {
    const real *v = w->v + t * w->value_wide + row, *d_out = w->out + t * w->value_wide + row;
    int64_t keys = t * w->wide + column;
    vreal a = vload(w->a + keys), k = vload(w->k + keys), dq = vload(w->dq + keys);
#pragma GCC unroll 8
    for (int r = 0; r < GRADIENT_ROWS; r++) {
      vreal before = states[r] = state[r];
      state[r] = vfma(vsplat(v[r]), k, a * before);
      dq = vfma(vsplat(d_out[r]), reads_before ? before : state[r], dq);
    }
    vstore(w->dq + keys, dq);
  }
}

RECURRENCE_INLINE void pass_back(const workspace *w, bool reads_before, int64_t count, int64_t row, int64_t column,
                                 const vreal *states, vreal *sums) {
  vreal carry[GRADIENT_ROWS];
#pragma GCC unroll 8
  for (int r = 0; r < GRADIENT_ROWS; r++) carry[r] = vload(w->carry + (row + r) * w->wide + column);
  for (int64_t t = count - 1; t >= 0; t--) {
    const real *v = w->v + t * w->value_wide + row, *d_out = w->out + t * w->value_wide + row;
    const vreal *before = states + t * GRADIENT_ROWS;
    vreal *sum = sums + t * GRADIENT_ROWS;
    int64_t keys = t * w->wide + column;
    vreal q = vload(w->q + keys), k = vload(w->k + keys), a = vload(w->a + keys);
    vreal dk = vload(w->dk + keys), da = vload(w->da + keys);
#pragma GCC unroll 8
    for (int r = 0; r < GRADIENT_ROWS; r++) {
      vreal g = carry[r];
      if (!reads_before) g = vfma(vsplat(d_out[r]), q, g);
      dk = vfma(vsplat(v[r]), g, dk);
      sum[r] = vfma(k, g, column ? sum[r] : vsplat(0));
      da = vfma(before[r], g, da);
      carry[r] = a * g;
      if (reads_before) carry[r] = vfma(vsplat(d_out[r]), q, carry[r]);
    }
    vstore(w->dk + keys, dk);
    vstore(w->da + keys, da);
  }
#pragma GCC unroll 8
  for (int r = 0; r < GRADIENT_ROWS; r++) vstore(w->carry + (row + r) * w->wide + column, carry[r]);
}

RECURRENCE_INLINE void differentiate_block(const workspace *w, bool reads_before, int64_t count, int64_t value_width) {
  history states;
  partial_sums sums;
  for (int64_t row = 0; row < value_width; row += GRADIENT_ROWS) {
    for (int64_t column = 0; column < w->wide; column += LANES) {
      states_again(w, reads_before, count, row, column, states);
      pass_back(w, reads_before, count, row, column, states, sums);
    }
    for (int64_t t = 0; t < count; t++)
      for (int r = 0; r < GRADIENT_ROWS; r++) w->dv[t * w->value_wide + row + r] = vsum(sums[t * GRADIENT_ROWS + r]);
  }
}

static void differentiate(const context *c, const matrix_recurrence_gradient *m, const workspace *w, int64_t batch,
                          int64_t head) {
  int64_t width = m->width, columns = m->value_width, matrix = width * columns;
  enum { Q, K, A, V, D_OUT, DQ, DK, DA, DV, COUNT };
  rows of[COUNT] = {
      [Q] = rows_of(c, &m->q, batch, head, width, w->q),     [K] = rows_of(c, &m->k, batch, head, width, w->k),
      [A] = rows_of(c, &m->a, batch, head, width, w->a),     [V] = rows_of(c, &m->v, batch, head, columns, w->v),
      [D_OUT] = rows_of(c, &m->d_out, batch, head, columns, w->out),
      [DQ] = rows_of(c, &m->dq, batch, head, width, w->dq),  [DK] = rows_of(c, &m->dk, batch, head, width, w->dk),
      [DA] = rows_of(c, &m->da, batch, head, width, w->da),  [DV] = rows_of(c, &m->dv, batch, head, columns, w->dv),
  };
  const real *starts = (const real *)place(c, &m->starts) + batch * m->starts.item + head * matrix;

  memset(w->state, 0, 2 * w->wide * w->value_wide * sizeof(real)); // and carry behind it
  for (int64_t block = count_blocks(m->length) - 1; block >= 0; block--) {
    int64_t from = block_start(m->length, block), end = block_start(m->length, block + 1);
    const real *start = starts + block * m->heads * matrix;
    for (int64_t i = 0; i < width; i++)
      for (int64_t j = 0; j < columns; j++) w->state[j * w->wide + i] = start[i * columns + j];
    for (int i = Q; i <= D_OUT; i++) copy_in(&of[i], from, end - from);
    memset(w->dq, 0, 3 * RECURRENCE_BLOCK * w->wide * sizeof(real)); // dk and da behind it
    if (m->reads_before) differentiate_block(w, true, end - from, columns);
    else differentiate_block(w, false, end - from, columns);
    for (int i = DQ; i <= DV; i++) copy_out(&of[i], from, end - from);
  }
}

void run_matrix_recurrence_gradient(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const matrix_recurrence_gradient *m = (const matrix_recurrence_gradient *)instruction;
  workspace w = divide((real *)c->scratch, m->width, m->value_width);
  for (int64_t n = begin * m->heads_per_row; n < end * m->heads_per_row; n++)
    differentiate(c, m, &w, n / m->heads, n % m->heads);
}
