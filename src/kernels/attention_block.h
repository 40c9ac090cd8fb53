// What attention and its gradient share: which keys a block of queries sees, and the arithmetic of a block.
//
// Sixteen queries lie along the lanes of the vectors and keys come one by one as broadcast scalars. So softmax needs
// no horizontal operation, only queries are ever transposed, and what one product writes the next reads as it is.
#ifndef SCANTLING_ATTENTION_BLOCK_H
#define SCANTLING_ATTENTION_BLOCK_H
#include "attention.h"
#include "vector.h"

#define ATTENTION_INLINE static inline __attribute__((always_inline))
#define ATTENTION_APART static __attribute__((noinline, unused)) // large when unrolled: once in a file is enough

// Keys are worked through KEY_BLOCK or fewer at a time, so that their copies stay in the second-level cache.
enum {
  QUERY_BLOCK = 16,
  QUERY_VECTORS = QUERY_BLOCK / LANES,
  CHUNK = 16, // copies of matrices lie in chunks of this many columns, each with all rows: [width / CHUNK, rows, CHUNK]
  KEY_STEP = 8, // products take keys by this many
  KEY_BLOCK = 256,
  KEY_BLOCK_ELEMENTS = 65536
};

// Rows of a tile of products: as many as there are registers for.
#if defined(__AVX512VL__) || defined(__aarch64__)
enum { TILE_ROWS = QUERY_VECTORS <= 2 ? 8 : QUERY_VECTORS == 4 ? 4 : 2 };
#else
enum { TILE_ROWS = QUERY_VECTORS == 2 ? 4 : QUERY_VECTORS == 4 ? 2 : 1 };
#endif

// Steps of the depth that are written out. In WebAssembly, whose compilers look no further than they must, sums of several
// steps at once would not stay in registers.
#if defined(__wasm__)
enum { TILE_STEPS = 1 };
#else
enum { TILE_STEPS = 4 };
#endif

static inline int64_t padded_width(int64_t width) { return round_up(width, CHUNK); }

static inline int64_t keys_at_once(int64_t key_length, int64_t width, int64_t value_width) {
  int64_t fit = KEY_BLOCK_ELEMENTS / (padded_width(width) + padded_width(value_width)) / QUERY_BLOCK * QUERY_BLOCK;
  return smaller(round_up(key_length, QUERY_BLOCK), smaller(KEY_BLOCK, larger(2 * QUERY_BLOCK, fit)));
}

static inline int64_t attention_offset(const context *c, const attention *a) {
  const int32_t *offset = place(c, &a->offset);
  return offset ? *offset : 0;
}

static inline real attention_scale(const attention *a) {
  double scale;
  memcpy(&scale, a->scale, sizeof scale);
  return (real)scale;
}

// ---- which keys the queries of a block see

static inline int64_t first_visible(const attention *a, int64_t position) {
  return a->window ? larger(0, position - a->window + 1) : 0;
}

static inline int64_t end_visible(const attention *a, int64_t position) {
  int64_t end = a->causal ? position + 1 : a->window ? position + a->window : a->key_length;
  return larger(0, smaller(a->key_length, end));
}

typedef struct {
  int64_t from, to;         // keys that some query of the block sees, of those at hand
  int64_t all_from, all_to; // keys that every query of the block sees
  int64_t position, window; // position of the block's first query
  word causal;
} sight;

// The block of `queries` <= QUERY_BLOCK queries from `position` on looks at keys [from, to).
static inline sight look(const attention *a, int64_t position, int64_t queries, int64_t from, int64_t to) {
  sight s = {.position = position, .window = a->window, .causal = a->causal};
  s.from = larger(from, first_visible(a, position));
  s.to = smaller(to, end_visible(a, position + queries - 1));
  s.all_from = larger(s.from, first_visible(a, position + QUERY_BLOCK - 1));
  s.all_to = smaller(s.to, end_visible(a, position));
  return s;
}

static inline bool all_see(const sight *s, int64_t key, int64_t keys) {
  return key >= s->all_from && key + keys <= s->all_to;
}

// Lanes of the part-th vector of queries that see the key.
ATTENTION_INLINE vlane seers(const sight *s, int64_t key, int part) {
  int64_t distance = key - s->position, first = 0, end = QUERY_BLOCK;
  if (s->causal) first = distance;
  else if (s->window) first = distance - s->window + 1;
  if (s->window) end = distance + s->window;
  if (key >= s->to) end = 0;
  lane query[LANES];
  for (int i = 0; i < LANES; i++) query[i] = part * LANES + i;
  vlane queries = vload_lanes(query);
  return (queries >= vsplat_lane((lane)first)) & (queries < vsplat_lane((lane)end));
}

// ---- arithmetic

#define LOG2_E 1.4426950408889634074
#define LN_2 0.69314718055994530942
#define LOWEST_SCORE ((real)-1e30) // the largest score of a query that has seen no key
#define UNSEEN_SCORE ((real)-2e30) // the score of a key that is not seen: 2^(this - any largest score) is 0

// 2^x for x <= 0; exactly 0 for x <= `lowest`. NaN passes.
ATTENTION_INLINE vreal vexp2(vreal x) {
#ifdef SCANTLING_DOUBLE
  enum { TERMS = 14, MANTISSA = 52 };
  const real lowest = -1023, magic = 0x1.8p52; // adding it leaves the nearest integer in the low bits
  static const real c[TERMS] = {1.0,                       0.69314718055994530942,    0.24022650695910071233,
                                0.055504108664821579953,   0.0096181291076284771620,  0.0013333558146428443423,
                                0.00015403530393381609954, 1.5252733804059840280e-5,  1.3215486790144309488e-6,
                                1.0178086009239699728e-7,  7.0549116208011233299e-9,  4.4455382718708114976e-10,
                                2.5678435993488205141e-11, 1.3691488853904128881e-12}; // ln(2)^k / k!
#else
  enum { TERMS = 6, MANTISSA = 23 };
  const real lowest = -127, magic = 0x1.8p23f;
  static const real c[TERMS] = {1.0f,        0.69314698f, 0.24022242f, // least-maximum fit, relative error 9e-8
                                0.05550734f, 0.00967151f, 0.00132647f};
#endif
  x = vlarger(vsplat(lowest), x);
  vreal shifted = x + magic, r = x - (shifted - magic), y = vsplat(c[TERMS - 1]);
#pragma GCC unroll 16
  for (int k = TERMS - 2; k >= 0; k--) y = vfma(y, r, vsplat(c[k]));
  return (vreal)((vulane)y + ((vulane)shifted << MANTISSA));
}

// sums[r][v] += Σ_k a[r * a_row + k * a_depth] * b[k * CHUNK + v * LANES ...], all of it in registers.
ATTENTION_INLINE void add_tile(int rows, int vectors, vreal *sums, int64_t depth, const real *a, int64_t a_row,
                               int64_t a_depth, const real *b) {
#pragma GCC unroll TILE_STEPS
  for (int64_t k = 0; k < depth; k++) {
    vreal right[CHUNK / LANES];
#pragma GCC unroll 8
    for (int v = 0; v < vectors; v++) right[v] = vload(b + k * CHUNK + v * LANES);
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
      for (int v = 0; v < vectors; v++)
        sums[r * vectors + v] = vfma(vsplat(a[r * a_row + k * a_depth]), right[v], sums[r * vectors + v]);
  }
}

// The products of TILE_ROWS rows of a matrix in chunks of `rows` rows with the columns of a block of queries.
ATTENTION_INLINE void score_tile(vreal *scores, const real *matrix, int64_t rows, const real *columns, int64_t width) {
#pragma GCC unroll 32
  for (int i = 0; i < TILE_ROWS * QUERY_VECTORS; i++) scores[i] = vsplat(0);
  int64_t at = 0;
  for (; at + CHUNK <= width; at += CHUNK, matrix += rows * CHUNK, columns += CHUNK * QUERY_BLOCK)
    add_tile(TILE_ROWS, QUERY_VECTORS, scores, CHUNK, matrix, CHUNK, 1, columns);
  if (at < width) add_tile(TILE_ROWS, QUERY_VECTORS, scores, width - at, matrix, CHUNK, 1, columns);
}

// c[i, :] += Σ_k a[i * a_row + k * a_depth] * b[k, :] for `rows` (a multiple of KEY_STEP) rows; b and c in chunks of
// b_rows and c_rows rows.
ATTENTION_INLINE void add_product(int64_t rows, int64_t width, int64_t depth, const real *a, int64_t a_row,
                                  int64_t a_depth, const real *b, int64_t b_rows, real *c, int64_t c_rows) {
  enum { VECTORS = CHUNK / LANES > 1 ? 2 : 1, ROWS = TILE_ROWS < 4 ? 4 : TILE_ROWS };
  for (int64_t at = 0; at < width; at += VECTORS * LANES) {
    const real *right = b + at / CHUNK * CHUNK * b_rows + at % CHUNK;
    real *to = c + at / CHUNK * CHUNK * c_rows + at % CHUNK;
    for (int64_t i = 0; i < rows; i += ROWS) {
      vreal sums[ROWS * VECTORS];
#pragma GCC unroll 16
      for (int j = 0; j < ROWS * VECTORS; j++) sums[j] = vload(to + (i + j / VECTORS) * CHUNK + j % VECTORS * LANES);
      add_tile(ROWS, VECTORS, sums, depth, a + i * a_row, a_row, a_depth, right);
#pragma GCC unroll 16
      for (int j = 0; j < ROWS * VECTORS; j++) vstore(to + (i + j / VECTORS) * CHUNK + j % VECTORS * LANES, sums[j]);
    }
  }
}

// A product over keys: weights [keys, QUERY_BLOCK] give a row to each query.
ATTENTION_APART void add_over_keys(int64_t width, int64_t keys, const real *weights, const real *b, int64_t b_rows,
                                   real *c) {
  add_product(QUERY_BLOCK, width, keys, weights, 1, QUERY_BLOCK, b, b_rows, c, QUERY_BLOCK);
}

// A product over the queries of a block: weights [keys, QUERY_BLOCK] give a row to each key.
ATTENTION_APART void add_over_queries(int64_t width, int64_t keys, const real *weights, const real *b, real *c,
                                      int64_t c_rows) {
  add_product(keys, width, QUERY_BLOCK, weights, QUERY_BLOCK, 1, b, QUERY_BLOCK, c, c_rows);
}

// ---- rows and columns

// Copies `count` rows of `width` numbers into chunks of `rows` rows, zeros behind them in rows and columns, up to row
// `padded`.
ATTENTION_APART void copy_rows(real *to, int64_t rows, int64_t padded, const real *from, int64_t stride, int64_t count,
                             int64_t width) {
  for (int64_t at = 0; at < width; at += CHUNK, to += rows * CHUNK, from += CHUNK) {
    const real *row = from;
    int64_t columns = smaller(CHUNK, width - at);
    if (columns == CHUNK) {
      for (int64_t r = 0; r < count; r++, row += stride)
        for (int i = 0; i < CHUNK; i += LANES) vstore(to + r * CHUNK + i, vload(row + i));
    } else {
      for (int64_t r = 0; r < count; r++, row += stride)
        for (int i = 0; i < CHUNK; i += LANES) {
          int64_t left = larger(0, columns - i);
          vstore(to + r * CHUNK + i, left >= LANES ? vload(row + i) : vload_part(row + i, left));
        }
    }
    if (count < padded) memset(to + count * CHUNK, 0, (padded - count) * CHUNK * sizeof(real));
  }
}

// Asks for rows that will be copied soon: rows of one head lie far apart, and processors do not foresee that.
// Inlined always: a function that only prefetches is a pure one to GCC, which drops calls to it.
ATTENTION_INLINE void fetch_rows(const real *from, int64_t stride, int64_t count, int64_t width) {
  for (int64_t r = 0; r < count; r++)
    for (int64_t i = 0; i < width; i += LINE_BYTES / (int64_t)sizeof(real)) __builtin_prefetch(from + r * stride + i);
}

#if defined(__clang__)
#define ATTENTION_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define ATTENTION_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, (vlane){__VA_ARGS__})
#endif
#if VECTOR_BYTES == 64 && !defined(SCANTLING_DOUBLE)
#define ATTENTION_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define ATTENTION_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif VECTOR_BYTES == 64 || (VECTOR_BYTES == 32 && !defined(SCANTLING_DOUBLE))
#define ATTENTION_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define ATTENTION_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#elif VECTOR_BYTES == 32 || !defined(SCANTLING_DOUBLE)
#define ATTENTION_LOW 0, 4, 1, 5
#define ATTENTION_HIGH 2, 6, 3, 7
#else
#define ATTENTION_LOW 0, 2
#define ATTENTION_HIGH 1, 3
#endif

// Transposes LANES vectors: interleaving row i with row i + LANES / 2 moves one bit of the row number into the column
// number, and there are log2(LANES) bits.
ATTENTION_INLINE void transpose(vreal *rows) {
#pragma GCC unroll 4
  for (int bit = 1; bit < LANES; bit *= 2) {
    vreal mixed[LANES];
#pragma GCC unroll 8
    for (int i = 0; i < LANES / 2; i++) {
      mixed[2 * i] = ATTENTION_SHUFFLE(rows[i], rows[i + LANES / 2], ATTENTION_LOW);
      mixed[2 * i + 1] = ATTENTION_SHUFFLE(rows[i], rows[i + LANES / 2], ATTENTION_HIGH);
    }
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i++) rows[i] = mixed[i];
  }
}

// columns[i][r] = rows[r][i] * factor, for QUERY_BLOCK rows in chunks.
ATTENTION_APART void transpose_block(real *columns, const real *rows, int64_t width, real factor) {
  for (int64_t at = 0; at < width; at += CHUNK, columns += CHUNK * QUERY_BLOCK, rows += CHUNK * QUERY_BLOCK)
    for (int i = 0; i < CHUNK; i += LANES)
      for (int part = 0; part < QUERY_BLOCK; part += LANES) {
        vreal square[LANES];
#pragma GCC unroll 16
        for (int r = 0; r < LANES; r++) square[r] = vload(rows + (part + r) * CHUNK + i);
        transpose(square);
#pragma GCC unroll 16
        for (int r = 0; r < LANES; r++) vstore(columns + (i + r) * QUERY_BLOCK + part, square[r] * factor);
      }
}

#endif
