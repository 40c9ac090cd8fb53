// Attention, forward: softmax over blocks of keys, carried from block to block by the result so far and its log-sum-exp
// (Milakov and Gimelshein 2018; Dao et al. 2022, algorithm 1). Scores are kept in units of log 2.
#include "attention_block.h"

enum { FEW_QUERIES = 6 }; // up to here, queries are worked through one by one and keys are read in place

// Working memory.
typedef struct {
  int64_t key_block, wide, value_wide;
  real *keys, *values;  // key_block rows of wide and value_wide columns, in chunks
  real *rows, *columns; // a block of queries in chunks, and its transpose [wide, QUERY_BLOCK]
  real *sums;           // QUERY_BLOCK rows of value_wide columns, in chunks
  real *scores;         // [key_block + QUERY_BLOCK, QUERY_BLOCK]
} workspace;

static workspace divide(real *scratch, const attention *a) {
  workspace w = {
      .key_block = keys_at_once(a->key_length, a->width, a->value_width),
      .wide = padded_width(a->width),
      .value_wide = padded_width(a->value_width),
  };
  w.keys = scratch;
  w.values = w.keys + w.key_block * w.wide;
  w.rows = w.values + w.key_block * w.value_wide;
  w.columns = w.rows + QUERY_BLOCK * w.wide;
  w.sums = w.columns + QUERY_BLOCK * w.wide;
  w.scores = w.sums + QUERY_BLOCK * w.value_wide;
  return w;
}

int64_t attention_scratch_bytes(int64_t key_length, int64_t width, int64_t value_width) {
  int64_t block = keys_at_once(key_length, width, value_width);
  int64_t wide = padded_width(width), value_wide = padded_width(value_width);
  int64_t rows = block * (wide + value_wide) + QUERY_BLOCK * (2 * wide + value_wide);
  return (rows + (block + QUERY_BLOCK) * QUERY_BLOCK) * (int64_t)sizeof(real);
}

// One batch entry and one head, or one group of query heads that share it.
typedef struct {
  const attention *a;
  workspace w;
  const real *q, *k, *v; // of the first query head of the group
  real *out, *log_sum_exp;
  const real *next_q, *next_k, *next_v; // of the next task
  int64_t offset;
  real scale;
} task;

// The state of a block's queries: the largest score so far, and Σ 2^(score - largest).
typedef struct {
  real largest[QUERY_BLOCK], sum[QUERY_BLOCK];
} running;

static running resume(const real *log_sum_exp, int64_t stride, int64_t queries, bool first) {
  running r;
  for (int i = 0; i < QUERY_BLOCK; i++) {
    bool seen = !first && i < queries && log_sum_exp[i * stride] != -(real)__builtin_inf();
    r.largest[i] = seen ? log_sum_exp[i * stride] * (real)LOG2_E : LOWEST_SCORE;
    r.sum[i] = seen ? 1 : 0;
  }
  return r;
}

// Writes result = (sums + before * result) / sum for each query, and log-sum-exp; sums in chunks of sum_rows rows.
static void finish(const task *t, const running *r, const real *before, int64_t queries, int64_t sum_rows,
                   bool first, real *out, real *log_sum_exp) {
  const attention *a = t->a;
  real logs[QUERY_BLOCK], after[QUERY_BLOCK];
  for (int i = 0; i < QUERY_BLOCK; i += LANES) {
    vreal sum = vload(r->sum + i);
    vlane seen = sum != 0; // NaN counts as seen
    vstore(logs + i, vblend(seen, vload(r->largest + i) * (real)LN_2 + vlog(sum), vsplat(-(real)__builtin_inf())));
    vstore(after + i, vblend(seen, 1 / sum, vsplat(0)));
  }
  for (int64_t i = 0; i < queries; i++) log_sum_exp[i * a->log_token] = logs[i];
  const real *sums = t->w.sums;
  for (int64_t at = 0; at < a->value_width; at += CHUNK, out += CHUNK, sums += sum_rows * CHUNK)
    for (int64_t i = 0; i < queries; i++)
      for (int j = 0; j < CHUNK; j += LANES) {
        int64_t columns = a->value_width - at - j;
        real *to = out + i * a->out_token + j;
        vreal x = vload(sums + i * CHUNK + j);
        if (columns >= LANES) {
          if (!first) x = vfma(vload(to), vsplat(before[i]), x);
          vstore(to, x * vsplat(after[i]));
        } else if (columns > 0) {
          if (!first) x = vfma(vload_part(to, columns), vsplat(before[i]), x);
          vstore_part(to, x * vsplat(after[i]), columns);
        }
      }
}

// Scores of keys [from, to) (multiples of KEY_STEP after key_from) with the queries of the block; raises `largest`.
static void score_keys(const task *t, const sight *s, int64_t key_from, int64_t from, int64_t to, real *largest) {
  const workspace *w = &t->w;
  vreal top[QUERY_VECTORS];
  for (int v = 0; v < QUERY_VECTORS; v++) top[v] = vload(largest + v * LANES);
  real *scores = w->scores;
  for (int64_t j = from; j < to; j += TILE_ROWS, scores += TILE_ROWS * QUERY_BLOCK) {
    vreal tile[TILE_ROWS * QUERY_VECTORS];
    score_tile(tile, w->keys + (j - key_from) * CHUNK, w->key_block, w->columns, t->a->width);
    if (!all_see(s, j, TILE_ROWS)) {
#pragma GCC unroll 8
      for (int r = 0; r < TILE_ROWS; r++)
#pragma GCC unroll 8
        for (int v = 0; v < QUERY_VECTORS; v++)
          tile[r * QUERY_VECTORS + v] = vblend(seers(s, j + r, v), tile[r * QUERY_VECTORS + v], vsplat(UNSEEN_SCORE));
    }
#pragma GCC unroll 32
    for (int i = 0; i < TILE_ROWS * QUERY_VECTORS; i++) {
      top[i % QUERY_VECTORS] = vlarger(top[i % QUERY_VECTORS], tile[i]);
      vstore(scores + i * LANES, tile[i]);
    }
  }
  for (int v = 0; v < QUERY_VECTORS; v++) vstore(largest + v * LANES, top[v]);
}

// scores = 2^(scores - largest); adds them to `sum`.
static void exponentiate(const task *t, int64_t keys, running *state) {
  real *scores = t->w.scores;
  vreal top[QUERY_VECTORS], sum[QUERY_VECTORS];
  for (int v = 0; v < QUERY_VECTORS; v++) {
    top[v] = vload(state->largest + v * LANES);
    sum[v] = vload(state->sum + v * LANES);
  }
  for (int64_t j = 0; j < keys; j++, scores += QUERY_BLOCK)
#pragma GCC unroll 8
    for (int v = 0; v < QUERY_VECTORS; v++) {
      vreal p = vexp2(vload(scores + v * LANES) - top[v]);
      sum[v] += p;
      vstore(scores + v * LANES, p);
    }
  for (int v = 0; v < QUERY_VECTORS; v++) vstore(state->sum + v * LANES, sum[v]);
}

// What comes after a block: the queries of the next one, and a part of the next task's keys and values.
ATTENTION_INLINE void fetch_next(const task *t, int64_t head, int64_t query) {
  const attention *a = t->a;
  int64_t left = a->query_length - query - QUERY_BLOCK, heads = a->query_heads / a->key_heads;
  const real *q = t->q + head * a->q_head + (query + QUERY_BLOCK) * a->q_token;
  if (left <= 0) q = head + 1 < heads ? t->q + (head + 1) * a->q_head : t->next_q;
  fetch_rows(q, a->q_token, QUERY_BLOCK, a->width);
  if (head > 0 || a->key_length > t->w.key_block) return;
  fetch_rows(t->next_k + query * a->k_token, a->k_token, QUERY_BLOCK, a->width);
  fetch_rows(t->next_v + query * a->v_token, a->v_token, QUERY_BLOCK, a->value_width);
}

// Queries [query, query + QUERY_BLOCK) of one head and the copied keys [key_from, key_to).
static void attend_block(const task *t, int64_t head, int64_t query, int64_t key_from, int64_t key_to, bool first) {
  const attention *a = t->a;
  const workspace *w = &t->w;
  int64_t queries = smaller(QUERY_BLOCK, a->query_length - query);
  sight s = look(a, t->offset + query, queries, key_from, key_to);
  if (s.from >= s.to && !first) return;
  int64_t from = key_from + (s.from - key_from) / KEY_STEP * KEY_STEP;
  int64_t to = from + round_up(larger(s.to - from, 0), KEY_STEP);
  const real *q = t->q + head * a->q_head + query * a->q_token;
  real *out = t->out + head * a->out_head + query * a->out_token;
  real *log_sum_exp = t->log_sum_exp + head * a->log_head + query * a->log_token;

  fetch_next(t, head, query);
  running state = resume(log_sum_exp, a->log_token, queries, first), before = state;
  copy_rows(w->rows, QUERY_BLOCK, QUERY_BLOCK, q, a->q_token, queries, a->width);
  transpose_block(w->columns, w->rows, a->width, t->scale * (real)LOG2_E);
  score_keys(t, &s, key_from, from, to, state.largest);
  for (int v = 0; v < QUERY_BLOCK; v += LANES) {
    vreal kept = vload(before.sum + v) * vexp2(vload(before.largest + v) - vload(state.largest + v));
    vstore(before.sum + v, kept);
    vstore(state.sum + v, kept);
  }
  exponentiate(t, to - from, &state);
  memset(w->sums, 0, QUERY_BLOCK * w->value_wide * sizeof(real));
  add_over_keys(a->value_width, smaller(to, key_to) - from, w->scores, w->values + (from - key_from) * CHUNK,
                w->key_block, w->sums);
  finish(t, &state, before.sum, queries, QUERY_BLOCK, first, out, log_sum_exp);
}

// ---- few queries (decoding): bound by reading keys and values once, so nothing is copied

// scores[j] = query · key j for keys [0, count), `count` at least 1; at most LANES keys are read more than once.
static void score_row(const attention *a, const real *query, const real *keys, int64_t count, real *scores) {
  int64_t whole = a->width / LANES * LANES, rest = a->width - whole;
  for (int64_t j = 0; j < count; j += LANES) {
    vreal square[LANES];
    const real *row[LANES];
#pragma GCC unroll 16
    for (int r = 0; r < LANES; r++) {
      row[r] = keys + smaller(j + r, count - 1) * a->k_token;
      square[r] = vsplat(0);
      if (rest) square[r] = vload(query + whole) * vload_part(row[r] + whole, rest);
    }
    for (int64_t i = 0; i < whole; i += LANES) {
      vreal x = vload(query + i);
#pragma GCC unroll 16
      for (int r = 0; r < LANES; r++) square[r] = vfma(x, vload(row[r] + i), square[r]);
    }
    transpose(square);
#pragma GCC unroll 4
    for (int half = LANES / 2; half > 0; half /= 2)
#pragma GCC unroll 8
      for (int r = 0; r < half; r++) square[r] += square[r + half];
    vstore(scores + j, square[0]);
  }
}

// sums[0, width) = Σ_j weights[j] * values[j, :]
static void sum_row(const attention *a, const real *weights, const real *values, int64_t count, real *sums) {
  for (int64_t i = 0; i < a->value_width; i += 4 * LANES) {
    vreal sum[4] = {vsplat(0), vsplat(0), vsplat(0), vsplat(0)};
    int64_t vectors = smaller(4, (a->value_width - i) / LANES), rest = vectors < 4 ? (a->value_width - i) % LANES : 0;
    const real *row = values + i;
    if (vectors == 4)
      for (int64_t j = 0; j < count; j++, row += a->v_token)
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) sum[v] = vfma(vsplat(weights[j]), vload(row + v * LANES), sum[v]);
    else
      for (int64_t j = 0; j < count; j++, row += a->v_token) {
        for (int v = 0; v < vectors; v++) sum[v] = vfma(vsplat(weights[j]), vload(row + v * LANES), sum[v]);
        if (rest) sum[3] = vfma(vsplat(weights[j]), vload_part(row + vectors * LANES, rest), sum[3]);
      }
    for (int v = 0; v < vectors; v++) vstore(sums + i + v * LANES, sum[v]);
    if (rest) vstore(sums + i + vectors * LANES, sum[3]);
  }
}

static void attend_row(const task *t, int64_t head, int64_t query, int64_t key_from, int64_t key_to, bool first) {
  const attention *a = t->a;
  const workspace *w = &t->w;
  sight s = look(a, t->offset + query, 1, key_from, key_to);
  int64_t count = larger(0, s.to - s.from);
  if (!count && !first) return;
  real *out = t->out + head * a->out_head + query * a->out_token;
  real *log_sum_exp = t->log_sum_exp + head * a->log_head + query * a->log_token;
  running state = resume(log_sum_exp, a->log_token, 1, first);
  real before = state.largest[0];
  memset(w->sums, 0, w->value_wide * sizeof(real));
  if (count) {
    copy_rows(w->rows, 1, 1, t->q + head * a->q_head + query * a->q_token, 0, 1, a->width);
    for (int64_t i = 0; i < a->width; i++) w->rows[i] *= t->scale * (real)LOG2_E;
    score_row(a, w->rows, t->k + s.from * a->k_token, count, w->scores);
    for (int64_t j = 0; j < count; j++)
      if (w->scores[j] > state.largest[0]) state.largest[0] = w->scores[j];
    vreal sum = vsplat(0);
    for (int64_t j = 0; j < count; j += LANES) {
      vreal p = vexp2(vload(w->scores + j) - state.largest[0]);
      if (count - j < LANES) p = vblend(vbelow(count - j), p, vsplat(0));
      vstore(w->scores + j, p);
      sum += p;
    }
    state.sum[0] *= vexp2(vsplat(before - state.largest[0]))[0];
    before = state.sum[0];
    state.sum[0] += vsum(sum);
    sum_row(a, w->scores, t->v + s.from * a->v_token, count, w->sums);
  }
  finish(t, &state, &before, 1, 1, first, out, log_sum_exp);
}

// ---- all queries of a group of heads

static void attend(const task *t) {
  const attention *a = t->a;
  const workspace *w = &t->w;
  int64_t heads = a->query_heads / a->key_heads, step = a->query_length <= FEW_QUERIES ? 1 : QUERY_BLOCK;
  int64_t begin = first_visible(a, t->offset), end = end_visible(a, t->offset + a->query_length - 1);
  int64_t from = begin;
  do {
    int64_t to = larger(from, smaller(end, from + w->key_block));
    if (step > 1) {
      int64_t padded = round_up(to - from, KEY_STEP);
      copy_rows(w->keys, w->key_block, padded, t->k + from * a->k_token, a->k_token, to - from, a->width);
      copy_rows(w->values, w->key_block, padded, t->v + from * a->v_token, a->v_token, to - from, a->value_width);
    }
    for (int64_t head = 0; head < heads; head++)
      for (int64_t query = 0; query < a->query_length; query += step)
        (step == 1 ? attend_row : attend_block)(t, head, query, from, to, from == begin);
    from = to;
  } while (from < end);
}

void run_attention(const context *c, const header *instruction, int64_t begin, int64_t end) {
  const attention *a = (const attention *)instruction;
  int64_t group = a->query_heads / a->key_heads, last = (int64_t)a->h.rows * a->heads_per_row - 1;
  task t = {.a = a, .w = divide((real *)c->scratch, a), .offset = attention_offset(c, a), .scale = attention_scale(a)};
  const real *q = place(c, &a->q), *k = place(c, &a->k), *v = place(c, &a->v);
  real *out = place(c, &a->out), *log_sum_exp = place(c, &a->log_sum_exp);
  for (int64_t n = begin * a->heads_per_row; n < end * a->heads_per_row; n++) {
    int64_t b = n / a->key_heads, head = n % a->key_heads;
    int64_t next_b = smaller(n + 1, last) / a->key_heads, next_head = smaller(n + 1, last) % a->key_heads;
    t.q = q + b * a->q.item + head * group * a->q_head;
    t.k = k + b * a->k.item + head * a->k_head;
    t.v = v + b * a->v.item + head * a->v_head;
    t.out = out + b * a->out.item + head * group * a->out_head;
    t.log_sum_exp = log_sum_exp + b * a->log_sum_exp.item + head * group * a->log_head;
    t.next_q = q + next_b * a->q.item + next_head * group * a->q_head;
    t.next_k = k + next_b * a->k.item + next_head * a->k_head;
    t.next_v = v + next_b * a->v.item + next_head * a->v_head;
    attend(&t);
  }
}
