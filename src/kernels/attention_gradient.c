// Attention, backward (Dao et al. 2022, algorithm 4): probabilities are computed again from the scores and log-sum-exp.
//   P = exp(S - log_sum_exp),  Δ_i = dO_i · O_i,  dS = P ∘ (dO Vᵀ - Δ)
//   dQ = scale dS K,  dK = scale dSᵀ Q,  dV = Pᵀ dO
// A block of keys is held with the sums of its gradients while all queries that see it pass by.
#include "attention_block.h"

enum { PASS = 64 }; // keys of which P and dS are held at once, in the first-level cache

// Working memory. Matrices lie in chunks, keys with key_block rows and queries with QUERY_BLOCK.
typedef struct {
  int64_t key_block, wide, value_wide;
  real *keys, *dk, *queries, *dq, *query_columns; // wide columns; query_columns [wide, QUERY_BLOCK] in units of log 2
  real *values, *dv, *out, *d_out, *d_out_columns; // value_wide columns; d_out_columns [value_wide, QUERY_BLOCK]
  real *probabilities, *d_scores;                  // [PASS, QUERY_BLOCK]
} workspace;

static workspace divide(real *scratch, const attention *a) {
  workspace w = {
      .key_block = keys_at_once(a->key_length, a->width, a->value_width),
      .wide = padded_width(a->width),
      .value_wide = padded_width(a->value_width),
  };
  w.keys = scratch;
  w.dk = w.keys + w.key_block * w.wide;
  w.values = w.dk + w.key_block * w.wide;
  w.dv = w.values + w.key_block * w.value_wide;
  w.queries = w.dv + w.key_block * w.value_wide;
  w.query_columns = w.queries + QUERY_BLOCK * w.wide;
  w.dq = w.query_columns + QUERY_BLOCK * w.wide;
  w.d_out = w.dq + QUERY_BLOCK * w.wide;
  w.d_out_columns = w.d_out + QUERY_BLOCK * w.value_wide;
  w.out = w.d_out_columns + QUERY_BLOCK * w.value_wide;
  w.probabilities = w.out + QUERY_BLOCK * w.value_wide;
  w.d_scores = w.probabilities + PASS * QUERY_BLOCK;
  return w;
}

int64_t attention_gradient_scratch_bytes(int64_t key_length, int64_t width, int64_t value_width) {
  int64_t columns = padded_width(width) + padded_width(value_width);
  int64_t block = keys_at_once(key_length, width, value_width);
  return (columns * (2 * block + 3 * QUERY_BLOCK) + 2 * PASS * QUERY_BLOCK) * (int64_t)sizeof(real);
}

// One batch entry and one head of keys with its group of query heads; pointers to the first head of the group.
typedef struct {
  const real *q, *k, *v, *out, *log_sum_exp, *d_out;
  real *dq, *dk, *dv;
} heads;

typedef struct {
  const attention_gradient *g;
  const attention *a;
  workspace w;
  int64_t offset;
  real scale;
  heads at, next;
} task;

// What softmax needs of a block's queries: log_sum_exp in units of log 2, and Δ.
typedef struct {
  real log_sum_exp[QUERY_BLOCK], delta[QUERY_BLOCK];
} softmax;

// Δ_i = dO_i · O_i by sums down the rows of transposed squares.
static void dot_rows(const workspace *w, int64_t width, real *delta) {
  for (int part = 0; part < QUERY_BLOCK; part += LANES) {
    vreal square[LANES];
#pragma GCC unroll 16
    for (int r = 0; r < LANES; r++) square[r] = vsplat(0);
    const real *x = w->d_out + part * CHUNK, *y = w->out + part * CHUNK;
    for (int64_t at = 0; at < width; at += CHUNK, x += QUERY_BLOCK * CHUNK, y += QUERY_BLOCK * CHUNK)
      for (int i = 0; i < CHUNK; i += LANES)
#pragma GCC unroll 16
        for (int r = 0; r < LANES; r++)
          square[r] = vfma(vload(x + r * CHUNK + i), vload(y + r * CHUNK + i), square[r]);
    transpose(square);
#pragma GCC unroll 16
    for (int r = 1; r < LANES; r++) square[0] += square[r];
    vstore(delta + part, square[0]);
  }
}

static void load_queries(const task *t, int64_t head, int64_t query, int64_t queries, softmax *m) {
  const attention *a = t->a;
  const workspace *w = &t->w;
  const real *q = t->at.q + head * a->q_head + query * a->q_token;
  const real *out = t->at.out + head * a->out_head + query * a->out_token;
  const real *d_out = t->at.d_out + head * t->g->d_out_head + query * t->g->d_out_token;
  copy_rows(w->queries, QUERY_BLOCK, QUERY_BLOCK, q, a->q_token, queries, a->width);
  copy_rows(w->out, QUERY_BLOCK, QUERY_BLOCK, out, a->out_token, queries, a->value_width);
  copy_rows(w->d_out, QUERY_BLOCK, QUERY_BLOCK, d_out, t->g->d_out_token, queries, a->value_width);
  transpose_block(w->query_columns, w->queries, a->width, t->scale * (real)LOG2_E);
  transpose_block(w->d_out_columns, w->d_out, a->value_width, 1);
  dot_rows(w, a->value_width, m->delta);
  const real *log_sum_exp = t->at.log_sum_exp + head * a->log_head + query * a->log_token;
  for (int64_t i = 0; i < QUERY_BLOCK; i++) {
    bool seen = i < queries && log_sum_exp[i * a->log_token] != -(real)__builtin_inf();
    m->log_sum_exp[i] = seen ? log_sum_exp[i * a->log_token] * (real)LOG2_E : 0;
  }
}

// P and dS of keys [from, to), multiples of KEY_STEP after key_from.
static void recompute(const task *t, const sight *s, const softmax *m, int64_t key_from, int64_t from, int64_t to) {
  const workspace *w = &t->w;
  real *probabilities = w->probabilities, *d_scores = w->d_scores;
  vreal log_sum_exp[QUERY_VECTORS], delta[QUERY_VECTORS];
  for (int v = 0; v < QUERY_VECTORS; v++) {
    log_sum_exp[v] = vload(m->log_sum_exp + v * LANES);
    delta[v] = vload(m->delta + v * LANES);
  }
  for (int64_t j = from; j < to; j += TILE_ROWS) {
    vreal p[TILE_ROWS * QUERY_VECTORS], d[TILE_ROWS * QUERY_VECTORS];
    score_tile(p, w->keys + (j - key_from) * CHUNK, w->key_block, w->query_columns, t->a->width);
    if (!all_see(s, j, TILE_ROWS)) {
#pragma GCC unroll 32
      for (int i = 0; i < TILE_ROWS * QUERY_VECTORS; i++)
        p[i] = vblend(seers(s, j + i / QUERY_VECTORS, i % QUERY_VECTORS), p[i], vsplat(UNSEEN_SCORE));
    }
#pragma GCC unroll 32
    for (int i = 0; i < TILE_ROWS * QUERY_VECTORS; i++) p[i] = vexp2(p[i] - log_sum_exp[i % QUERY_VECTORS]);
#pragma GCC unroll 32
    for (int i = 0; i < TILE_ROWS * QUERY_VECTORS; i++, probabilities += LANES) vstore(probabilities, p[i]);
    score_tile(d, w->values + (j - key_from) * CHUNK, w->key_block, w->d_out_columns, t->a->value_width);
#pragma GCC unroll 32
    for (int i = 0; i < TILE_ROWS * QUERY_VECTORS; i++, d_scores += LANES)
      vstore(d_scores, p[i] * (d[i] - delta[i % QUERY_VECTORS]));
  }
}

// to[i, :] = from[i, :] * factor, and what was there before where `add`; from in chunks of chunk_rows rows.
static void write_rows(real *to, int64_t stride, const real *from, int64_t chunk_rows, int64_t rows, int64_t width,
                       real factor, bool add) {
  for (int64_t at = 0; at < width; at += CHUNK, to += CHUNK, from += chunk_rows * CHUNK)
    for (int64_t r = 0; r < rows; r++)
      for (int i = 0; i < CHUNK; i += LANES) {
        int64_t columns = width - at - i;
        real *place = to + r * stride + i;
        vreal x = vload(from + r * CHUNK + i) * factor;
        if (columns >= LANES) {
          if (add) x += vload(place);
          vstore(place, x);
        } else if (columns > 0) {
          if (add) x += vload_part(place, columns);
          vstore_part(place, x, columns);
        }
      }
}

// What comes after a block: the queries of the next one, and a part of the next task's keys and values.
ATTENTION_INLINE void fetch_next(const task *t, int64_t head, int64_t query) {
  const attention *a = t->a;
  const heads *h = &t->at;
  query += QUERY_BLOCK;
  if (query >= a->query_length) query = 0, head++;
  if (head == a->query_heads / a->key_heads) head = 0, h = &t->next;
  fetch_rows(h->q + head * a->q_head + query * a->q_token, a->q_token, QUERY_BLOCK, a->width);
  fetch_rows(h->out + head * a->out_head + query * a->out_token, a->out_token, QUERY_BLOCK, a->value_width);
  const real *d_out = h->d_out + head * t->g->d_out_head + query * t->g->d_out_token;
  fetch_rows(d_out, t->g->d_out_token, QUERY_BLOCK, a->value_width);
  if (head > 0 || a->key_length > t->w.key_block) return;
  fetch_rows(t->next.k + query * a->k_token, a->k_token, QUERY_BLOCK, a->width);
  fetch_rows(t->next.v + query * a->v_token, a->v_token, QUERY_BLOCK, a->value_width);
  fetch_rows(t->at.dk + query * t->g->dk_token, t->g->dk_token, QUERY_BLOCK, a->width);
  fetch_rows(t->at.dv + query * t->g->dv_token, t->g->dv_token, QUERY_BLOCK, a->value_width);
}

// Queries [query, query + QUERY_BLOCK) of one head and the copied keys [key_from, key_to).
static void pass_block(const task *t, int64_t head, int64_t query, int64_t key_from, int64_t key_to, bool first) {
  const attention *a = t->a;
  const workspace *w = &t->w;
  int64_t queries = smaller(QUERY_BLOCK, a->query_length - query);
  sight s = look(a, t->offset + query, queries, key_from, key_to);
  if (s.from >= s.to && !first) return;
  memset(w->dq, 0, QUERY_BLOCK * w->wide * sizeof(real));
  if (s.from < s.to) {
    int64_t from = key_from + (s.from - key_from) / KEY_STEP * KEY_STEP, to = from + round_up(s.to - from, KEY_STEP);
    softmax m;
    fetch_next(t, head, query);
    load_queries(t, head, query, queries, &m);
    for (int64_t next; from < to; from = next) {
      next = smaller(from + PASS, to);
      int64_t keys = next - from, at = from - key_from;
      recompute(t, &s, &m, key_from, from, next);
      add_over_keys(a->width, keys, w->d_scores, w->keys + at * CHUNK, w->key_block, w->dq);
      add_over_queries(a->width, keys, w->d_scores, w->queries, w->dk + at * CHUNK, w->key_block);
      add_over_queries(a->value_width, keys, w->probabilities, w->d_out, w->dv + at * CHUNK, w->key_block);
    }
  }
  real *dq = t->at.dq + head * t->g->dq_head + query * t->g->dq_token;
  write_rows(dq, t->g->dq_token, w->dq, QUERY_BLOCK, queries, a->width, t->scale, !first);
}

static void clear_rows(real *to, int64_t stride, int64_t rows, int64_t width) {
  for (int64_t r = 0; r < rows; r++) memset(to + r * stride, 0, width * sizeof(real));
}

static void differentiate(const task *t) {
  const attention *a = t->a;
  const attention_gradient *g = t->g;
  const workspace *w = &t->w;
  int64_t heads_of_group = a->query_heads / a->key_heads;
  int64_t begin = first_visible(a, t->offset), end = end_visible(a, t->offset + a->query_length - 1);
  begin = smaller(begin, a->key_length);
  end = larger(begin, end);
  clear_rows(t->at.dk, g->dk_token, begin, a->width);
  clear_rows(t->at.dv, g->dv_token, begin, a->value_width);
  clear_rows(t->at.dk + end * g->dk_token, g->dk_token, a->key_length - end, a->width);
  clear_rows(t->at.dv + end * g->dv_token, g->dv_token, a->key_length - end, a->value_width);
  int64_t from = begin;
  do {
    int64_t to = smaller(end, from + w->key_block), padded = round_up(to - from, KEY_STEP);
    copy_rows(w->keys, w->key_block, padded, t->at.k + from * a->k_token, a->k_token, to - from, a->width);
    copy_rows(w->values, w->key_block, padded, t->at.v + from * a->v_token, a->v_token, to - from, a->value_width);
    memset(w->dk, 0, w->key_block * w->wide * sizeof(real));
    memset(w->dv, 0, w->key_block * w->value_wide * sizeof(real));
    for (int64_t head = 0; head < heads_of_group; head++)
      for (int64_t query = 0; query < a->query_length; query += QUERY_BLOCK)
        pass_block(t, head, query, from, to, from == begin);
    write_rows(t->at.dk + from * g->dk_token, g->dk_token, w->dk, w->key_block, to - from, a->width, t->scale, false);
    write_rows(t->at.dv + from * g->dv_token, g->dv_token, w->dv, w->key_block, to - from, a->value_width, 1, false);
    from = to;
  } while (from < end);
}

static heads heads_at(const attention_gradient *g, const heads *first, int64_t n) {
  const attention *a = &g->forward;
  int64_t b = n / a->key_heads, key_head = n % a->key_heads, head = key_head * (a->query_heads / a->key_heads);
  return (heads){
      .q = first->q + b * a->q.item + head * a->q_head,
      .k = first->k + b * a->k.item + key_head * a->k_head,
      .v = first->v + b * a->v.item + key_head * a->v_head,
      .out = first->out + b * a->out.item + head * a->out_head,
      .log_sum_exp = first->log_sum_exp + b * a->log_sum_exp.item + head * a->log_head,
      .d_out = first->d_out + b * g->d_out.item + head * g->d_out_head,
      .dq = first->dq + b * g->dq.item + head * g->dq_head,
      .dk = first->dk + b * g->dk.item + key_head * g->dk_head,
      .dv = first->dv + b * g->dv.item + key_head * g->dv_head,
  };
}

void run_attention_gradient(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const attention_gradient *g = (const attention_gradient *)instruction;
  const attention *a = &g->forward;
  int64_t last = (int64_t)a->h.rows * a->heads_per_row - 1;
  heads first = {
      .q = place(c, &a->q), .k = place(c, &a->k), .v = place(c, &a->v), .out = place(c, &a->out),
      .log_sum_exp = place(c, &a->log_sum_exp), .d_out = place(c, &g->d_out),
      .dq = place(c, &g->dq), .dk = place(c, &g->dk), .dv = place(c, &g->dv),
  };
  task t = {.g = g, .a = a, .w = divide((real *)c->scratch, a)};
  t.offset = attention_offset(c, a);
  t.scale = attention_scale(a);
  for (int64_t n = begin * a->heads_per_row; n < end * a->heads_per_row; n++) {
    t.at = heads_at(g, &first, n);
    t.next = heads_at(g, &first, smaller(n + 1, last));
    differentiate(&t);
  }
}
