// Products of blocks: the register tiles, and the copies that put A and B in the order the tiles read.
#include "panel.h"

#define INLINE static inline __attribute__((always_inline))

enum { LINE = LINE_BYTES / sizeof(real) }; // elements of a cache line

// ---- one register tile

// `columns` columns of `depth` entries of A times B. A entry (i, k): a[i * a_stride + k] by rows, a[k * a_stride + i] by
// columns. addend (or NULL) has unit column stride.
typedef struct {
  int64_t depth, columns;
  const real *a;
  int64_t a_stride;
  const real *b;
  int64_t b_row;
  real *c;
  int64_t c_row;
  const real *addend;
  int64_t addend_row;
  real scale;
  const real *soon; // fetched on the side: a line at each step of the depth, soon_row apart
  int64_t soon_row;
} tile;

enum { BY_ROWS, BY_COLUMNS };
enum { MOST_ROWS = 12, MOST_VECTORS = 8, ACCUMULATORS = PANEL_ROWS * PANEL_VECTORS };

INLINE void finish_vector(const tile *t, vreal sum, const real *addend, real *c, int64_t lanes) {
  vreal other = {0};
  if (addend) other = lanes >= LANES ? vload(addend) : vload_part(addend, lanes);
  vreal result = vfma(sum, vsplat(t->scale), other);
  if (lanes >= LANES) vstore(c, result);
  else vstore_part(c, result, lanes);
}

// `rows`, `vectors` and `order` are constants wherever this is inlined; all loops over them unroll.
INLINE void run_tile(const int rows, const int vectors, const int order, const tile *t) {
  vreal sum[MOST_ROWS][MOST_VECTORS];
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) {
    __builtin_prefetch(t->c + i * t->c_row, 1);
    __builtin_prefetch(t->c + i * t->c_row + t->columns - 1, 1);
#pragma GCC unroll 8
    for (int j = 0; j < vectors; j++) sum[i][j] = (vreal){0};
  }
  // One pointer for three rows: a pointer for each would not fit the registers. The empty asm hides that they are related,
  // or compilers would make one for each again.
  const real *row[(MOST_ROWS + 2) / 3] = {t->a};
#pragma GCC unroll 4
  for (int g = 1; g < (rows + 2) / 3; g++) {
    row[g] = t->a + 3 * g * t->a_stride;
    __asm__("" : "+r"(row[g]));
  }
  const real *b = t->b;
  const real *soon = t->soon;
  const int64_t a_stride = t->a_stride, b_row = t->b_row, soon_row = t->soon_row;
  for (int64_t k = 0; k < t->depth; k++) {
    __builtin_prefetch(soon, 0, 2);
    soon += soon_row;
    vreal right[MOST_VECTORS];
#pragma GCC unroll 8
    for (int j = 0; j < vectors; j++) right[j] = vload(b + j * LANES);
    b += b_row;
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      vreal left = vsplat(order == BY_COLUMNS ? row[0][i] : row[i / 3][i % 3 * a_stride]);
#pragma GCC unroll 8
      for (int j = 0; j < vectors; j++) sum[i][j] = vfma(left, right[j], sum[i][j]);
    }
    if (order == BY_COLUMNS) row[0] += a_stride;
    else {
#pragma GCC unroll 4
      for (int g = 0; g < (rows + 2) / 3; g++) row[g]++;
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) {
    const real *addend = t->addend ? t->addend + i * t->addend_row : NULL;
    real *c = t->c + i * t->c_row;
#pragma GCC unroll 8
    for (int j = 0; j < vectors; j++) {
      int64_t lanes = j < vectors - 1 ? LANES : t->columns - j * LANES;
      finish_vector(t, sum[i][j], addend ? addend + j * LANES : NULL, c + j * LANES, lanes);
    }
  }
}

INLINE void run_height(const int rows, const int vectors, const int order, const tile *t) {
  if (rows * vectors <= ACCUMULATORS) run_tile(rows, vectors, order, t);
}

INLINE void run_rows(int rows, const int vectors, const int order, const tile *t) {
  switch (rows) {
  case 1: return run_height(1, vectors, order, t);
  case 2: return run_height(2, vectors, order, t);
  case 3: return run_height(3, vectors, order, t);
  case 4: return run_height(4, vectors, order, t);
  case 5: return run_height(5, vectors, order, t);
  case 6: return run_height(6, vectors, order, t);
  case 8: return run_height(8, vectors, order, t);
  case 10: return run_height(10, vectors, order, t);
  default: return run_height(12, vectors, order, t);
  }
}

typedef void tile_runner(int rows, const tile *t);
static void one_by_rows(int rows, const tile *t) { run_rows(rows, 1, BY_ROWS, t); }
static void two_by_rows(int rows, const tile *t) { run_rows(rows, 2, BY_ROWS, t); }
static void one_by_columns(int rows, const tile *t) { run_rows(rows, 1, BY_COLUMNS, t); }
static void two_by_columns(int rows, const tile *t) { run_rows(rows, 2, BY_COLUMNS, t); }
static void four_by_rows(int rows, const tile *t) { run_rows(rows, 4, BY_ROWS, t); }
static void eight_by_rows(int rows, const tile *t) { run_rows(rows, 8, BY_ROWS, t); }

// ---- cutting blocks into register tiles

// Rows of the next tile when `left` are left: full tiles, then two of about the same height rather than a very low one.
// There are tiles of 1 to 6, 8, 10 and 12 rows.
static inline int64_t tile_rows(int64_t left) {
  if (left >= 2 * PANEL_ROWS) return PANEL_ROWS;
  int64_t half = (left + 1) / 2;
  if (left > PANEL_ROWS) return half <= 6 ? half : round_up(half, 2);
  return left <= 6 || left % 2 == 0 ? left : half;
}

// Columns of the next tile. Where few rows leave registers free and B lies in place, tiles are wider, so that a step in
// depth reads more of a row of B.
static inline int64_t tile_columns(int64_t rows, int64_t left, panels b, int order) {
  int64_t vectors = PANEL_VECTORS;
  if (order == BY_ROWS && b.next == PANEL_COLUMNS) {
    if (8 * rows <= ACCUMULATORS && left >= 8 * LANES) vectors = 8;
    else if (4 * rows <= ACCUMULATORS && left >= 4 * LANES) vectors = 4;
  }
  return smaller(left, vectors * LANES);
}

static tile_runner *runner(int64_t columns, int order) {
  if (columns > 4 * LANES) return eight_by_rows;
  if (columns > 2 * LANES) return four_by_rows;
  if (columns > LANES) return order == BY_ROWS ? two_by_rows : two_by_columns;
  return order == BY_ROWS ? one_by_rows : one_by_columns;
}

// Gives the tile an addend with unit column stride, copied to `copy` if the addend has another.
static void set_addend(tile *t, matrix addend, int64_t rows, real *copy) {
  t->addend = addend.data;
  t->addend_row = addend.row;
  if (addend.data == NULL || addend.column == 1) return;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < t->columns; j++)
      copy[i * t->columns + j] = addend.data[i * addend.row + j * addend.column];
  t->addend = copy;
  t->addend_row = t->columns;
}

static inline matrix part(matrix m, int64_t i, int64_t j) {
  if (m.data != NULL) m.data += i * m.row + j * m.column;
  return m;
}

// ---- what tiles fetch into the second-level cache while they compute

static inline void fetch_nothing(tile *t) {
  t->soon = t->a;
  t->soon_row = 0;
}

// The next line of columns of what is upcoming.
static inline void fetch_upcoming(tile *t, upcoming *soon) {
  fetch_nothing(t);
  for (int i = 0; i < 2; i++)
    if (soon[i].done < soon[i].columns) {
      t->soon = soon[i].data + soon[i].done;
      t->soon_row = soon[i].row;
      soon[i].done += LINE;
      return;
    }
}

// The rows of A, contiguous along the depth, after the tile's own: without gaps line by line by the first tile of a row
// of tiles, else each tile's share of them in one go.
static inline void fetch_rows(tile *t, int64_t rows, int64_t next_rows, int64_t column, int64_t columns) {
  const real *next = t->a + rows * t->a_stride;
  fetch_nothing(t);
  if (t->a_stride == t->depth) {
    if (column > 0) return;
    t->soon = next;
    t->soon_row = LINE;
  } else
    for (int64_t i = next_rows * column / columns; i < next_rows * (column + t->columns) / columns; i++)
      for (int64_t k = 0; k < t->depth; k += LINE) __builtin_prefetch(next + i * t->a_stride + k, 0, 2);
}

// ---- blocks

// One row of tiles: t has depth, a, a_stride, c_row and scale. Of A by rows, next_rows rows come after it.
static void tile_row(tile t, int64_t rows, int64_t columns, int order, panels b, real *c, matrix addend, int64_t next_rows,
                     upcoming *soon) {
  real copy[PANEL_ROWS * MOST_VECTORS * LANES];
  for (int64_t j = 0; j < columns; j += t.columns) {
    t.columns = tile_columns(rows, columns - j, b, order);
    if (order == BY_ROWS) fetch_rows(&t, rows, next_rows, j, columns);
    else fetch_upcoming(&t, soon);
    t.b = panel_from(b, 0, j).data;
    t.b_row = b.row;
    t.c = c + j;
    set_addend(&t, part(addend, 0, j), rows, copy);
    runner(t.columns, order)((int)rows, &t);
  }
}

void panel_product(int64_t rows, int64_t columns, int64_t depth, matrix a, panels b, real *c, int64_t c_row, matrix addend,
                   real scale) {
  int order = a.column == 1 ? BY_ROWS : BY_COLUMNS;
  upcoming soon[2] = {{0}};
  tile t = {.depth = depth, .a_stride = order == BY_ROWS ? a.row : a.column, .c_row = c_row, .scale = scale};
  for (int64_t i = 0, height; i < rows; i += height) {
    height = tile_rows(rows - i);
    t.a = a.data + i * a.row;
    tile_row(t, height, columns, order, b, c + i * c_row, part(addend, i, 0), tile_rows(rows - i - height), soon);
  }
}

void panel_product_copied(int64_t rows, int64_t columns, int64_t depth, const real *a, panels b, real *c, int64_t c_row,
                          matrix addend, real scale, upcoming *soon) {
  tile t = {.depth = depth, .c_row = c_row, .scale = scale};
  for (int64_t i = 0, height; i < rows; i += height) {
    height = tile_rows(rows - i);
    t.a = a + i * depth;
    t.a_stride = height;
    tile_row(t, height, columns, BY_COLUMNS, b, c + i * c_row, part(addend, i, 0), 0, soon);
  }
}

// The first `rows` rows, a multiple of PANEL_ROWS, of an A with unit row stride: all of them at each step of the depth.
static void copy_contiguous(real *to, matrix a, int64_t rows, int64_t depth) {
  for (int64_t k = 0; k < depth; k++, to += PANEL_ROWS, a.data += a.column)
    for (int64_t i = 0; i < rows; i += PANEL_ROWS) {
      memcpy(to + i * depth, a.data + i, PANEL_ROWS * sizeof(real));
    }
}

void panel_copy_rows(real *to, matrix a, int64_t rows, int64_t depth) {
  int64_t done = 0;
  if (a.row == 1) {
    while (tile_rows(rows - done) == PANEL_ROWS) done += PANEL_ROWS;
    copy_contiguous(to, a, done, depth);
  }
  for (int64_t i = done, height; i < rows; i += height) {
    height = tile_rows(rows - i);
    for (int64_t k = 0; k < depth; k++)
      for (int64_t r = 0; r < height; r++) to[i * depth + k * height + r] = a.data[(i + r) * a.row + k * a.column];
  }
}

// ---- packing B

// Sixteen bytes: a square block of QUAD x QUAD is transposed in registers.
enum { QUAD = 16 / sizeof(real) };
typedef real quad __attribute__((vector_size(16), may_alias));

static inline quad load_quad(const real *p) {
  quad q;
  memcpy(&q, p, sizeof q);
  return q;
}
static inline void store_quad(real *p, quad q) { memcpy(p, &q, sizeof q); }

#ifdef SCANTLING_DOUBLE
static inline void transpose_quads(const real *from, int64_t stride, real *to, int64_t to_stride) {
  quad a = load_quad(from), b = load_quad(from + stride);
  store_quad(to, (quad){a[0], b[0]});
  store_quad(to + to_stride, (quad){a[1], b[1]});
}
#else
static inline quad low_halves(quad a, quad b) { return (quad){a[0], b[0], a[1], b[1]}; }
static inline quad high_halves(quad a, quad b) { return (quad){a[2], b[2], a[3], b[3]}; }

static inline void transpose_quads(const real *from, int64_t stride, real *to, int64_t to_stride) {
  quad a = load_quad(from), b = load_quad(from + stride);
  quad c = load_quad(from + 2 * stride), d = load_quad(from + 3 * stride);
  quad ac_low = low_halves(a, c), ac_high = high_halves(a, c), bd_low = low_halves(b, d), bd_high = high_halves(b, d);
  store_quad(to, low_halves(ac_low, bd_low));
  store_quad(to + to_stride, high_halves(ac_low, bd_low));
  store_quad(to + 2 * to_stride, low_halves(ac_high, bd_high));
  store_quad(to + 3 * to_stride, high_halves(ac_high, bd_high));
}
#endif

static void pack_any(real *to, int64_t width, matrix b, int64_t depth, int64_t columns) {
  for (int64_t k = 0; k < depth; k++, to += width)
    for (int64_t j = 0; j < columns; j++) to[j] = b.data[k * b.row + j * b.column];
}

// B has unit row stride. Cache line by cache line along the depth, so that each is read once.
static void pack_transposed(real *to, int64_t width, matrix b, int64_t depth, int64_t columns) {
  int64_t deep = depth / LINE * LINE, wide = columns / QUAD * QUAD;
  for (int64_t k = 0; k < deep; k += LINE)
    for (int64_t j = 0; j < wide; j += QUAD)
      for (int64_t l = k; l < k + LINE; l += QUAD)
        transpose_quads(b.data + j * b.column + l, b.column, to + l * width + j, width);
  pack_any(to + wide, width, part(b, 0, wide), deep, columns - wide);
  pack_any(to + deep * width, width, part(b, deep, 0), depth - deep, columns);
}

// B has unit column stride. All columns at each step of the depth, so that memory is read in order.
static void pack_rows(real *to, int64_t width, matrix b, int64_t depth, int64_t columns) {
  int64_t whole = columns / width * width;
  for (int64_t k = 0; k < depth; k++, to += width, b.data += b.row) {
    for (int64_t j = 0; j < whole; j += width)
      for (int64_t l = j; l < j + width; l += LANES) {
        vstore(to + j * depth + l - j, vload(b.data + l));
      }
    for (int64_t l = whole; l < whole + width && whole < columns; l += LANES) {
      int64_t left = larger(0, columns - l);
      vstore(to + whole * depth + l - whole, left >= LANES ? vload(b.data + l) : vload_part(b.data + l, left));
    }
  }
}

static void pack_panel(real *to, int64_t width, matrix b, int64_t depth, int64_t columns) {
  if (columns < width)
    for (int64_t k = 0; k < depth; k++) memset(to + k * width + columns, 0, (width - columns) * sizeof(real));
  if (b.row == 1) pack_transposed(to, width, b, depth, columns);
  else pack_any(to, width, b, depth, columns);
}

void panel_pack_columns(real *to, int64_t width, matrix b, int64_t depth, int64_t columns) {
  if (b.column == 1) return pack_rows(to, width, b, depth, columns);
  for (int64_t j = 0; j < columns; j += width)
    pack_panel(to + j * depth, width, part(b, 0, j), depth, smaller(width, columns - j));
}

panels panel_pack(real *to, matrix b, int64_t depth, int64_t columns) {
  panel_pack_columns(to, panel_width(columns), b, depth, columns);
  return panel_packed(to, depth, columns);
}
