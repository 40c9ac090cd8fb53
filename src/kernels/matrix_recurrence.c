// The recurrence of a matrix state, token by token, on a few rows and vectors of the state at once that stay in registers
// for a block of tokens. Decays are only ever multiplied, so none is too strong, and nothing is rounded twice.
//
// Forward, the lanes of a vector are values, so that what a token reads needs no sum over lanes. Backward they are keys:
// three of the four gradients are then vectors of lanes, and the states of the block are computed again on the way.
#include "matrix_recurrence.h"
#include "vector.h"

#define RECURRENCE_INLINE static inline __attribute__((always_inline))

enum { PAD = 16 }; // widths are padded with zeros to multiples of this

// Rows and vectors of a tile of the state: as many as there are registers for.
#if defined(__AVX512VL__) || defined(__aarch64__)
enum { ROWS = 8, VECTORS = 2, GRADIENT_ROWS = 4, GRADIENT_VECTORS = 2 };
#else
enum { ROWS = 4, VECTORS = 2, GRADIENT_ROWS = 4, GRADIENT_VECTORS = 1 };
#endif

// Working memory: `tokens` rows of each, wide or value_wide columns; matrices [wide, value_wide], in the gradient
// transposed.
typedef struct {
  int64_t wide, value_wide;
  real *q, *k, *a, *dq, *dk, *da;
  real *v, *out, *dv; // out: in the gradient, that of out
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

int64_t matrix_recurrence_scratch_bytes(int64_t width, int64_t value_width) {
  int64_t wide = round_up(width, PAD), value_wide = round_up(value_width, PAD);
  int64_t tokens = RECURRENCE_BLOCK * (6 * wide + 3 * value_wide);
  return (tokens + 2 * wide * value_wide) * (int64_t)sizeof(real);
}

// The tokens of one head.
typedef struct {
  real *at;
  int64_t token;
} tokens_;

static tokens_ head_of(const context *c, const token_view *view, int64_t batch, int64_t head) {
  real *first = place(c, &view->place);
  return (tokens_){first + batch * view->place.item + head * view->head, view->token};
}

static void copy_in(real *to, int64_t wide, tokens_ from, int64_t token, int64_t count, int64_t width) {
  const real *row = from.at + token * from.token;
  for (int64_t t = 0; t < count; t++, to += wide, row += from.token) {
    memcpy(to, row, width * sizeof(real));
    memset(to + width, 0, (wide - width) * sizeof(real));
  }
}

static void copy_out(tokens_ to, const real *from, int64_t wide, int64_t token, int64_t count, int64_t width) {
  real *row = to.at + token * to.token;
  for (int64_t t = 0; t < count; t++, from += wide, row += to.token) memcpy(row, from, width * sizeof(real));
}

static int64_t count_blocks(int64_t length) { return (length + RECURRENCE_BLOCK - 1) / RECURRENCE_BLOCK; }

// First token of a block, or the length for the one after the last.
static int64_t block_start(int64_t length, int64_t block) {
  return larger(0, length - (count_blocks(length) - block) * RECURRENCE_BLOCK);
}

// ---- forward

// Some rows and vectors of the state from token to token, and what they add to what is read.
RECURRENCE_INLINE void pass(const workspace *w, int vectors, bool reads_before, int64_t count, int64_t row,
                            int64_t column) {
  vreal state[ROWS * VECTORS];
  real *at = w->state + row * w->value_wide + column;
#pragma GCC unroll 16
  for (int i = 0; i < ROWS * vectors; i++) state[i] = vload(at + i / vectors * w->value_wide + i % vectors * LANES);
  for (int64_t t = 0; t < count; t++) {
    const real *q = w->q + t * w->wide + row, *k = w->k + t * w->wide + row, *a = w->a + t * w->wide + row;
    const real *v = w->v + t * w->value_wide + column;
    real *out = w->out + t * w->value_wide + column;
    vreal read[VECTORS];
#pragma GCC unroll 2
    for (int j = 0; j < vectors; j++) read[j] = vload(out + j * LANES);
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 2
      for (int j = 0; j < vectors; j++) {
        vreal *s = &state[r * vectors + j];
        if (reads_before) read[j] = vfma(vsplat(q[r]), *s, read[j]);
        *s = vfma(vsplat(k[r]), vload(v + j * LANES), *s * vsplat(a[r]));
        if (!reads_before) read[j] = vfma(vsplat(q[r]), *s, read[j]);
      }
#pragma GCC unroll 2
    for (int j = 0; j < vectors; j++) vstore(out + j * LANES, read[j]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < ROWS * vectors; i++) vstore(at + i / vectors * w->value_wide + i % vectors * LANES, state[i]);
}

RECURRENCE_INLINE void pass_block(const workspace *w, bool reads_before, int64_t count, int64_t width) {
  for (int64_t column = 0; column < w->value_wide;) {
    bool several = w->value_wide - column >= VECTORS * LANES;
    for (int64_t row = 0; row < width; row += ROWS) {
      if (several) pass(w, VECTORS, reads_before, count, row, column);
      else pass(w, 1, reads_before, count, row, column);
    }
    column += (several ? VECTORS : 1) * LANES;
  }
}

static void copy_matrix(real *to, int64_t to_row, const real *from, int64_t from_row, int64_t rows, int64_t columns) {
  for (int64_t i = 0; i < rows; i++) memcpy(to + i * to_row, from + i * from_row, columns * sizeof(real));
}

static void recur(const context *c, const matrix_recurrence *m, const workspace *w, int64_t batch, int64_t head) {
  tokens_ q = head_of(c, &m->q, batch, head), k = head_of(c, &m->k, batch, head), v = head_of(c, &m->v, batch, head);
  tokens_ a = head_of(c, &m->a, batch, head), out = head_of(c, &m->out, batch, head);
  int64_t width = m->width, columns = m->value_width, matrix = width * columns;
  real *starts = (real *)place(c, &m->starts) + batch * m->starts.item + head * matrix;
  real *last = (real *)place(c, &m->last) + batch * m->last.item + head * matrix;

  memset(w->state, 0, w->wide * w->value_wide * sizeof(real));
  for (int64_t block = 0; block < count_blocks(m->length); block++, starts += m->heads * matrix) {
    int64_t from = block_start(m->length, block), count = block_start(m->length, block + 1) - from;
    copy_matrix(starts, columns, w->state, w->value_wide, width, columns);
    copy_in(w->q, w->wide, q, from, count, width);
    copy_in(w->k, w->wide, k, from, count, width);
    copy_in(w->a, w->wide, a, from, count, width);
    copy_in(w->v, w->value_wide, v, from, count, columns);
    memset(w->out, 0, count * w->value_wide * sizeof(real));
    if (m->reads_before) pass_block(w, true, count, width);
    else pass_block(w, false, count, width);
    copy_out(out, w->out, w->value_wide, from, count, columns);
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

// The tile's states before each token of the block.
typedef vreal history[RECURRENCE_BLOCK * GRADIENT_ROWS * GRADIENT_VECTORS];
// dv of each token and row of the tile, not yet summed over lanes.
typedef vreal partial_sums[RECURRENCE_BLOCK * GRADIENT_ROWS];

RECURRENCE_INLINE void states_again(const workspace *w, int vectors, bool reads_before, int64_t count, int64_t row,
                                    int64_t column, vreal *states) {
  vreal state[GRADIENT_ROWS * GRADIENT_VECTORS];
  const real *at = w->state + row * w->wide + column;
#pragma GCC unroll 16
  for (int i = 0; i < GRADIENT_ROWS * vectors; i++) state[i] = vload(at + i / vectors * w->wide + i % vectors * LANES);
  for (int64_t t = 0; t < count; t++, states += GRADIENT_ROWS * vectors) {
    int64_t keys = t * w->wide + column;
    const real *v = w->v + t * w->value_wide + row, *d_out = w->out + t * w->value_wide + row;
#pragma GCC unroll 2
    for (int j = 0; j < vectors; j++) {
      vreal a = vload(w->a + keys + j * LANES), k = vload(w->k + keys + j * LANES), dq = vload(w->dq + keys + j * LANES);
#pragma GCC unroll 8
      for (int r = 0; r < GRADIENT_ROWS; r++) {
        vreal before = state[r * vectors + j];
        states[r * vectors + j] = before;
        state[r * vectors + j] = vfma(vsplat(v[r]), k, a * before);
        dq = vfma(vsplat(d_out[r]), reads_before ? before : state[r * vectors + j], dq);
      }
      vstore(w->dq + keys + j * LANES, dq);
    }
  }
}

RECURRENCE_INLINE void pass_back(const workspace *w, int vectors, bool reads_before, int64_t count, int64_t row,
                                 int64_t column, const vreal *states, vreal *sums) {
  vreal carry[GRADIENT_ROWS * GRADIENT_VECTORS];
  real *at = w->carry + row * w->wide + column;
#pragma GCC unroll 16
  for (int i = 0; i < GRADIENT_ROWS * vectors; i++) carry[i] = vload(at + i / vectors * w->wide + i % vectors * LANES);
  for (int64_t t = count - 1; t >= 0; t--) {
    int64_t keys = t * w->wide + column;
    const real *v = w->v + t * w->value_wide + row, *d_out = w->out + t * w->value_wide + row;
    const vreal *before = states + t * GRADIENT_ROWS * vectors;
    vreal sum[GRADIENT_ROWS];
#pragma GCC unroll 8
    for (int r = 0; r < GRADIENT_ROWS; r++) sum[r] = column ? sums[t * GRADIENT_ROWS + r] : vsplat(0);
#pragma GCC unroll 2
    for (int j = 0; j < vectors; j++) {
      vreal q = vload(w->q + keys + j * LANES), k = vload(w->k + keys + j * LANES), a = vload(w->a + keys + j * LANES);
      vreal dk = vload(w->dk + keys + j * LANES), da = vload(w->da + keys + j * LANES);
#pragma GCC unroll 8
      for (int r = 0; r < GRADIENT_ROWS; r++) {
        vreal g = carry[r * vectors + j];
        if (!reads_before) g = vfma(vsplat(d_out[r]), q, g);
        dk = vfma(vsplat(v[r]), g, dk);
        sum[r] = vfma(k, g, sum[r]);
        da = vfma(before[r * vectors + j], g, da);
        g = a * g;
        if (reads_before) g = vfma(vsplat(d_out[r]), q, g);
        carry[r * vectors + j] = g;
      }
      vstore(w->dk + keys + j * LANES, dk);
      vstore(w->da + keys + j * LANES, da);
    }
#pragma GCC unroll 8
    for (int r = 0; r < GRADIENT_ROWS; r++) sums[t * GRADIENT_ROWS + r] = sum[r];
  }
#pragma GCC unroll 16
  for (int i = 0; i < GRADIENT_ROWS * vectors; i++) vstore(at + i / vectors * w->wide + i % vectors * LANES, carry[i]);
}

RECURRENCE_INLINE void differentiate_tile(const workspace *w, int vectors, bool reads_before, int64_t count, int64_t row,
                                          int64_t column, vreal *sums) {
  history states;
  states_again(w, vectors, reads_before, count, row, column, states);
  pass_back(w, vectors, reads_before, count, row, column, states, sums);
}

RECURRENCE_INLINE void differentiate_block(const workspace *w, bool reads_before, int64_t count, int64_t value_width) {
  partial_sums sums;
  for (int64_t row = 0; row < value_width; row += GRADIENT_ROWS) {
    for (int64_t column = 0; column < w->wide;) {
      bool several = w->wide - column >= GRADIENT_VECTORS * LANES;
      if (several) differentiate_tile(w, GRADIENT_VECTORS, reads_before, count, row, column, sums);
      else differentiate_tile(w, 1, reads_before, count, row, column, sums);
      column += (several ? GRADIENT_VECTORS : 1) * LANES;
    }
    for (int64_t t = 0; t < count; t++)
      for (int r = 0; r < GRADIENT_ROWS; r++) w->dv[t * w->value_wide + row + r] = vsum(sums[t * GRADIENT_ROWS + r]);
  }
}

static void differentiate(const context *c, const matrix_recurrence_gradient *m, const workspace *w, int64_t batch,
                          int64_t head) {
  tokens_ q = head_of(c, &m->q, batch, head), k = head_of(c, &m->k, batch, head), v = head_of(c, &m->v, batch, head);
  tokens_ a = head_of(c, &m->a, batch, head), d_out = head_of(c, &m->d_out, batch, head);
  tokens_ dq = head_of(c, &m->dq, batch, head), dk = head_of(c, &m->dk, batch, head);
  tokens_ dv = head_of(c, &m->dv, batch, head), da = head_of(c, &m->da, batch, head);
  int64_t width = m->width, columns = m->value_width, matrix = width * columns;
  const real *starts = (const real *)place(c, &m->starts) + batch * m->starts.item + head * matrix;

  memset(w->state, 0, 2 * w->wide * w->value_wide * sizeof(real)); // and carry behind it
  for (int64_t block = count_blocks(m->length) - 1; block >= 0; block--) {
    int64_t from = block_start(m->length, block), count = block_start(m->length, block + 1) - from;
    const real *start = starts + block * m->heads * matrix;
    for (int64_t i = 0; i < width; i++)
      for (int64_t j = 0; j < columns; j++) w->state[j * w->wide + i] = start[i * columns + j];
    copy_in(w->q, w->wide, q, from, count, width);
    copy_in(w->k, w->wide, k, from, count, width);
    copy_in(w->a, w->wide, a, from, count, width);
    copy_in(w->v, w->value_wide, v, from, count, columns);
    copy_in(w->out, w->value_wide, d_out, from, count, columns);
    memset(w->dq, 0, 3 * RECURRENCE_BLOCK * w->wide * sizeof(real)); // dk and da behind it
    if (m->reads_before) differentiate_block(w, true, count, columns);
    else differentiate_block(w, false, count, columns);
    copy_out(dq, w->dq, w->wide, from, count, width);
    copy_out(dk, w->dk, w->wide, from, count, width);
    copy_out(da, w->da, w->wide, from, count, width);
    copy_out(dv, w->dv, w->value_wide, from, count, columns);
  }
}

void run_matrix_recurrence_gradient(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const matrix_recurrence_gradient *m = (const matrix_recurrence_gradient *)instruction;
  workspace w = divide((real *)c->scratch, m->width, m->value_width);
  for (int64_t n = begin * m->heads_per_row; n < end * m->heads_per_row; n++)
    differentiate(c, m, &w, n / m->heads, n % m->heads);
}
